"""Many connections that send requests to one server without a pause."""

import asyncio
import threading
from collections import Counter
from collections.abc import Callable
from typing import Self

Request = Callable[[int], bytes]  # of the number of requests so far


class Flood:
    """Keeps `connections` busy during the block; counts what was answered."""

    def __init__(self, port: int, request: Request, *, connections: int = 60) -> None:
        self.port, self.request, self.connections = port, request, connections
        self.answers: Counter[bytes] = Counter()
        self.sent = 0
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._thread.join(20)

    async def _run(self) -> None:
        await asyncio.gather(*(self._connect() for _ in range(self.connections)))

    async def _connect(self) -> None:
        while not self._stopped.is_set():
            try:
                await self._converse(*await asyncio.open_connection("127.0.0.1", self.port))
            except (OSError, asyncio.IncompleteReadError):
                self.answers[b"no answer"] += 1
                await asyncio.sleep(0.05)

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while not self._stopped.is_set():
                self.sent += 1
                writer.write(self.request(self.sent))
                head = (await reader.readuntil(b"\r\n\r\n")).lower()
                length = int(head.partition(b"content-length: ")[2].split(b"\r\n")[0])
                body = await reader.readexactly(length)
                self.answers[self._kind(head, body)] += 1
                if b"connection: close" in head:
                    return
        finally:
            writer.close()

    @staticmethod
    def _kind(head: bytes, body: bytes) -> bytes:
        status = head.split(b" ")[1]
        return status + b" incomplete" if b'"complete": false' in body else status
