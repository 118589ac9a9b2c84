"""The lines of the matrix: a server with its options, and what is done to it."""

import atexit
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from django.conf import settings

from project.probe import ask
from tests.helpers.fleet import Fleet
from tests.servers.following import Result, follow, freeze, pause

Measure = Callable[[Fleet, Result], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """`command` is started as `python -m …`, or as it is where it is no module of Python."""

    command: tuple[str, ...]
    measures: tuple[Measure, ...] = (follow, pause)
    env: dict[str, str] | None = None
    needs: str = ""  # a program of the system
    module: str = ""  # a module of Python
    replica: bool = False


def busy_pool(fleet: Fleet, result: Result) -> None:
    """Visitors hold all connections of the pool while flags change."""
    stop = threading.Event()

    def hold() -> None:
        while not stop.is_set():
            ask(fleet.port, "s0.example", "/slow", timeout=30)
            stop.wait(0.05)

    holders = [threading.Thread(target=hold) for _ in range(5)]
    for holder in holders:
        holder.start()
    time.sleep(0.5)
    try:
        follow(fleet, result, rounds=1)
    finally:
        stop.set()
        for holder in holders:
            holder.join()


GUNICORN = ("gunicorn", "--workers=2", "--bind=127.0.0.1:{port}")
WSGI, WARM = "project.wsgi", "tests.servers.warm_wsgi"
UWSGI = (
    "uwsgi_python3", "--http-socket=127.0.0.1:{port}", "--master", "--processes=2", "--need-app",
    "--die-on-term", "--virtualenv={prefix}", "--pythonpath={root}",
)  # fmt: skip

SERVERS: dict[str, Server] = {
    "gunicorn, sync": Server(command=(*GUNICORN, WSGI)),
    "gunicorn, gthread": Server(command=(*GUNICORN, "--threads=4", WSGI)),
    "gunicorn, --preload, asked before the fork": Server(command=(*GUNICORN, "--preload", WARM)),
    "gunicorn, gevent": Server(command=(*GUNICORN, "--worker-class=gevent", WSGI), module="gevent"),
    "uvicorn": Server(
        command=(
            "uvicorn",
            "--host=127.0.0.1",
            "--port={port}",
            "--workers=2",
            "project.asgi:application",
        )
    ),
    "uWSGI, threads off": Server(command=(*UWSGI, f"--module={WSGI}"), needs="uwsgi_python3"),
    "uWSGI, --enable-threads": Server(
        command=(*UWSGI, "--enable-threads", f"--module={WSGI}"), needs="uwsgi_python3"
    ),
    "uWSGI, --enable-threads, asked before the fork": Server(
        command=(*UWSGI, "--enable-threads", f"--module={WARM}"), needs="uwsgi_python3"
    ),
    "gunicorn, frozen for 3 s": Server(command=(*GUNICORN, WSGI), measures=(freeze,)),
    "uvicorn, frozen for 3 s": Server(
        command=("uvicorn", "--host=127.0.0.1", "--port={port}", "project.asgi:application"),
        measures=(freeze,),
    ),
    "a replica that never follows": Server(command=(*GUNICORN, WSGI), replica=True),
    "a psycopg pool of 2, held by slow queries": Server(
        command=("gunicorn", "--workers=1", "--threads=12", "--bind=127.0.0.1:{port}", WSGI),
        measures=(busy_pool,),
        env={"SERVERS_POOL": "1"},
    ),
}


# Two of each stand behind an nginx, with one process each.
ONE = ("gunicorn", "--workers=1", "--bind=127.0.0.1:{port}")
UWSGI_ONE = tuple("--processes=1" if part == "--processes=2" else part for part in UWSGI)
BEHIND_NGINX: dict[str, Server] = {
    "uploads, gunicorn, sync": Server(command=(*ONE, WSGI)),
    "uploads, gunicorn, gthread": Server(command=(*ONE, "--threads=4", WSGI)),
    "uploads, uvicorn": Server(
        command=("uvicorn", "--host=127.0.0.1", "--port={port}", "project.asgi:application")
    ),
    "uploads, uWSGI": Server(command=(*UWSGI_ONE, f"--module={WSGI}"), needs="uwsgi_python3"),
}
WORST = ("uWSGI, threads off", "gunicorn, frozen for 3 s", "a replica that never follows")


def missing(server: Server) -> str:
    """The name of what this machine lacks for a line."""
    if server.needs and not shutil.which(server.needs):
        return server.needs
    if server.module:
        try:
            __import__(server.module)
        except ImportError:
            return server.module
    return ""


def arguments_of(server: Server, port: int) -> list[str]:
    root = str(settings.BASE_DIR)
    prefix = systems_environment() if server.needs else sys.prefix
    given = {"port": port, "prefix": prefix, "root": root}
    return [argument.format(**given) for argument in server.command]


@cache
def systems_environment() -> str:
    """An environment of the system's own Python, which its servers are built with."""
    folder = tempfile.mkdtemp(prefix="maintenance-servers-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    subprocess.run(["/usr/bin/python3", "-m", "venv", folder], check=True)
    install = [f"{folder}/bin/pip", "install", "--quiet", "--no-compile", ".[service]"]
    subprocess.run(install, cwd=settings.BASE_DIR, check=True, capture_output=True)
    return folder
