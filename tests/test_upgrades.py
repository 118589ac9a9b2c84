"""Deployments: new tables under processes of the old release, and reversal with all data."""

from collections.abc import Iterator
from datetime import date, time, timedelta
from io import StringIO

import pytest
from django.core.cache import cache
from django.core.management import call_command
from django.db import connection
from django.db.migrations import operations
from django.db.migrations.loader import MigrationLoader
from django.db.models import NOT_PROVIDED

from maintenance_windows.models import (
    IgnoredURL,
    MaintenanceWindow,
    SiteMaintenance,
    Transition,
    WindowSeries,
)
from maintenance_windows.planning import series
from maintenance_windows.planning.sites import take_down
from maintenance_windows.snapshot import runtime
from maintenance_windows.snapshot.cache import KEY, SnapshotCache, keys
from tests.helpers.times import FOUR, TWO

APP = "maintenance_windows"
FIRST = "0001_initial"
# Operations that processes of the previous release tolerate.
HARMLESS = (
    operations.AddConstraint,
    operations.AddField,
    operations.AddIndex,
    operations.AlterModelOptions,
    operations.CreateModel,
    operations.RemoveIndex,
)


def migrations() -> dict[str, list[operations.base.Operation]]:
    found = MigrationLoader(None).disk_migrations
    return {name: one.operations for (app, name), one in sorted(found.items()) if app == APP}


def migrate(name: str) -> None:
    call_command("migrate", APP, name, verbosity=0)


@pytest.fixture
def migrated() -> Iterator[None]:
    """Restores the newest tables after the test."""
    yield
    call_command("migrate", verbosity=0)


def test_migrations_are_compatible_with_previous_release():
    later = {name: found for name, found in migrations().items() if name != FIRST}
    for name, found in later.items():
        for operation in found:
            assert isinstance(operation, HARMLESS), f"{name}: {operation.describe()}"
            if isinstance(operation, operations.AddField):
                has_default = operation.field.db_default is not NOT_PROVIDED
                assert operation.field.null or has_default, f"{name}: {operation.describe()}"


def test_migrations_are_reversible():
    for name, found in migrations().items():
        assert all(operation.reversible for operation in found), name


@pytest.fixture
def grown(acme, globex, plan, at) -> None:
    """A window in progress, a held site, a series, an ignored URL and history."""
    plan(acme, title="Disks", message="New disks.")
    template = WindowSeries(
        rule="FREQ=WEEKLY", starts_on=date(2029, 11, 6), start_time=time(2), zone="Europe/Berlin",
        length=timedelta(hours=2),
    )  # fmt: skip
    at(TWO)
    series.repeat([globex], template, actor="alice")
    take_down([globex], actor="alice")
    IgnoredURL.objects.create(maintenance=acme.maintenance, pattern="contact/")


KEPT = (MaintenanceWindow, SiteMaintenance, IgnoredURL, Transition)


def content(columns: dict[str, list[str]]) -> dict[str, list[tuple]]:
    with connection.cursor() as cursor:
        found = {}
        for table, names in columns.items():
            listed = ", ".join(map(connection.ops.quote_name, names))
            cursor.execute(f"SELECT {listed} FROM {connection.ops.quote_name(table)} ORDER BY 1")
            found[table] = list(cursor.fetchall())
        return found


def columns() -> dict[str, list[str]]:
    """The current columns of the tables that the first release has."""
    with connection.cursor() as cursor:
        description = connection.introspection.get_table_description
        return {
            table: [column.name for column in description(cursor, table)]
            for table in (model._meta.db_table for model in KEPT)
        }


@pytest.mark.parametrize("back_to", sorted(migrations()))
def test_migrations_reverse_and_reapply_with_data(grown, visit, at, migrated, back_to):
    newest = columns()
    lasting = content(newest)
    migrate(back_to)
    older = columns()
    kept = content(older)
    assert kept == {
        table: [
            tuple(value for name, value in zip(newest[table], row, strict=True) if name in names)
            for row in lasting[table]
        ]
        for table, names in older.items()
    }
    migrate(max(migrations()))
    assert content(older) == kept
    runtime.forget()
    assert visit().status_code == 503
    assert visit(host="globex.example").status_code == 503
    at(FOUR)
    call_command("maintenance", "tick", stdout=StringIO())
    assert visit().status_code == 200
    assert visit(host="globex.example").status_code == 503  # globex is held


def test_migrate_zero_and_back(grown, visit, migrated):
    migrate("zero")
    runtime.forget()
    assert visit().status_code == 200
    call_command("migrate", verbosity=0)
    assert SiteMaintenance.objects.count() == 3  # one for each site, example.com among them
    assert not MaintenanceWindow.objects.exists()


def first_columns() -> dict[str, list[str]]:
    state = MigrationLoader(connection).project_state((APP, FIRST))
    return {
        model._meta.db_table: [field.column for field in model._meta.local_concrete_fields]
        for model in state.apps.get_models()
        if model._meta.app_label == APP and not model._meta.proxy
    }


def test_first_release_writes_to_current_tables(acme, plan, at, visit):
    """The first release writes only the columns that it knows."""
    plan(acme)
    for table, names in first_columns().items():
        listed = ", ".join(connection.ops.quote_name(name) for name in names if name != "id")
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT {listed} FROM {connection.ops.quote_name(table)}")
            row = cursor.fetchone()
            if row is None:
                continue
            cursor.execute(f"DELETE FROM {connection.ops.quote_name('maintenance_windows_change')}")
            cursor.execute(f"DELETE FROM {connection.ops.quote_name(table)}")
            values = ", ".join(["%s"] * len(row))
            cursor.execute(
                f"INSERT INTO {connection.ops.quote_name(table)} ({listed}) VALUES ({values})", row
            )
    at(TWO)
    assert visit().status_code == 503
    call_command("maintenance", "tick", stdout=StringIO())
    assert SiteMaintenance.objects.get(site=acme).in_maintenance
    at(FOUR)
    call_command("maintenance", "tick", stdout=StringIO())
    assert [one.in_maintenance for one in Transition.objects.order_by("pk")] == [True, False]


@pytest.mark.parametrize("old", [None, 7, [], [[], []], [[[1]], []], {"version": 1}, b"\x80", "x"])
def test_cache_ignores_other_formats(old):
    """Each format has its own key; other values are ignored."""
    key, written_at = keys()
    cache.set_many({key: old, written_at: 0.0})
    try:
        found = SnapshotCache().read()
    finally:
        cache.delete_many([key, written_at])
    assert found is None or not found[0]


def test_cache_key_contains_format_version():
    name, _, version = KEY.rpartition(".")
    assert name == "maintenance_windows.snapshot"
    assert version.isdecimal()
