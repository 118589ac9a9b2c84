"""The wheel, the source distribution, and the Quick start in fresh projects."""

import ast
import os
import re
import subprocess
import sys
import tarfile
import time
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import packages_distributions
from pathlib import Path
from zipfile import ZipFile

import pytest
from django.conf import settings
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from project.probe import Answer, ask
from project.processes import free_port
from tests.helpers.documented import commands, dotted_paths
from tests.helpers.services import require
from tests.helpers.stranger import Stranger, build, step_with
from tests.helpers.times import SECOND

pytestmark = pytest.mark.slow

ROOT = Path(settings.BASE_DIR)
APP = ROOT / "maintenance_windows"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = PROJECT["optional-dependencies"]
PATIENCE = 30.0  # seconds
PLANNING = 10 * SECOND  # upper bound for starting Python
PAGE = """
from django.http import HttpResponse

urlpatterns += [path("", lambda request: HttpResponse("Hello"))]
"""
CELERY = """
import os
from celery import Celery
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "yourproject.settings")
app = Celery("yourproject", broker=os.environ["BROKER"])
app.autodiscover_tasks()
"""


def oldest(name: str) -> str:
    """The lower bound of an optional dependency."""
    lines = [Requirement(line) for extra in EXTRAS.values() for line in extra]
    (found,) = {
        bound.version
        for line in lines
        if line.name == name
        for bound in line.specifier
        if bound.operator == ">="
    }
    return f"{name}=={found}"


@dataclass(frozen=True)
class Host:
    """The packages of a project before it installs this app, and its Python."""

    there: tuple[str, ...]
    python: str
    has_celery: bool = False
    has_beat: bool = False


