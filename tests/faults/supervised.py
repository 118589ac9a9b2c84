"""A fleet under a supervisor like systemd: dead programs restart after a second."""

import os
import re
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from django.conf import settings

from project.probe import ask
from tests.faults.services import children, until
from tests.faults.windows import Window
from tests.helpers.fleet import Fleet

PAUSE = 1.0  # seconds, as RestartSec=1
WARNING = re.compile(r"^\S+ \S+ (WARNING|ERROR|CRITICAL) .*", re.MULTILINE)
TRACEBACK = "Traceback (most recent call last)"


class Busy(Exception):
    """Raised when the machine is too busy to measure."""


@dataclass(frozen=True, slots=True)
class Command:
    arguments: tuple[str, ...]
    env: dict[str, str]


class Supervised(Fleet):
    """Restarts its programs as Restart=always does; each line has its own fleet."""

    planning = 1.0  # seconds that it took to plan windows, the last time

    def __init__(self, folder: Path, database_url: str, redis_url: str = "", **env: str) -> None:
        super().__init__(folder, database_url, redis_url)
        self.env.update(env)
        self.commands: dict[str, Command] = {}
        self.restarts = 0
        self._lock = threading.RLock()
        self._left = threading.Event()
        self._keeper = threading.Thread(target=self._keep, daemon=True)
        self._keeper.start()

    def __exit__(self, *exception: object) -> None:
        self._left.set()
        self._keeper.join()
        with self._lock:
            self.commands.clear()
            for name in list(self.running):
                self._end(name)  # other tests cover a clean stop

    def start(self, name: str, *arguments: str, **env: str) -> subprocess.Popen[bytes]:
        """Start a program with additional environment, and restart it whenever it dies.

        To PostgreSQL it goes by its name.
        """
        with self._lock:
            self.commands[name] = Command(arguments, env)
            everybody, self.env = self.env, {**self.env, "PGAPPNAME": name, **env}
            try:
                return super().start(name, *arguments)
            finally:
                self.env = everybody

    def start_again(self, commands: dict[str, "Command"]) -> None:
        for name, command in commands.items():
            self.start(name, *command.arguments, **command.env)

    def stop(self, name: str, timeout: float = 5.0) -> int:
        with self._lock:
            self.commands.pop(name, None)
            return super().stop(name, timeout)

    def drop(self, *names: str) -> dict[str, "Command"]:
        """Kill programs and their children with SIGKILL; only start_again() restarts them."""
        with self._lock:
            dropped = {name: self.commands.pop(name) for name in names}
            for name in names:
                self._end(name)
        return dropped

    def kill(self, name: str) -> None:
        """Kill a program with SIGKILL, but not its children."""
        with self._lock:
            self.running[name].kill()

    def children(self, name: str) -> list[int]:
        with self._lock:
            return children(self.running[name].pid)

    def _end(self, name: str) -> None:
        process = self.running.pop(name)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def _keep(self) -> None:
        due: dict[str, float] = {}
        while not self._left.wait(0.02):
            with self._lock:
                for name in [
                    n for n, process in self.running.items() if process.poll() is not None
                ]:
                    if name in self.commands:
                        self._end(name)  # the rest of its group, as KillMode=control-group does
                        due[name] = time.monotonic() + PAUSE
                for name in [n for n, moment in due.items() if moment <= time.monotonic()]:
                    del due[name]
                    if name in self.commands and name not in self.running:
                        self.restarts += 1
                        self.start_again({name: self.commands[name]})

    def start_all(self) -> None:
        """Start web, worker and beat; return once they tick."""
        self.start_web()
        self.start_celery()
        self.wait()

    def plan(self, *windows: Window) -> None:
        """Schedule windows through the verbs, all in one process."""
        calls = "\n".join(
            f"windows.schedule([Site.objects.get(domain={window.site!r})],"
            f" starts_at=datetime.fromisoformat({window.start.isoformat()!r}),"
            f" ends_at=datetime.fromisoformat({window.end.isoformat()!r}))"
            for window in windows
        )
        first = min(window.start for window in windows)
        try:
            self.shell(
                "from datetime import datetime\n"
                "from django.contrib.sites.models import Site\n"
                f"from maintenance_windows.planning import windows\n{calls}"
            )
        except subprocess.CalledProcessError:
            if datetime.now(UTC) < first:
                raise
        if datetime.now(UTC) > first - timedelta(milliseconds=100):
            raise Busy("planned too late to be watched: this machine is busy")

    def soon(self) -> datetime:
        """The earliest start for a new window, given how busy the machine is."""
        return datetime.now(UTC) + timedelta(seconds=2 + 1.5 * Supervised.planning)

    def shell(self, code: str) -> str:
        began = time.monotonic()
        said = self.manage("shell", "--verbosity=0", f"--command={code}")
        Supervised.planning = time.monotonic() - began
        return said

    def call(self, *arguments: str) -> str:
        """A management command that tells soon() how busy the machine is, too."""
        return self.shell(
            f"from django.core.management import call_command\ncall_command(*{arguments!r})"
        )

    def command(self, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
        """A management command that may fail."""
        return subprocess.run(
            [sys.executable, "manage.py", *arguments], cwd=settings.BASE_DIR,
            env={**self.env, **env}, check=False, capture_output=True, text=True, timeout=30,
        )  # fmt: skip

    def ready(self, timeout: float, *, ready: bool = True) -> float:
        """The seconds until /readyz reports ready, or not ready."""
        wanted = 200 if ready else 503
        return until(
            lambda: ask(self.port, "s0.example", "/readyz").status == wanted,
            f"/readyz answers {wanted}", timeout, every=0.1,
        )  # fmt: skip

    def mark(self, name: str = "web") -> int:
        """The current length of a program's log; see warnings()."""
        return len(self.log(name))

    def warnings(self, name: str = "web", since: int = 0) -> list[str]:
        """The warnings and errors in a program's log, without tracebacks."""
        return [found.group() for found in WARNING.finditer(self.log(name)[since:])]

    def tracebacks(self, name: str = "web", since: int = 0) -> int:
        return self.log(name)[since:].count(TRACEBACK)
