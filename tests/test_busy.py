"""What strangers send to a closed site without end, in real processes with a slow database."""

import secrets
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from project.probe import ask
from project.processes import free_port
from tests.helpers.fleet import Fleet, new_database
from tests.helpers.flood import Flood, Request

pytestmark = pytest.mark.slow

UVICORN = ("uvicorn", "--host=127.0.0.1", "--port={port}", "project.asgi:application")
GTHREAD = ("gunicorn", "--threads=32", "--bind=127.0.0.1:{port}", "project.wsgi")
ASKED = 20
LOG_IN = """
from django.contrib.auth.models import User
from django.test import Client
client = Client()
client.force_login(User.objects.create_superuser("alice"))
print("sessionid=" + client.cookies["sessionid"].value)
"""


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """A closed site and its scheduler."""
    folder = tmp_path_factory.mktemp("fleet")
    with new_database(folder) as database, Fleet(folder, database) as fleet:
        fleet.migrate()
        fleet.manage("maintenance", "on", "s0.example")
        fleet.cookie = fleet.manage("shell", "--verbosity=0", f"--command={LOG_IN}").strip()
        fleet.start_scheduler()
        yield fleet


@pytest.fixture
def serve(fleet: Fleet) -> Iterator[Callable[..., None]]:
    """Starts a web server with one process."""

    def serve(command: tuple[str, ...], **env: str) -> None:
        fleet.port = free_port()
        fleet.env |= env
        fleet.start("web", *(part.format(port=fleet.port) for part in command))
        fleet.wait("/readyz")

    before = dict(fleet.env)
    yield serve
    fleet.env = before
    fleet.stop("web")


def get(path: str = "/", *, host: str = "s0.example", more: str = "") -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: {host}\r\n{more}\r\n".encode()


def status_json(number: int) -> bytes:
    return get("/maintenance/status.json")


def made_up_cookie(number: int) -> bytes:
    return get(more=f"Cookie: sessionid={secrets.token_hex(16)}\r\n")


@pytest.mark.nightly
@pytest.mark.parametrize("server", [UVICORN, GTHREAD], ids=["uvicorn", "gthread"])
@pytest.mark.parametrize("request_of", [status_json, made_up_cookie])
def test_flood_crowds_out_neither_staff_nor_probes(
    fleet: Fleet, serve, server, request_of: Request, capsys
):
    serve(server, DJANGO_SETTINGS_MODULE="tests.helpers.slow_settings")
    with Flood(fleet.port, request_of) as flood, ThreadPoolExecutor(2) as askers:
        time.sleep(0.5)
        asked = [
            (askers.submit(ask, fleet.port, "s0.example", cookie=fleet.cookie, timeout=20),
             askers.submit(ask, fleet.port, "s0.example", "/readyz", timeout=20))
            for _ in range(ASKED)
        ]  # fmt: skip
        answers = [(staff.result(), ready.result()) for staff, ready in asked]
    with capsys.disabled():
        for who, part in zip(("staff", "/readyz"), zip(*answers, strict=True), strict=True):
            slowest = max(one.received - one.sent for one in part).total_seconds()
            passed = sum(one.status == 200 for one in part)
            print(f"\n{who}: {passed} of {ASKED}, slowest {slowest:.2f} s", end="")
        print(f"\nstrangers: {dict(flood.answers)}")
    assert [one.status for pair in answers for one in pair] == [200] * 2 * ASKED
    assert set(flood.answers) == {b"200" if request_of is status_json else b"503"}