OURS = f"{sys.version_info.major}.{sys.version_info.minor}"
HOSTS = {
    "django61": Host(("Django==6.1.*",), "3.13"),
    "oldest-celery-and-beat": Host(
        ("Django==5.2.*", oldest("celery"), oldest("django-celery-beat")), OURS, True, True
    ),
    "django61-celery": Host(("Django==6.1.*", "celery"), "3.13", True),
    "django52-python313": Host(("Django==5.2.*",), "3.13"),
}
CHOSEN = [*HOSTS] if os.environ.get("STRANGERS") else [*HOSTS][:2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    return build(tmp_path_factory.mktemp("dist"))


@pytest.fixture(scope="module")
def sdist(wheel) -> Path:
    (sdist,) = wheel.parent.glob("*.tar.gz")
    return sdist


@pytest.fixture(scope="module", params=CHOSEN)
def host(request) -> Host:
    return HOSTS[request.param]


@pytest.fixture(scope="module")
def stranger(tmp_path_factory, wheel, host) -> Stranger:
    """A fresh project after the Quick start up to the first maintenance."""
    stranger = Stranger(tmp_path_factory.mktemp("stranger"), wheel, python=interpreter(host.python))
    pip = "python -m pip install "
    stranger.type(pip + " ".join(f"'{name}'" for name in host.there), where=stranger.folder)
    before = stranger.versions()
    stranger.begin(PAGE)
    if host.has_celery:
        stranger.type(*step_with("[celery]"))
    assert before <= stranger.versions(), "pip has changed what was there"
    return stranger


@pytest.fixture(scope="module")
def visit(stranger) -> Iterator[Callable[[], Answer]]:
    """Requests the first page of the site under runserver."""
    port = free_port()
    with stranger.running(f"python manage.py runserver --noreload {port}") as log:
        until(lambda: ask(port, "localhost").status, log)
        yield lambda: ask(port, "localhost")


def interpreter(version: str) -> str:
    """The path of a Python itself, not of pyenv's shim."""
    if version == OURS:
        return sys.executable
    done = subprocess.run(
        ["/bin/sh", "-c", f"python{version} -c 'import sys; print(sys.executable)'"],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        pytest.skip(f"python{version} is not installed")
    return done.stdout.strip()


def until(condition: Callable[[], object], log: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.1)


def plan(stranger: Stranger) -> tuple[datetime, datetime]:
    """Schedule a window of two seconds that starts soon; return its times."""
    start = datetime.now(UTC) + PLANNING
    end = start + 2 * SECOND
    stranger.type(
        "python manage.py maintenance schedule example.com"
        f" --start {start.isoformat()} --end {end.isoformat()}"
    )
    return start, end


def files_of_the_app() -> set[str]:
    """The app's files that git tracks or would add."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", APP.name]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return {name for name in listed.splitlines() if (ROOT / name).exists()}


def test_wheel_contains_only_the_app(wheel):
    names = set(ZipFile(wheel).namelist())
    assert {name for name in names if ".dist-info/" not in name} == files_of_the_app()
    assert "maintenance_windows/py.typed" in names
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in names)


@pytest.mark.nightly
def test_sdist_contains_everything_for_its_tests(sdist, tmp_path):
    """`python -m build` makes the wheel from it, so it has everything else too."""
    with tarfile.open(sdist) as archive:
        archive.extractall(tmp_path, filter="data")
    (folder,) = tmp_path.iterdir()
    assert {"SECURITY.md", "noxfile.py", "docs"} <= {path.name for path in folder.iterdir()}
    for arguments in (("--collect-only",), ("tests/test_command.py", "-k", "schedule")):
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments],
            cwd=folder,
            env=os.environ | {"DATABASE_URL": ""},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout


def test_description_for_the_index_has_no_relative_links(wheel):
    """A package index has neither docs/ nor pictures, and headings have no anchors there."""
    (name,) = (name for name in ZipFile(wheel).namelist() if name.endswith("/METADATA"))
    description = ZipFile(wheel).read(name).decode().partition("\n\n")[2]
    assert description.startswith("# django-maintenance-windows\n")
    assert "Quick start (`docs/quickstart.md`)" in description
    assert not re.findall(r"\]\((?!https://)[^)]*\)|<(?:img|a)\b[^>]*>", description)


def test_imports_match_declared_dependencies():
    """tasks.py imports Celery; functions import django-celery-beat."""
    distribution = packages_distributions()
    declared = {canonicalize_name(Requirement(line).name) for line in PROJECT["dependencies"]}
    optional = {"celery", "django-celery-beat"}
    used = set()
    for module in APP.rglob("*.py"):
        tree = ast.parse(module.read_text())
        at_once = {*imported(tree.body)} - sys.stdlib_module_names - {APP.name}
        late = {*imported(ast.walk(tree))} - sys.stdlib_module_names - {APP.name}
        names = {canonicalize_name(distribution.get(name, [name])[0]) for name in at_once}
        used |= {canonicalize_name(distribution.get(name, [name])[0]) for name in late}
        assert names <= declared, module
    assert used - optional == declared


def imported(nodes) -> Iterator[str]:
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module.partition(".")[0]


def test_messages_mention_only_installed_files():
    """Comments and docstrings may name files of the repository, messages may not."""
    for module in APP.rglob("*.py"):
        tree = ast.parse(module.read_text())
        docstrings = {
            node.body[0].value
            for node in ast.walk(tree)
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
            and ast.get_docstring(node) is not None
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                is_said = node not in docstrings
                found = re.search(r"\b(docs|worker|project|tests)/|README|\.md\b", node.value)
                assert not (is_said and found), f"{module}: {node.value}"


def test_changelog_matches_version():
    changelog = (ROOT / "CHANGELOG.md").read_text()
    unreleased, *released = re.findall(r"^## \[(.+?)\]", changelog, re.MULTILINE)
    assert unreleased == "Unreleased"
    assert released[:1] in ([], [PROJECT["version"]])


IMPORT_ALL = """
import maintenance_windows as app
from pkgutil import walk_packages
for found in walk_packages(app.__path__, "maintenance_windows."):
    try:
        __import__(found.name)
    except ImportError as error:
        print(found.name, error)
"""


def test_all_modules_import_after_installation(stranger, host):
    """Without Celery all modules import but `tasks`, whose error says what to install."""
    said = stranger.run_python(IMPORT_ALL)
    if host.has_celery:
        assert not said
    else:
        assert said.splitlines() == [
            "maintenance_windows.tasks The tasks of maintenance_windows need Celery: "
            'pip install "django-maintenance-windows[celery]"'
        ]


def test_quick_start_takes_site_down_and_up(stranger, visit):
    assert visit().status == 200
    (down,), (up,) = step_with("maintenance down"), step_with("maintenance up")
    stranger.type(down)
    until(lambda: visit().status == 503, stranger.log)
    assert 500 < int(visit().retry_after) <= 600
    stranger.type(up)
    until(lambda: visit().status == 200, stranger.log)


def test_window_starts_and_ends_without_scheduler(stranger, visit):
    start, end = plan(stranger)
    answers = [visit()]
    while answers[-1].sent < end + SECOND:
        time.sleep(0.05)
        answers.append(visit())
    assert {answer.status for answer in answers} == {200, 503}
    assert max(answer.off_by(start, end) for answer in answers) == 0 * SECOND


def is_kept(stranger: Stranger, by: str) -> bool:
    """Whether the last tick is recent, and by that kind of scheduler."""
    return f", {by}" in stranger.type("python manage.py maintenance status || true")


def test_scheduler_and_cron_keep_flag_up_to_date(stranger):
    with stranger.running(*step_with("maintenance scheduler")) as log:
        until(lambda: is_kept(stranger, "scheduler"), log)
    (tick,) = step_with("maintenance tick")
    stranger.write("\n".join(step_with("MAINTENANCE_TICK_MAX_AGE")))
    # A tick within a second of another is not recorded.
    until(lambda: stranger.type(tick) or is_kept(stranger, "cron"), stranger.log)
    assert "no issues" in stranger.type("python manage.py check --database default")


def test_celery_keeps_flag_up_to_date(stranger, host):
    """Uses a Celery app as in Celery's own tutorial."""
    if not host.has_celery:
        return
    stranger.env["BROKER"] = require("REDIS_URL")
    module = stranger.site / "yourproject/celery.py"
    worker, beat = step_with("celery -A")
    if host.has_beat:
        stranger.write('INSTALLED_APPS = ["django_celery_beat"]')
        stranger.type("python manage.py migrate --verbosity 0")
        module.write_text(CELERY)
        (scheduler,) = re.findall(r"`(--scheduler \S+)`", (ROOT / "docs/quickstart.md").read_text())
        beat += f" {scheduler}"
    else:
        module.write_text(CELERY + "\n".join(step_with("beat_schedule")))
    with stranger.running(worker, beat) as log:
        until(lambda: is_kept(stranger, "celery"), log)


# Runs each command like the shell; one that does not end by itself gets Ctrl-C.
TRY_ALL = """
import os, shlex, signal, sys, threading, traceback
from django.core.management import execute_from_command_line
for line in {lines!r}:
    ctrl_c = threading.Timer(3, os.kill, (os.getpid(), signal.SIGINT))
    ctrl_c.daemon = True
    ctrl_c.start()
    code = 0
    try:
        execute_from_command_line(["manage.py", *shlex.split(line, comments=True)])
    except SystemExit as end:
        code = end.code or 0
    except BaseException:
        traceback.print_exc()
        code = 70
    ctrl_c.cancel()
    if code not in (0, 1):
        print("!", code, line)
"""


def test_documented_commands_exist(stranger):
    """Commands may refuse, in one sentence and with exit code 1."""
    said = stranger.run_python(TRY_ALL.format(lines=commands()))
    assert not re.findall(r"^! .*$|^Traceback.*$", said, re.MULTILINE), said


def test_documented_dotted_paths_exist(stranger, host):
    program = "from pkgutil import resolve_name\n" + "".join(
        f"resolve_name({path!r})\n"
        for path in dotted_paths()
        if host.has_celery or ".tasks" not in path
    )
    stranger.run_python(program)
