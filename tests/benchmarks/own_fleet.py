"""A fleet on a database that the benchmark itself uses too."""

import logging
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import django

from tests.helpers.fleet import Fleet, new_database


@contextmanager
def own_fleet(sites: int) -> Iterator[Fleet]:
    """A migrated fleet on the server of DATABASE_URL or on SQLite, not started yet."""
    with (
        tempfile.TemporaryDirectory(prefix="maintenance-") as folder,
        new_database(Path(folder), os.environ.get("DATABASE_URL", "")) as url,
    ):
        os.environ |= {
            "DATABASE_URL": url,
            "DEBUG": "1",
            "DJANGO_SETTINGS_MODULE": "project.settings",
        }
        django.setup()
        # What windows and sites go through is no part of the figures.
        logging.getLogger("maintenance_windows").setLevel(logging.WARNING)
        with Fleet(Path(folder), url) as fleet:
            fleet.migrate(sites)
            yield fleet
