"""Two projects whose caches are one Redis, and a database that goes away."""

import re
import secrets

import pytest
import redis

from project.probe import ask
from tests.helpers.fleet import Fleet, new_database
from tests.helpers.services import require

pytestmark = [pytest.mark.slow, pytest.mark.any_database]

KEYS = "*maintenance_windows.snapshot*"


@pytest.fixture
def pair(tmp_path):
    """Two projects from one template: they differ in nothing but the database."""
    url, secret = require("REDIS_URL"), secrets.token_hex(32)
    fleets = []
    for name in ("one", "two"):
        folder = tmp_path / name
        folder.mkdir()
        with new_database(folder) as database:
            fleets.append(Fleet(folder, database, url))
    with fleets[0], fleets[1]:
        for fleet in fleets:
            fleet.env["SECRET_KEY"] = secret
        yield fleets


def test_snapshot_in_a_shared_cache_belongs_to_its_database(pair):
    down, other = pair
    down.migrate()
    with redis.Redis.from_url(require("REDIS_URL")) as server:
        before = set(server.keys(KEYS))
        down.manage("maintenance", "on", "s0.example")
        down.start_web()
        # The snapshot and the time when it was written.
        down.until(lambda: len(set(server.keys(KEYS)) - before) == 2)
        down.stop("web")
        for path in down.folder.glob("fleet.sqlite3*"):
            path.unlink()
        for fleet in pair:  # both without tables, as if the database were not restored yet
            fleet.start_web()
        assert ask(down.port, "s0.example").status == 503
        assert ask(other.port, "s0.example").status == 200
        server.delete(*(set(server.keys(KEYS)) - before))
    assert re.search(r"using those of \d+ s ago", down.log("web"))
