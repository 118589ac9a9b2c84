"""The body of a refused request: it is read and discarded, within bounds.

A server that closes a connection with unread bytes resets it. A proxy that is still sending the
body then answers 502 and takes the server for dead: nginx leaves it out for ten seconds, for every
site. gunicorn and uWSGI leave the body to the app. Other servers read it themselves, and so does
Django under ASGI.
"""

import select
import socket
import ssl
import sys
import time
from contextlib import suppress
from typing import Any

from django.http import HttpRequest

from maintenance_windows.conf import conf

GUNICORN, UWSGI = "gunicorn.http.body", "uwsgi"  # modules of `wsgi.input`; the first is HTTP/1
# uWSGI reads this much at most with the headers. It is in its memory, so the connection may be
# silent although nothing is missing.
READ_AHEAD = 65_536
# gunicorn reads whole steps of this size, except for the last one. It would wait to fill a step.
STEP = 1024
LARGEST_READ = 1024 * STEP
PAUSE = 0.001  # seconds, while less than a step has arrived
# A proxy in the same network is faster than this, even a busy one. Slower clients get no more time.
PATIENCE = 1.0  # seconds
SLOWEST = 1_000_000  # bytes a second


def discard_body(request: HttpRequest) -> None:
    """Read the body as fast as it arrives, if it is neither too large nor too slow.

    A read from a stalled client cannot be interrupted. So this waits for the connection, and asks
    the server only for bytes that have arrived.
    """
    try:
        length = int(request.META.get("CONTENT_LENGTH") or 0)  # chunked bodies have none
    except ValueError:
        return
    if not 0 < length <= conf.MAINTENANCE_DISCARD_BYTES or _was_read(request):
        return
    if (connection := _connection(request.META)) is None:
        return
    source = request.META["wsgi.input"]
    began, most = time.monotonic(), conf.MAINTENANCE_DISCARD_SECONDS.total_seconds()
    left = length
    with suppress(AttributeError, OSError):  # another gunicorn; the client has gone
        while left and (size := _arrived(connection, source, left)) is not None:
            allowed = min(most, PATIENCE + (length - left) / SLOWEST)
            seconds = began + allowed - time.monotonic()
            if size and seconds > 0:
                left -= len(source.read(size))
            elif length <= READ_AHEAD:
                return
            elif seconds <= 0 or not _is_readable(connection, seconds):
                _stop_reading(request.META)
                return
            else:
                time.sleep(PAUSE)


def _was_read(request: HttpRequest) -> bool:
    """Return whether a middleware has started to read, so that the missing part is unknown."""
    # Private: a request has no other way to tell.
    return getattr(request, "_read_started", True)


def _connection(meta: dict[str, Any]) -> int | None:
    """Return the connection's descriptor if the server left the body there, unencrypted."""
    if not hasattr(select, "poll"):  # Windows, eventlet
        return None
    source = meta.get("wsgi.input")
    module = type(source).__module__
    if module == GUNICORN:  # it has answered `Expect: 100-continue`
        server = meta.get("gunicorn.socket")
        return None if isinstance(server, ssl.SSLSocket | None) else _descriptor(server)
    if module == UWSGI and "HTTP_EXPECT" not in meta:
        options = sys.modules[UWSGI].opt
        encrypted_or_read = {"https-socket", "post-buffering"}.intersection(options)
        return None if encrypted_or_read else _descriptor(source)
    return None


def _descriptor(file: Any) -> int:
    return int(file.fileno())


def _arrived(connection: int, source: Any, left: int) -> int | None:
    """Return how many bytes can be read without waiting, or None at the end of the stream."""
    # Windows has neither.
    from fcntl import ioctl  # noqa: PLC0415
    from termios import FIONREAD  # noqa: PLC0415

    is_readable = _is_readable(connection, 0)  # asked first: bytes may arrive in between
    arrived = int.from_bytes(ioctl(connection, FIONREAD, bytes(4)), sys.byteorder)
    at_end = is_readable and not arrived
    if type(source).__module__ == GUNICORN:
        # Private: gunicorn has read these ahead, and says so nowhere else.
        arrived += len(source.reader.unreader.buf.getbuffer())
    if arrived >= left:
        return min(left, LARGEST_READ)
    if at_end:
        return None
    return min(arrived - arrived % STEP, LARGEST_READ)


def _is_readable(connection: int, seconds: float) -> bool:
    """Wait for bytes or the end of the stream."""
    poll = select.poll()
    poll.register(connection, select.POLLIN)
    return bool(poll.poll(seconds * 1000))


def _stop_reading(meta: dict[str, Any]) -> None:
    """Keep gunicorn from waiting for the rest of the body once more, after the response."""
    if server := meta.get("gunicorn.socket"):
        server.shutdown(socket.SHUT_RD)
