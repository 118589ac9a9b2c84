"""One variant of the site in a process of its own, which handles requests in blocks.

Each line on stdin asks for a block, as JSON, and is answered by a line with what it took. The
handlers of Django are called as servers call them: no socket, no test client.
"""

import asyncio
import json
import os
import sys
import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from io import BytesIO
from typing import Any

from tests.benchmarks.sampling import Samples
from tests.benchmarks.site.making import make

HOST, ADDRESS = "acme.example", "203.0.113.9"


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A block of requests; `warm` more requests precede it to fill the processor's caches."""

    protocol: str
    accept: str
    requests: int
    warm: int = 5
    sampled: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """Seconds of CPU that a request took of the thread that handles it, and of the whole process;
    the queries that any thread sent for it; all statuses that were seen; where samples were wanted,
    each stack with how often it was seen.
    """

    thread: float
    process: float
    queries: float
    statuses: list[int]
    stacks: list[tuple[list[str], int]]


class Queries:
    """Counts the queries of all threads."""

    number = 0

    def count_on(self, connection: Any, **_: Any) -> None:
        connection.execute_wrappers.append(self._count)

    def _count(self, execute: Callable[..., Any], *arguments: Any) -> Any:
        self.number += 1
        return execute(*arguments)


class WSGI:
    def __init__(self) -> None:
        from django.core.wsgi import get_wsgi_application

        self.handler = get_wsgi_application()

    def handle(self, number: int, accept: str) -> list[int]:
        statuses: list[int] = []
        environ = {
            "REQUEST_METHOD": "GET",
            "SCRIPT_NAME": "",
            "PATH_INFO": "/sync/line/",
            "QUERY_STRING": "",
            "SERVER_NAME": "127.0.0.1",
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": ADDRESS,
            "HTTP_HOST": HOST,
            "HTTP_ACCEPT": accept,
            "wsgi.url_scheme": "http",
        }

        def start_response(status: str, headers: Any, error: Any = None) -> None:
            statuses.append(int(status[:3]))

        for _ in range(number):
            response = self.handler({**environ, "wsgi.input": BytesIO()}, start_response)
            for _part in response:
                pass
            response.close()
        return statuses


class ASGI:
    def __init__(self) -> None:
        from django.core.asgi import get_asgi_application

        self.handler = get_asgi_application()
        self.loop = asyncio.new_event_loop()

    def handle(self, number: int, accept: str) -> list[int]:
        return self.loop.run_until_complete(self._handle(number, accept))

    async def _handle(self, number: int, accept: str) -> list[int]:
        statuses: list[int] = []
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": "GET",
            "scheme": "http",
            "path": "/async/line/",
            "raw_path": b"/async/line/",
            "query_string": b"",
            "root_path": "",
            "headers": [(b"host", HOST.encode()), (b"accept", accept.encode())],
            "client": (ADDRESS, 50000),
            "server": ("127.0.0.1", 80),
        }

        async def send(message: dict[str, Any]) -> None:
            if message["type"] == "http.response.start":
                statuses.append(message["status"])

        for _ in range(number):
            await self.handler(dict(scope), self._client(), send)
        return statuses

    def _client(self) -> Callable[[], Any]:
        """An ASGI client for one request without a body."""
        messages = [{"type": "http.request", "body": b"", "more_body": False}]

        async def receive() -> Any:
            return messages.pop() if messages else await self.loop.create_future()

        return receive


class Rest:
    """Measures idle seconds instead of requests, that is, the other threads."""

    def handle(self, number: int, accept: str) -> list[int]:
        time.sleep(number)
        return []


def alone() -> ASGI:
    """The stack without sessions, common and auth, which switch threads under ASGI."""
    from django.conf import settings
    from django.test import override_settings

    with override_settings(MIDDLEWARE=settings.OWN):
        return ASGI()


def main() -> None:
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # prints go to stderr, responses to stdout
    if hasattr(os, "sched_setaffinity"):
        # Threads that wake each other on two processors cost what chance will have.
        os.sched_setaffinity(0, [max(os.sched_getaffinity(0))])
    make(sys.argv[1])
    from django.db import connections
    from django.db.backends.signals import connection_created

    queries = Queries()
    connection_created.connect(queries.count_on)
    connections.close_all()
    handlers = {"WSGI": WSGI(), "ASGI": ASGI(), "ASGI, alone": alone(), "rest": Rest()}
    print("ready", file=answers)
    for line in sys.stdin:
        block = Block(**json.loads(line))
        handle = handlers[block.protocol].handle
        statuses = handle(block.warm, block.accept)
        queries.number, thread, process = 0, time.thread_time(), time.process_time()
        samples = Samples()
        with samples if block.sampled else nullcontext():
            statuses += handle(block.requests, block.accept)
        taken = Taken(
            thread=(time.thread_time() - thread) / block.requests,
            process=(time.process_time() - process) / block.requests,
            queries=queries.number / block.requests,
            statuses=sorted(set(statuses)),
            stacks=[(list(stack), count) for stack, count in samples.stacks.items()],
        )
        print(json.dumps(asdict(taken)), file=answers)


if __name__ == "__main__":
    main()
