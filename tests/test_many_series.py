"""Many series at once: bulk reads and writes, and isolation of invalid series."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date, time, timedelta
from itertools import pairwise
from threading import Event

import pytest
from django.contrib.sites.models import Site
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext

from maintenance_windows.models import Change, MaintenanceWindow, WindowSeries
from maintenance_windows.planning import series, windows
from maintenance_windows.reconcile.tick import tick
from tests.helpers.times import FOUR, HOUR
from tests.test_series import DAY, ONE, SUNDAYS, starts, template

pytestmark = pytest.mark.usefixtures("transactional_db")


def sites(number: int) -> list[Site]:
    return [Site.objects.create(domain=f"s{n}.example") for n in range(number)]


def create_series(number: int, **fields: object) -> list[WindowSeries]:
    """A series without windows at each of `number` sites."""
    many = [template(**fields) for _ in range(number)]
    for one, site in zip(many, sites(number), strict=True):
        one.site = site
    return WindowSeries.objects.bulk_create(many)


def statements(work: Callable[[], object]) -> int:
    with CaptureQueriesContext(connection) as captured:
        work()
    return len(captured)


def errors(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]


def whole_life(number: int) -> list[int]:
    """Query counts for creating windows, an idle run, changes, cancellations and repeat()."""

    def follow(**facts: object) -> int:
        WindowSeries.objects.update(**facts)
        return statements(lambda: series.materialise(lambda: ONE))

    Site.objects.all().delete()
    create_series(number)
    made, again = follow(), follow()
    windows.extend(MaintenanceWindow.objects.earliest("pk").pk, by=HOUR, clock=lambda: ONE)
    told = Change.objects.count()
    changed, cancelled = follow(length=HOUR), follow(excluded=["2029-11-04"])
    assert Change.objects.count() - told == 2 * (number - 1)
    chosen = list(Site.objects.filter(maintenance_series__isnull=False))
    repeated = statements(lambda: series.repeat(chosen, template(), clock=lambda: ONE))
    return [made, again, changed, cancelled, repeated]


def test_query_count_is_independent_of_series_count(settings):
    settings.MAINTENANCE_SERIES_HORIZON = 7
    assert whole_life(30) == whole_life(3)


def test_idle_series_need_two_queries_per_hundred():
    create_series(201, starts_on=date(2500, 1, 1))
    assert statements(lambda: series.materialise(lambda: ONE)) == 2 + 3 * 2


def test_ticks_proceed_while_windows_are_created():
    """Twenty series of sixty windows each, while a scheduler ticks all the time."""
    counts, made = [], Event()

    def keep_ticking() -> None:
        try:
            while not made.wait(0.05):
                tick(lambda: ONE)
        finally:
            connection.close()

    def clock():
        """Count the windows each time that the code reads the clock."""
        counts.append(MaintenanceWindow.objects.count())
        return ONE

    create_series(20, rule="FREQ=DAILY")
    with ThreadPoolExecutor(1) as pool:
        ticking = pool.submit(keep_ticking)
        try:
            outcomes = series.materialise(clock)
        finally:
            made.set()
        ticking.result()
    assert [len(outcome.made) for outcome in outcomes] == [60] * 20
    counts.append(MaintenanceWindow.objects.count())
    assert counts[-1] == 1200
    assert max(later - earlier for earlier, later in pairwise(counts)) <= 1000


def test_repeat_returns_series_in_order_of_sites():
    chosen = sites(20)[::-1]
    outcomes = series.repeat(chosen, template(rule="FREQ=DAILY"), clock=lambda: ONE)
    assert [outcome.series.site for outcome in outcomes] == chosen
    assert {len(outcome.made) for outcome in outcomes} == {60}
    assert MaintenanceWindow.objects.filter(series__site__in=chosen).count() == 1200


def test_current_occurrence_starts_at_all_sites():
    outcomes = series.repeat(
        sites(3), template(), start_now=True, actor="alice", clock=lambda: FOUR - HOUR
    )
    assert [outcome.made[0].started_at for outcome in outcomes] == [FOUR - HOUR] * 3


@pytest.mark.parametrize(
    "fields",
    [
        {"rule": "nonsense"},
        {"zone": "Mars"},
        {"length": timedelta(days=-5_000_000)},  # it overflows any date
    ],
    ids=str,
)
def test_invalid_series_does_not_block_the_others(caplog, fields):
    many = create_series(9)
    spoilt = many.pop(5)
    WindowSeries.objects.filter(pk=spoilt.pk).update(**fields)
    assert len(series.materialise(lambda: ONE)) == 8
    assert {tuple(starts(one)) for one in many} == {tuple(SUNDAYS)}
    (said,) = errors(caplog)
    assert said.startswith(f"Recurring window {spoilt.pk}: failed to create windows")


@pytest.fixture
def one_window_a_site(transactional_db: None) -> Iterator[None]:
    """A unique index rejects a second window with the title "refused" at a site."""
    if connection.vendor == "mysql":
        pytest.skip("MariaDB has no such index")
    table = MaintenanceWindow._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(
            f"CREATE UNIQUE INDEX one_window_a_site ON {table} (site_id) WHERE title = 'refused'"
        )
    yield
    with connection.cursor() as cursor:
        cursor.execute("DROP INDEX one_window_a_site")


@pytest.mark.usefixtures("one_window_a_site")
def test_series_rejected_by_database_does_not_block_the_others(caplog):
    many = create_series(9)
    refused = many.pop(5)
    WindowSeries.objects.filter(pk=refused.pk).update(title="refused")
    assert len(series.materialise(lambda: ONE)) == 8
    assert {tuple(starts(one)) for one in many} == {tuple(SUNDAYS)}
    assert not refused.windows.exists()
    assert errors(caplog) == [f"Recurring window {refused.pk}: failed to create windows"]


def test_database_outage_raises_operational_error(caplog):
    """The database may fail while windows are created."""

    def fail(execute: Callable[..., object], sql: str, *given: object) -> object:
        if "INSERT" in sql:
            raise OperationalError("the database is gone")
        return execute(sql, *given)

    create_series(3)
    with connection.execute_wrapper(fail), pytest.raises(OperationalError, match="is gone"):
        series.materialise(lambda: ONE)
    assert not MaintenanceWindow.objects.exists()
    assert not errors(caplog)


def test_series_change_reports_edited_windows():
    first, second, third = create_series(3)
    series.materialise(lambda: ONE)
    touched = [one.windows.get(occurs_on="2029-11-11") for one in (first, third)]
    for window in touched:
        moved = {"starts_at": window.starts_at + 40 * DAY, "ends_at": window.ends_at + 40 * DAY}
        windows.move(window.pk, **moved, clock=lambda: ONE)
    WindowSeries.objects.update(start_time=time(5))
    kept = [outcome.kept for outcome in series.materialise(lambda: ONE + 20 * DAY)]
    assert kept == [[touched[0]], [], [touched[1]]]
    assert second.windows.filter(starts_at__hour=5).count() == len(SUNDAYS)
