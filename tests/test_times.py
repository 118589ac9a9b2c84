"""Times that SQL can write but Python cannot read: the database rejects them."""

from datetime import date, datetime, time, timedelta
from uuid import UUID

import pytest
from django.db import DatabaseError, connection, models, transaction

from maintenance_windows.models import (
    CancelledOccurrence,
    MaintenanceWindow,
    Scheduler,
    SiteMaintenance,
    WindowSeries,
)
from maintenance_windows.reconcile.tick import tick
from tests.helpers.times import FOUR, TWO

pytestmark = pytest.mark.django_db(transaction=True)

UNREADABLE = {
    "postgresql": ["infinity", "-infinity", "0044-03-15 BC", "20000-01-01", "9999-01-01"],
    "mysql": ["0000-00-00", "0001-01-01", "9999-01-01"],
    "sqlite": [
        "tomorrow", "", "2030-02-30", "2030-12-99 02:00:00", "2030-11-04 02:00:99",
        "2030-11-04T02:00:00", "2030-11-0402:00:00.5", "2030-11-04 02:00:00+02:00",
        "2030-11-04 02:00:00.",
        "2030", "12:00", 2460000.5, "20000-01-01", "9999-01-02",
    ],
}  # fmt: skip
NO_TIME_OF_DAY = {"postgresql": ["24:00"], "mysql": ["-01:00", "100:00"], "sqlite": ["noon"]}
COLUMNS = [
    (model, field.column)
    for model in (CancelledOccurrence, MaintenanceWindow, Scheduler, SiteMaintenance, WindowSeries)
    for field in model._meta.local_concrete_fields
    if isinstance(field, models.DateField)
]


@pytest.fixture
def rows(acme, plan, at) -> None:
    """A row of each model."""
    plan(acme)
    series = WindowSeries.objects.create(
        site=acme, rule="FREQ=DAILY", starts_on=date(2030, 1, 1), start_time=time(2),
        zone="Europe/Berlin", length=timedelta(hours=2),
    )  # fmt: skip
    CancelledOccurrence.objects.create(
        series=series, uid=UUID(int=1), sequence=1, changed_at=TWO, starts_at=TWO, ends_at=FOUR
    )
    at(TWO)


def write(model: type[models.Model], column: str, value: object) -> None:
    table, column = map(connection.ops.quote_name, (model._meta.db_table, column))
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"UPDATE {table} SET {column} = %s", [value])


@pytest.mark.parametrize(
    ("model", "column", "values"),
    [
        *((model, column, UNREADABLE) for model, column in COLUMNS),
        (WindowSeries, "start_time", NO_TIME_OF_DAY),
    ],
)
def test_database_rejects_unreadable_times(rows, model, column, values):
    before = list(model.objects.order_by("pk").values_list())
    accepted = []
    for value in values[connection.vendor]:
        try:
            write(model, column, value)
        except DatabaseError:
            continue
        accepted.append(value)
    assert accepted == []
    assert list(model.objects.order_by("pk").values_list()) == before
    assert tick() == TWO


@pytest.mark.parametrize("fraction", ["", ".000001", ".5", ".999499", ".999500", ".999999"])
@pytest.mark.parametrize(
    "text", ["0002-01-01 00:00:00", "2028-02-29 12:00:59", "9998-12-31 23:59:59"]
)
def test_database_keeps_microseconds(text, fraction):
    """SQLite too keeps them, although its date functions round to milliseconds."""
    moment = datetime.fromisoformat(f"{text}{fraction}+00:00")
    Scheduler.objects.update(last_tick=moment)
    assert Scheduler.objects.get().last_tick == moment
