"""Apache with mod_wsgi as Debian has it: a daemon process, and in it a sub-interpreter."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.request import urlopen

import pytest

from project.probe import ask
from project.processes import _die_with_parent, free_port
from tests.helpers.services import require_program
from tests.helpers.stranger import Stranger, build

pytestmark = pytest.mark.slow

MODULES = Path("/usr/lib/apache2/modules")
DEBIANS_PYTHON = "/usr/bin/python3"  # the one that the module is made for
START_UP = 30.0  # seconds
FOLLOWS = 2.0  # seconds in which every process has seen a switch

# No WSGIApplicationGroup: without one mod_wsgi gives each site an interpreter of its own.
CONFIGURATION = """
ServerRoot {folder}
ServerName 127.0.0.1
Listen 127.0.0.1:{port}
PidFile {folder}/apache2.pid
ErrorLog {folder}/error.log
LoadModule mpm_event_module {modules}/mod_mpm_event.so
LoadModule authz_core_module {modules}/mod_authz_core.so
LoadModule wsgi_module {modules}/mod_wsgi.so
WSGISocketPrefix {folder}/wsgi
WSGIDaemonProcess site processes=2 threads=4 python-home={folder}/venv python-path={site}
WSGIProcessGroup site
WSGIScriptAlias / {site}/yourproject/wsgi.py
"""

# The name is empty in the main interpreter.
PAGE = """
import sys
from django.http import HttpResponse

urlpatterns += [
    path(name, lambda request: HttpResponse(sys.modules["mod_wsgi"].application_group))
    for name in ("", "open/")
]
"""
# A regular expression, for which a module in C is loaded when the first request is matched.
SETTING = 'MAINTENANCE_ADMIN_IGNORED_URLS = ["^open/"]'


@pytest.fixture(scope="module")
def stranger() -> Iterator[Stranger]:
    """A site with a page that names its interpreter, in a folder that others than root can read."""
    require_program("apache2")
    if not (MODULES / "mod_wsgi.so").exists():
        (pytest.fail if os.environ.get("CI") else pytest.skip)("mod_wsgi is not installed")
    with TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o755)
        stranger = Stranger(folder, build(folder / "dist"), python=DEBIANS_PYTHON)
        stranger.begin(PAGE)
        stranger.write(SETTING)
        yield stranger


@contextmanager
def apache(stranger: Stranger) -> Iterator[tuple[int, subprocess.Popen[bytes]]]:
    """Its port and its process, until the block is left."""
    port, folder = free_port(), stranger.folder
    configuration = CONFIGURATION.format(
        folder=folder, site=stranger.site, port=port, modules=MODULES
    )
    (folder / "apache2.conf").write_text(configuration)
    user = None
    if os.geteuid() == 0:  # whom Apache does not serve
        user = "www-data"
        stranger.type(f"chown -R {user} {folder}")
    process = subprocess.Popen(
        [require_program("apache2"), "-f", folder / "apache2.conf", "-DFOREGROUND"],
        cwd=folder,
        env=stranger.env,
        stdin=subprocess.DEVNULL,
        user=user,
        start_new_session=True,
        preexec_fn=_die_with_parent,  # noqa: PLW1509 (see project/processes.py)
    )
    try:
        yield port, process
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def until(condition: Callable[[], bool], seconds: float, log: Path) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, log.read_text() if log.exists() else "no log"
        time.sleep(0.05)


def test_site_in_sub_interpreter_goes_down_and_comes_up(stranger):
    """Both processes follow: many answers in a row are the same."""
    log = stranger.folder / "error.log"
    with apache(stranger) as (port, process):
        until(lambda: ask(port, "localhost").status == 200, START_UP, log)
        with urlopen(f"http://localhost:{port}/", timeout=10) as answer:
            assert answer.read(), "this is the main interpreter"
        for verb, status in (("on", 503), ("off", 200)):
            stranger.type(f"python manage.py maintenance {verb} example.com")
            time.sleep(FOLLOWS)
            assert {ask(port, "localhost").status for _ in range(20)} == {status}, log.read_text()
            assert {ask(port, "localhost", "/open/").status for _ in range(20)} == {200}
        process.terminate()
        assert process.wait(10) == 0
    assert "did not exit" not in log.read_text()
