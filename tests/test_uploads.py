"""Uploads to a closed site: real servers read them before the 503, and hold no worker for long."""

import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator

import pytest

from project.probe import ask
from project.processes import free_port
from tests.helpers.fleet import Fleet, new_database
from tests.servers.uploads import CLOSED, OPEN, balanced, load, upload

pytestmark = [pytest.mark.slow, pytest.mark.any_database]

SIZE = 20_000_000
HEADERS = f"POST / HTTP/1.1\r\nHost: {CLOSED}\r\nContent-Length: {{}}\r\n{{}}\r\n"


@pytest.fixture(scope="module")
def fleet(tmp_path_factory) -> Iterator[Fleet]:
    folder = tmp_path_factory.mktemp("uploads")
    with new_database(folder) as url, Fleet(folder, url) as fleet:
        fleet.migrate(2)
        fleet.manage("maintenance", "on", CLOSED)
        yield fleet


@pytest.fixture(scope="module")
def start(fleet) -> Callable[..., int]:
    """Start a gunicorn with one worker and return its port."""

    def start(*options: str) -> int:
        port = free_port()
        bind = f"--bind=127.0.0.1:{port}"
        fleet.start(f"web{port}", "gunicorn", "--workers=1", bind, *options, "project.wsgi")
        fleet.until(lambda: ask(port, OPEN, "/healthz").status == 200)
        return port

    return start


@pytest.fixture(scope="module")
def sync(start) -> list[int]:
    return [start(), start()]


@pytest.fixture
def read_only(fleet) -> Iterator[None]:
    fleet.manage("maintenance", "on", CLOSED, "--read-only")
    yield
    fleet.manage("maintenance", "on", CLOSED)


def assert_proxy_trusts_servers(ports: list[int], folder) -> None:
    with balanced(folder, ports) as port:
        deadline = time.monotonic() + 20
        while ask(port, OPEN).status != 200:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        seen = load(port, uploads=10, pages=15)
    assert seen.uploads == Counter({503: 10})
    assert seen.pages == Counter({200: 15})


def test_uploads_leave_other_sites_up(sync, tmp_path):
    assert_proxy_trusts_servers(sync, tmp_path)


@pytest.mark.usefixtures("read_only")
def test_uploads_to_read_only_site_leave_other_sites_up(sync, tmp_path):
    time.sleep(1.2)  # both servers have read the new level
    assert_proxy_trusts_servers(sync, tmp_path)


def test_threads_read_uploads_too(start, tmp_path):
    assert_proxy_trusts_servers([start("--threads=4"), start("--threads=4")], tmp_path)


def answer(port: int, *parts: bytes) -> bytes:
    """Send a request in parts and return everything that comes until the server closes."""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        for part in parts:
            connection.sendall(part)
            time.sleep(0.05)
        received = b""
        while piece := connection.recv(65_536):
            received += piece
    return received


@pytest.mark.parametrize("size", [1, 1023, 1025, 65_536, 65_537, 1_000_001, SIZE])
def test_503_follows_bodies_of_any_size(sync, size):
    """Whole bodies are read at once: none waits until the server gives up."""
    began = time.monotonic()
    headers = HEADERS.format(size, "").encode()
    assert b" 503 " in answer(sync[0], headers, bytes(size)).partition(b"\r\n")[0]
    assert b" 503 " in answer(sync[0], headers + bytes(size)).partition(b"\r\n")[0]
    assert time.monotonic() - began < 5


def test_expect_continue_gets_503(sync):
    headers = HEADERS.format(SIZE, "Expect: 100-continue\r\n").encode()
    received = answer(sync[0], headers, bytes(SIZE))
    assert received.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 503 ")


def test_chunked_body_gets_503(sync):
    headers = f"POST / HTTP/1.1\r\nHost: {CLOSED}\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
    assert answer(sync[0], headers, b"3\r\nabc\r\n0\r\n\r\n").startswith(b"HTTP/1.1 503 ")


def test_slow_client_does_not_hold_worker(sync):
    """gunicorn itself would let it go on for half a minute, and then kill the worker."""
    stop = threading.Event()
    with socket.create_connection(("127.0.0.1", sync[0])) as client:
        client.sendall(HEADERS.format(SIZE, "").encode())

        def drip() -> None:
            while not stop.wait(0.2):
                try:
                    client.sendall(b"x")
                except OSError:
                    return

        dripping = threading.Thread(target=drip)
        dripping.start()
        try:
            time.sleep(0.1)
            assert ask(sync[0], OPEN, timeout=15).status == 200
        finally:
            stop.set()
            dripping.join()


def test_client_that_leaves_does_not_break_worker(fleet, sync):
    with socket.create_connection(("127.0.0.1", sync[0])) as client:
        client.sendall(HEADERS.format(SIZE, "").encode() + bytes(100_000))
    assert ask(sync[0], OPEN, timeout=15).status == 200
    assert upload(sync[0], CLOSED, b"x") == 503
    assert "Traceback" not in fleet.log(f"web{sync[0]}")


@pytest.fixture(scope="module")
def counting(fleet, start) -> int:
    """The port of a server whose responses tell how much of the body is left."""
    fleet.env["DJANGO_SETTINGS_MODULE"] = "tests.helpers.uploading"
    return start()


@pytest.mark.parametrize(
    ("size", "header", "left"),
    [
        (1_000_000, "", 0),
        (1_000_001, "", 1_000_001),  # larger than MAINTENANCE_DISCARD_BYTES
        (1_000_000, "X-Read: 1\r\n", 1_000_000),  # another middleware has it, and keeps it
    ],
)
def test_body_is_discarded_within_bounds(counting, size, header, left):
    received = answer(counting, HEADERS.format(size, header).encode(), bytes(size))
    assert received.startswith(b"HTTP/1.1 503 ")
    assert f"X-Left: {left}\r\n".encode() in received


def test_open_site_gets_whole_body(counting):
    headers = HEADERS.format(1_000_000, "").replace(CLOSED, OPEN).encode()
    assert b"X-Left: 1000000\r\n" in answer(counting, headers, bytes(1_000_000))
