"""Writers at each isolation level that Django lets a project choose."""

import time
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.sites.models import Site
from django.db import connection, connections, transaction
from django.test import Client

from maintenance_windows.exceptions import Refused
from maintenance_windows.models import SiteMaintenance, Transition
from maintenance_windows.planning.sites import bring_up, take_down
from tests.helpers.writers import (
    assert_consistent,
    change_something,
    press_something,
    write_together,
)

LEVELS = {
    "postgresql": ("READ UNCOMMITTED", "READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE"),
    # None is the server's default, which is REPEATABLE READ.
    "mysql": ("READ UNCOMMITTED", "READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE", None),
    "sqlite": ("SERIALIZABLE",),  # the only one
}
WRITERS = 4
OPERATE = "/admin/maintenance_windows/sitemaintenance/operate/"


def option(level: str | None) -> Any:
    """The value of OPTIONS["isolation_level"]."""
    if connection.vendor == "postgresql":
        from django.db.backends.postgresql.psycopg_any import IsolationLevel

        return IsolationLevel[str(level).replace(" ", "_")]
    return level and level.lower()


@pytest.fixture(params=LEVELS[connection.vendor], ids=str)
def level(request: pytest.FixtureRequest, transactional_db: None) -> Iterator[str | None]:
    """An isolation level of all connections of this process."""
    options = connection.settings_dict["OPTIONS"]
    before = dict(options)
    if connection.vendor != "sqlite":
        options["isolation_level"] = option(request.param)
    connection.close()
    yield request.param
    connection.close()
    options.clear()
    options.update(before)


@pytest.fixture
def sites(level: str | None) -> list[Site]:
    return [Site.objects.create(domain=f"s{n}.example") for n in range(3)]


@pytest.mark.slow
def test_concurrent_verbs_and_ticks_meet_no_error(sites):
    write_together(*[lambda choices: change_something(choices, sites)] * WRITERS)
    assert_consistent()


@pytest.mark.slow
def test_concurrent_admins_meet_no_error_with_atomic_requests(sites, alice, monkeypatch):
    monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", True)
    clients = [Client() for _ in range(WRITERS - 1)]
    for client in clients:
        client.force_login(alice)
    write_together(
        lambda choices: change_something(choices, sites),
        *[
            lambda choices, client=client: press_something(choices, sites, client)
            for client in clients
        ],
    )
    assert_consistent()
    for verb in ("off", "on"):
        clients[0].post(OPERATE, {"site": str(sites[0].pk), "verb": verb})
    assert Transition.objects.filter(actor="alice", in_maintenance=True).exists()


def test_verb_refuses_inside_transaction_that_hides_later_commits(level, acme):
    """No refusal where the transaction sees later commits, or has not begun."""
    if connection.vendor == "sqlite":
        return  # its transactions see all commits before their first write
    hides = level not in {"READ UNCOMMITTED", "READ COMMITTED"}
    with transaction.atomic():
        Site.objects.count()
        if hides:
            with pytest.raises(Refused, match="isolation level"):
                take_down([acme])
        else:
            take_down([acme])
    take_down([acme])
    with transaction.atomic():
        if connection.vendor == "postgresql" or not hides:
            bring_up([acme])


def test_visitors_do_not_see_uncommitted_maintenance(level, acme, visit):
    with transaction.atomic():
        SiteMaintenance.objects.filter(pk=acme.pk).update(in_maintenance=True)
        time.sleep(1.1)
        assert visit().status_code == 200
    by = time.monotonic() + 10
    while visit().status_code == 200 and time.monotonic() < by:
        time.sleep(0.1)
    assert visit().status_code == 503


@pytest.mark.django_db
def test_verb_works_inside_test_case_at_any_level(monkeypatch):
    """TestCase wraps a test in a transaction that nobody else writes beside."""
    if connection.vendor == "sqlite":
        return
    monkeypatch.setattr(connections["default"], "isolation_level", option("SERIALIZABLE"))
    take_down([Site.objects.create(domain="acme.example")])
