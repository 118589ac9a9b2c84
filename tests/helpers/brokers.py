"""Brokers for a test, and a Celery app as a project has it."""

import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from maintenance_windows.beat import QUEUE
from project.processes import free_port
from tests.helpers.services import require_program

AMQP_URL = os.environ.get("AMQP_URL", "")  # the tests have its virtual host to themselves
BROKERS = ["memory", "redis", *(["amqp"] if AMQP_URL else [])]

HOST = """
import os
import django
from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
app = Celery("host", broker=os.environ["BROKER"])
app.autodiscover_tasks()
if os.environ.get("PLAIN"):
    import maintenance_windows.beat

    app.conf.beat_schedule |= maintenance_windows.beat.SCHEDULE
"""


@contextmanager
def redis_server(folder: Path, port: int = 0) -> Iterator[str]:
    """Run a Redis without persistence within the block; yield its URL."""
    port = port or free_port()
    command = [require_program("redis-server"), "--port", str(port), "--dir", str(folder)]
    command += ["--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as server:
        try:
            _wait_for(port)
            yield f"redis://127.0.0.1:{port}/0"
        finally:
            server.terminate()


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + 10
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        else:
            return


@contextmanager
def broker(kind: str, folder: Path) -> Iterator[str]:
    """The URL of a broker of this kind whose queue is empty."""
    if kind == "redis":
        with redis_server(folder) as url:
            yield url
        return
    url = AMQP_URL if kind == "amqp" else "memory://localhost/"
    empty(app_of(url))
    yield url


def app_of(url: str) -> Any:
    """A project's Celery app: none of our settings are in it."""
    from celery import Celery

    app = Celery("host", broker=url, set_as_current=False)
    app.loader.import_task_module("maintenance_windows.tasks")
    app.finalize()
    return app


def waiting(app: Any) -> int:
    """How many messages wait in our queue."""
    with app.connection_for_read() as connection:
        queue = app.amqp.queues[QUEUE](connection.default_channel)
        return queue.queue_declare().message_count


def empty(app: Any) -> None:
    with app.connection_for_read() as connection:
        queue = app.amqp.queues[QUEUE](connection.default_channel)
        queue.queue_declare()
        queue.purge()
