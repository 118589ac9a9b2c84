"""A PostgreSQL and a Redis of this run, to kill, freeze and restart."""

import os
import secrets
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from ctypes import CDLL
from pathlib import Path
from typing import Any, Self

import psycopg
import redis

from project.processes import PR_SET_PDEATHSIG, free_port

START_UP = 30.0  # seconds


def children(pid: int) -> list[int]:
    """The living child processes of a process."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            # The name may hold anything, also spaces and brackets: look behind its last one.
            parent = stat.read_text(errors="replace").rpartition(")")[2].split()[1]
            if int(parent) == pid:
                found.append(int(stat.parent.name))
    return found


def send(pids: list[int], number: signal.Signals) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)


def until(
    condition: Callable[[], object], what: str, timeout: float = START_UP, every: float = 0.02
) -> float:
    """Wait until `condition()` is true; return how long that took."""
    began = time.monotonic()
    while not condition():
        if time.monotonic() - began > timeout:
            raise TimeoutError(f"not within {timeout:.0f} s: {what}")
        time.sleep(every)
    return time.monotonic() - began


class Server:
    """A server on a port of its own; leaving the block stops it."""

    name: str
    user: str | None = None
    ends_on = signal.SIGTERM

    def __init__(self, folder: Path) -> None:
        self.folder = folder / self.name
        self.folder.mkdir()
        # Below the ports that outgoing connections take: it must be free again after a kill.
        self.port = free_port(20_000 + secrets.randbelow(10_000))
        self.process: subprocess.Popen[bytes] | None = None

    def command(self) -> list[str]:
        raise NotImplementedError

    def answers(self) -> bool:
        raise NotImplementedError

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> float:
        """Start the server and wait for it; return the seconds that took."""
        if self.process is None:
            with (self.folder.parent / f"{self.name}.log").open("ab") as log:
                self.process = subprocess.Popen(
                    self.command(),
                    cwd=self.folder,
                    user=self.user,
                    group=self.user,
                    extra_groups=[] if self.user else None,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                    preexec_fn=self._die_with_parent,  # noqa: PLW1509 (one call, into libc)
                )
        return until(self.answers, f"{self.name} answers", every=0.01)

    def _die_with_parent(self) -> None:
        CDLL(None).prctl(PR_SET_PDEATHSIG, self.ends_on)

    def pids(self) -> list[int]:
        """The server's process, then its descendants."""
        return [self.process.pid, *children(self.process.pid)] if self.process else []

    def kill(self, number: signal.Signals = signal.SIGKILL) -> None:
        """Kill the server with this signal and wait for its end."""
        if self.process:
            pids = self.pids()
            self.process.send_signal(number)
            send(pids, signal.SIGCONT)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                send(pids, signal.SIGKILL)
                self.process.wait()
            self.process = None

    def stop(self) -> None:
        self.kill(self.ends_on)

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Stop the server with SIGSTOP: the kernel accepts connections, but nothing responds."""
        pids = self.pids()[:1]
        send(pids, signal.SIGSTOP)
        pids = self.pids()  # now that it starts no more
        send(pids, signal.SIGSTOP)
        try:
            yield
        finally:
            send(pids, signal.SIGCONT)

    def repair(self) -> None:
        """Make the server respond again, after any fault."""
        send(self.pids(), signal.SIGCONT)
        if self.process and self.process.poll() is not None:
            self.process = None
        self.start()


class PostgreSQL(Server):
    name = "postgresql"
    user = "postgres" if os.geteuid() == 0 else None
    ends_on = signal.SIGQUIT  # what `pg_ctl stop -m immediate` sends

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        if self.user:
            shutil.chown(self.folder, self.user, self.user)
        self.bin = self.binaries()
        subprocess.run(
            [self.bin / "initdb", "--auth=trust", "--username=postgres", "--encoding=UTF8",
             "--no-sync", f"--pgdata={self.folder}/data"],
            cwd=self.folder, user=self.user, group=self.user,
            extra_groups=[] if self.user else None, check=True, capture_output=True,
        )  # fmt: skip

    @staticmethod
    def binaries() -> Path:
        """The folder of PostgreSQL's programs; Debian has one per version, outside PATH."""
        found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
        initdb = found[-1] if found else shutil.which("initdb")
        if initdb is None:
            raise FileNotFoundError("initdb: install PostgreSQL's server")
        return Path(initdb).resolve().parent

    def command(self) -> list[str]:
        options = {
            "port": self.port,
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": self.folder,
            "fsync": "off",
            "log_min_messages": "error",
        }
        given = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        return [str(self.bin / "postgres"), "-D", f"{self.folder}/data", *given]

    def url(self, database: str = "postgres") -> str:
        return f"postgres://postgres@127.0.0.1:{self.port}/{database}"

    def answers(self) -> bool:
        try:
            self.execute("SELECT 1")
        except psycopg.Error:
            return False
        return True

    def execute(self, sql: str, database: str = "postgres") -> list[tuple[Any, ...]]:
        with psycopg.connect(self.url(database), autocommit=True, connect_timeout=2) as connection:
            cursor = connection.execute(sql)
            return cursor.fetchall() if cursor.description else []


class Redis(Server):
    name = "redis"

    def command(self) -> list[str]:
        return [
            "redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--save", "",
            "--appendonly", "no", "--dir", str(self.folder),
        ]  # fmt: skip

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def client(self) -> redis.Redis:
        return redis.Redis(port=self.port, socket_timeout=1, socket_connect_timeout=1)

    def answers(self) -> bool:
        try:
            with self.client() as client:
                return bool(client.ping())
        except redis.RedisError:
            return False

    def flush(self) -> None:
        with self.client() as client:
            client.flushall()

    def pushed(self) -> int:
        """The number of messages queued since the server's start."""
        with self.client() as client:
            return int(client.info("commandstats").get("cmdstat_lpush", {}).get("calls", 0))
