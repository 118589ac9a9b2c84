"""The bench for each line of the table: services of this run, and a fresh fleet."""

from pathlib import Path
from typing import Self

from tests.faults.browser import PASSWORD, USER
from tests.faults.services import PostgreSQL, Redis
from tests.faults.supervised import Supervised
from tests.helpers.fleet import Fleet

SITES = 8
TEMPLATE = "migrated"


class Bench:
    """Leaving the block stops PostgreSQL and Redis. Fleets stop with their own blocks."""

    def __init__(self, folder: Path, *, full: bool, seed: int) -> None:
        self.folder, self.full, self.seed = folder, full, seed
        self.fleets = 0
        self.postgresql = PostgreSQL(folder)
        self.redis = Redis(folder)

    def __enter__(self) -> Self:
        try:
            self.postgresql.start()
            self.redis.start()
            self._make_template()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.redis.stop()
        self.postgresql.stop()

    def _make_template(self) -> None:
        """A database with the sites s0.example, s1.example, … and an operator."""
        self.postgresql.execute(f"CREATE DATABASE {TEMPLATE}")
        with Fleet(self._new_folder(), self.postgresql.url(TEMPLATE)) as fleet:
            fleet.migrate_in_place(SITES)
            fleet.env |= {"DJANGO_SUPERUSER_PASSWORD": PASSWORD}
            fleet.manage("createsuperuser", "--noinput", f"--username={USER}", "--email=")

    def _new_folder(self) -> Path:
        folder = self.folder / f"fleet{self.fleets}"
        folder.mkdir()
        self.fleets += 1
        return folder

    def fleet(self, *, migrated: bool = True, **env: str) -> Supervised:
        """A fleet on a database of its own, not started yet."""
        folder = self._new_folder()
        template = f" TEMPLATE {TEMPLATE}" if migrated else ""
        self.postgresql.execute(f"CREATE DATABASE {folder.name}{template}")
        return Supervised(folder, self.postgresql.url(folder.name), self.redis.url, **env)

    def bare_fleet(self, database_url: str, **env: str) -> Supervised:
        """A fleet on any other database, which may be a file in its folder, not migrated yet."""
        folder = self._new_folder()
        return Supervised(folder, database_url.format(folder=folder), self.redis.url, **env)

    def repair(self) -> None:
        """Make the services as they were before the line."""
        self.postgresql.repair()
        self.redis.repair()
        self.redis.flush()
