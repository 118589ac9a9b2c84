"""What is asked each second, written out: for Django to write it takes longer than to answer it.

Each part reads one partial index over live rows: no joins, and no OR but those that an index was
made with, or the planners turn to whole tables.
"""

from collections.abc import Callable, Collection, Iterable, Iterator
from datetime import UTC, datetime
from typing import Any, NamedTuple

from django.db import connections
from django.db.models import DateTimeField, Value
from django.db.models.expressions import RawSQL

# So many rows are made at a time; meanwhile no other thread of the process runs.
SLICE = 50

Row = tuple[Any, ...]


class Statement(NamedTuple):
    """A query, the columns of its rows, and those after them that are times."""

    query: str
    columns: tuple[str, ...]
    times: tuple[str, ...] = ()


WAITING = "started_at IS NULL AND ended_at IS NULL AND cancelled_at IS NULL"
RUNNING = "started_at IS NOT NULL AND ended_at IS NULL"

# Sites whose flag is wrong now, without a time, or turns wrong by `stop`, and when.
AGENDA = Statement(
    f"""
SELECT site_id, starts_at AS due_at FROM maintenance_windows_maintenancewindow
WHERE {WAITING} AND starts_at <= %(stop)s
UNION ALL
SELECT site_id, ends_at FROM maintenance_windows_maintenancewindow
WHERE {RUNNING} AND ends_at <= %(stop)s
UNION ALL
SELECT site_id, NULL FROM maintenance_windows_maintenancewindow AS opened
WHERE {RUNNING} AND NOT EXISTS (
    SELECT 1 FROM maintenance_windows_sitemaintenance AS flag
    WHERE flag.site_id = opened.site_id AND in_maintenance
    AND (until IS NULL OR until >= opened.ends_at)
)
UNION ALL
SELECT site_id, NULL FROM maintenance_windows_sitemaintenance
WHERE in_maintenance AND since IS NULL
UNION ALL
SELECT site_id, NULL FROM maintenance_windows_sitemaintenance
WHERE NOT in_maintenance AND since IS NOT NULL
UNION ALL
SELECT site_id, NULL FROM maintenance_windows_sitemaintenance AS flag
WHERE in_maintenance AND until IS NOT NULL AND NOT EXISTS (
    SELECT 1 FROM maintenance_windows_maintenancewindow AS live
    WHERE live.site_id = flag.site_id AND live.ends_at = flag.until
    AND ended_at IS NULL AND cancelled_at IS NULL
)
UNION ALL
SELECT site_id, NULL FROM maintenance_windows_sitemaintenance AS flag
WHERE in_maintenance AND until IS NOT NULL AND NOT EXISTS (
    SELECT 1 FROM maintenance_windows_maintenancewindow AS opened
    WHERE opened.site_id = flag.site_id AND {RUNNING} AND cancelled_at IS NULL
)
""",  # noqa: S608 (texts of ours)
    ("site_id",),
    ("due_at",),
)


class Window(NamedTuple):
    """What a snapshot has of a window."""

    site_id: int
    id: int | None
    level: str
    message: str
    started_at: datetime | None
    starts_at: datetime | None
    ends_at: datetime | None


WINDOW = Window._fields[:4], Window._fields[4:]


def closing(site_ids: Collection[int] | None = None) -> Statement:
    """All that closes a site now or starts by `ahead`, be it any or one of these.

    A hold is no window, and has no end.
    """
    some = "" if site_ids is None else f" AND site_id IN ({listed(site_ids)})"
    return Statement(
        f"""
SELECT site_id, id, level, message, started_at, starts_at, ends_at
FROM maintenance_windows_maintenancewindow WHERE {RUNNING}{some}
UNION ALL
SELECT site_id, id, level, message, started_at, starts_at, ends_at
FROM maintenance_windows_maintenancewindow WHERE {WAITING} AND starts_at <= %(ahead)s{some}
UNION ALL
SELECT site_id, NULL, level, message, since, since, until
FROM maintenance_windows_sitemaintenance WHERE in_maintenance AND until IS NULL{some}
""",  # noqa: S608 (texts of ours, and numbers)
        *WINDOW,
    )


def waiting(site_ids: Iterable[int]) -> Statement:
    """The windows of these sites that start after `after`, and at `upto` at the latest."""
    return Statement(
        f"""
SELECT site_id, id, level, message, started_at, starts_at, ends_at
FROM maintenance_windows_maintenancewindow
WHERE {WAITING} AND site_id IN ({listed(site_ids)})
AND starts_at > %(after)s AND starts_at <= %(upto)s
""",  # noqa: S608 (numbers)
        *WINDOW,
    )


def patterns(site_ids: Iterable[int]) -> Statement:
    """The ignored URLs of these sites."""
    return Statement(
        f"""
SELECT maintenance_id, kind, pattern FROM maintenance_windows_ignoredurl
WHERE maintenance_id IN ({listed(site_ids)})
""",  # noqa: S608 (numbers)
        ("maintenance_id", "kind", "pattern"),
    )


def sites(site_ids: Iterable[int]) -> Statement:
    """These sites, with what their flags have on record."""
    return Statement(
        f"""
SELECT django_site.id, domain, in_maintenance, bypass, since, until
FROM django_site LEFT JOIN maintenance_windows_sitemaintenance AS flag
ON flag.site_id = django_site.id WHERE django_site.id IN ({listed(site_ids)})
""",  # noqa: S608 (numbers)
        ("id", "domain", "in_maintenance", "bypass"),
        ("since", "until"),
    )


def listed(ids: Iterable[int]) -> str:
    return ",".join(str(int(number)) for number in ids)


def among(ids: Iterable[int]) -> RawSQL:
    """For `pk__in`: as parameters, thousands of numbers take longer than the query."""
    return RawSQL(listed(ids), ())  # noqa: S611 (numbers)


def ask(using: str, statement: Statement, **moments: datetime) -> Iterator[Row]:
    """The rows; times are aware, and those that are read in UTC."""
    connection = connections[using]
    given = {
        name: connection.ops.adapt_datetimefield_value(moment) for name, moment in moments.items()
    }
    selected, read = _times(connection)
    columns = *statement.columns, *(selected.format(name) for name in statement.times)
    known: dict[Any, datetime | None] = {None: None}  # many windows have the same times

    def moment(value: Any) -> datetime | None:
        if value not in known:
            known[value] = read(value)
        return known[value]

    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {', '.join(columns)} FROM ({statement.query}) AS found",  # noqa: S608
            given,
        )
        plain = len(statement.columns)
        while rows := cursor.fetchmany(SLICE):
            for row in rows:
                yield (*row[:plain], *map(moment, row[plain:]))


def _times(connection: Any) -> tuple[str, Callable[[Any], datetime]]:
    """How a time is selected, and how it is then read."""
    if connection.vendor == "postgresql":
        # As text: for a time as such Django and its driver take five microseconds.
        text = "to_char({} AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US')"
        return text, lambda text: datetime.fromisoformat(text).replace(tzinfo=UTC)
    field = Value(None, output_field=DateTimeField())
    (convert,) = connection.ops.get_db_converters(field)
    return "{}", lambda value: convert(value, field, connection)
