"""The demo and the Procfile, as in the README."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import psycopg
import pytest
from django.conf import settings

from project.probe import ask
from project.processes import free_port
from tests.helpers.fleet import new_database
from tests.helpers.services import require, require_postgresql

pytestmark = pytest.mark.slow

ROOT = Path(settings.BASE_DIR)


@pytest.fixture
def environment() -> dict[str, str]:
    """An environment without any of the project's variables."""
    kept = {"PATH", "HOME", "LANG", "TMPDIR"}
    return {name: value for name, value in os.environ.items() if name in kept}


def children(folder: Path) -> list[str]:
    """Processes with this demo's folder in their environment."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            environ = (process / "environ").read_bytes()
            found += [process.name] if str(folder).encode() in environ else []
        except OSError:
            continue
    return found


def start_demo(environment: dict[str, str], *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "manage.py", "demo", f"--port={free_port()}", *arguments],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        bufsize=1,
    )


def test_demo_shows_one_cycle(environment, tmp_path):
    demo = start_demo(environment | {"TMPDIR": str(tmp_path)}, "--once")
    printed, _ = demo.communicate(timeout=120)
    assert demo.returncode == 0, printed
    rows = re.findall(r"^\d\d:\d\d:\d\d\.\d  (.+?)  +(\d+)$", printed, re.MULTILINE)
    assert {globex for _, globex in rows} == {"200"}
    acme = [status for status, _ in rows]
    assert acme[0] == acme[-1] == "200"
    waits = [int(wait) for wait in re.findall(r"Retry-After: (\d+)", printed)]
    assert waits == sorted(waits, reverse=True)
    assert waits[0] >= 18
    assert waits[-1] <= 2
    assert list(tmp_path.iterdir()) == children(tmp_path) == []


def test_demo_exits_when_stdout_closes(environment, tmp_path):
    with start_demo(environment | {"TMPDIR": str(tmp_path)}) as demo:
        assert next(iter(demo.stdout))
        demo.stdout.close()
        assert demo.wait(60) in {0, 120}
    assert list(tmp_path.iterdir()) == children(tmp_path) == []


@pytest.mark.parametrize(
    "number",
    [signal.SIGINT, signal.SIGTERM, pytest.param(signal.SIGHUP, marks=pytest.mark.nightly)],
)
def test_demo_cleans_up_on_signal(environment, tmp_path, number):
    with start_demo(environment | {"TMPDIR": str(tmp_path)}) as demo:
        assert any("200  " in line for line in demo.stdout)
        assert children(tmp_path)
        demo.send_signal(number)
        assert demo.wait(20) == 128 + number
    assert list(tmp_path.iterdir()) == children(tmp_path) == []


def test_procfile_starts_on_empty_database(environment, tmp_path):
    server, redis = require_postgresql(), require("REDIS_URL")
    port = free_port()
    with new_database(tmp_path, server) as url, (tmp_path / "log").open("w") as log:
        environment |= {
            "ALLOWED_HOSTS": ".example",
            "DATABASE_URL": url,
            "PATH": f"{Path(sys.executable).parent}:{environment['PATH']}",
            "PORT": str(port),
            "REDIS_URL": redis,
            "SECRET_KEY": "only-for-this-test",
        }
        command = [sys.executable, "-m", "honcho", "start"]
        with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log) as honcho:
            try:
                deadline = time.monotonic() + 60
                while ask(port, "acme.example", "/readyz").status != 200:
                    assert honcho.poll() is None
                    assert time.monotonic() < deadline, (tmp_path / "log").read_text()
                    time.sleep(0.2)
                with psycopg.connect(url) as connection:
                    assert connection.execute("SELECT domain FROM django_site").fetchall()
            finally:
                honcho.terminate()
