"""Two sites, a window on one of them, and what visitors see: `manage.py demo`."""

import secrets
import signal
import tempfile
import time
from argparse import ArgumentParser
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Any

from django.core.management import BaseCommand, CommandError

from project.probe import RIGHT, ask
from project.processes import Processes, free_port

ACME, GLOBEX = "acme.localhost", "globex.localhost"
AHEAD = timedelta(seconds=10)
LENGTH = timedelta(seconds=20)
AFTERWARDS = timedelta(seconds=3)
EVERY = 0.5  # seconds
TOLERANCE = timedelta(seconds=1)
START_UP = 30.0  # seconds
ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Command(BaseCommand):
    help = "Demonstrate a maintenance window on a temporary database."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--once", action="store_true", help="exit after the window has ended")
        parser.add_argument(
            "--port",
            type=int,
            default=8000,
            choices=range(1, 65536),
            metavar="PORT",
            help="port of the web server, if it is free (default: 8000)",
        )

    def handle(self, *_: Any, once: bool, port: int, **options: Any) -> None:
        for number in ENDINGS:
            signal.signal(number, leave)
        with tempfile.TemporaryDirectory(prefix="maintenance-demo-") as folder:
            self.port = free_port(port)
            password = secrets.token_urlsafe(9)
            env = {
                "ALLOWED_HOSTS": ".localhost",
                "DATABASE_URL": f"sqlite:///{folder}/demo.sqlite3",
                "DEBUG": "1",
                "DJANGO_SUPERUSER_PASSWORD": password,
                "REDIS_URL": "",
                "SECRET_KEY": secrets.token_urlsafe(50),
            }
            # A reader that has seen enough, such as head, ends the demo as Ctrl-C does.
            with suppress(BrokenPipeError), Processes(Path(folder), env) as processes:
                self.prepare(processes)
                worst = self.watch(processes)
                if once:
                    if worst > TOLERANCE:
                        raise CommandError(
                            "A response was wrong by more than a second (see above)."
                        )
                    return
                self.stdout.write(
                    f"\nTry it yourself: http://{ACME}:{self.port}/admin/"
                    f"  user: admin  password: {password}\nPress Ctrl-C to stop."
                )
                self.stdout.flush()
                signal.pause()

    def prepare(self, processes: Processes) -> None:
        self.stdout.write(
            "Creating a database with two sites, starting web server and scheduler ..."
        )
        processes.manage("migrate", "--verbosity", "0")
        processes.manage("loaddata", "--verbosity", "0", "demo")
        processes.manage("createsuperuser", "--noinput", "--username=admin", "--email=")
        bind = f"127.0.0.1:{self.port}"
        processes.start("web", "gunicorn", "--workers=2", f"--bind={bind}", "project.wsgi")
        processes.start("worker", "worker")
        deadline = time.monotonic() + START_UP
        while ask(self.port, ACME, "/readyz").status != HTTPStatus.OK:
            for name, process in processes.running.items():
                if process.poll() is not None or time.monotonic() > deadline:
                    raise CommandError(f"The {name} did not start:\n{processes.log(name)}")
            time.sleep(0.1)

    def watch(self, processes: Processes) -> timedelta:
        """Ask both sites until the window has ended; return the greatest error of a response."""
        starts_at = datetime.now(UTC).replace(microsecond=0) + AHEAD
        ends_at = starts_at + LENGTH
        times = (f"--start={starts_at.isoformat()}", f"--end={ends_at.isoformat()}")
        self.stdout.write(processes.manage("maintenance", "schedule", ACME, *times))
        self.stdout.write(f"{'UTC':<12}{ACME:<24}{GLOBEX}")
        worst = RIGHT
        while (now := datetime.now(UTC)) < ends_at + AFTERWARDS:
            acme, globex = ask(self.port, ACME), ask(self.port, GLOBEX)
            self.stdout.write(
                f"{now:%H:%M:%S}.{now.microsecond // 100_000}  {acme!s:<24}{globex!s}"
            )
            self.stdout.flush()
            worst = max(
                worst,
                acme.off_by(starts_at, ends_at),
                acme.retry_off_by(ends_at) - TOLERANCE,
                RIGHT if globex.status == HTTPStatus.OK else timedelta.max,
            )
            time.sleep(EVERY)
        return worst


def leave(number: int, _: Any) -> None:
    """Leave through every `with` block, once: a second Ctrl-C must not leave a process behind."""
    for ending in ENDINGS:
        signal.signal(ending, signal.SIG_IGN)
    raise SystemExit(128 + number)
