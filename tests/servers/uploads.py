"""Uploads to a closed site behind a real nginx with two servers, beside pages of an open site."""

import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from project.probe import ask
from project.processes import free_port
from tests.helpers.nginx import running

CLOSED, OPEN = "s0.example", "s1.example"
AT_ONCE = 8
# All defaults of nginx but the size of a body that it takes.
BEHIND = """
    client_max_body_size 0;
    upstream servers {{ {servers} }}
    server {{
        listen 127.0.0.1:{port};
        location / {{ proxy_pass http://servers; }}
    }}
"""


@dataclass(slots=True)
class Seen:
    """How often each status was answered; 0 where there was no answer."""

    uploads: Counter[int] = field(default_factory=Counter)
    pages: Counter[int] = field(default_factory=Counter)
    slowest: float = 0.0  # seconds of an upload

    @property
    def failed(self) -> bool:
        return set(self.uploads) != {503} or set(self.pages) != {200}


@contextmanager
def balanced(folder: Path, ports: list[int]) -> Iterator[int]:
    """The port of an nginx that balances these servers."""
    port = free_port()
    servers = " ".join(f"server 127.0.0.1:{one};" for one in ports)
    with running(folder, BEHIND.format(servers=servers, port=port)):
        yield port


def upload(port: int, host: str, body: bytes) -> int:
    connection = HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request("POST", "/", body=body, headers={"Host": host})
        return connection.getresponse().status
    except (OSError, HTTPException):
        return 0
    finally:
        connection.close()


def load(port: int, *, uploads: int = 40, size: int = 20_000_000, pages: int = 80) -> Seen:
    """Upload to the closed site while somebody reads pages of the open one."""
    seen, body = Seen(), bytes(size)

    def once(_: int) -> tuple[int, float]:
        began = time.monotonic()
        return upload(port, CLOSED, body), time.monotonic() - began

    def read() -> None:
        for _ in range(pages):
            seen.pages[ask(port, OPEN, timeout=30).status] += 1
            time.sleep(0.02)

    with ThreadPoolExecutor(AT_ONCE + 1) as pool:
        reader = pool.submit(read)
        for status, seconds in pool.map(once, range(uploads)):
            seen.uploads[status] += 1
            seen.slowest = max(seen.slowest, seconds)
        reader.result()
    return seen
