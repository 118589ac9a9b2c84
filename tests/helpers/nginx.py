"""A real nginx or Varnish, which reads and writes only in a folder of the test."""

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from project.processes import _die_with_parent
from tests.helpers.services import require_program

CONFIGURATION = """
daemon off;
worker_processes 1;
{user}
pid nginx.pid;
events {{ worker_connections 64; }}
http {{
    access_log off;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    proxy_set_header Host $http_host;
{http}
}}
"""


@contextmanager
def running(folder: Path, http: str) -> Iterator[None]:
    """Run nginx within the block, with these directives of its `http` block."""
    program = require_program("nginx")
    # The user nobody could not write to a folder of root.
    user = "user root;" if os.geteuid() == 0 else ""
    (folder / "nginx.conf").write_text(CONFIGURATION.format(user=user, http=http))
    with _started(folder, program, "-p", folder, "-e", folder / "log", "-c", folder / "nginx.conf"):
        yield


@contextmanager
def running_varnish(folder: Path, port: int, backend: int) -> Iterator[None]:
    """Run Varnish within the block, as it is without a configuration."""
    program = require_program("varnishd")
    listen, ask = f"127.0.0.1:{port}", f"127.0.0.1:{backend}"
    jail = ("-j", "none") if os.geteuid() == 0 else ()  # its user could not enter the folder
    with _started(folder, program, *jail, "-F", "-n", folder, "-a", listen, "-b", ask):
        yield


@contextmanager
def _started(folder: Path, *command: Any) -> Iterator[None]:
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            preexec_fn=_die_with_parent,  # noqa: PLW1509 (see project/processes.py)
        )
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
