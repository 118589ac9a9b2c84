"""The tables of the verbs, in the project's time zone. What matters most comes first."""

from collections import Counter
from collections.abc import Iterable
from datetime import date, datetime

from django.core.management.color import Style
from django.utils import timezone

from maintenance_windows.management.output import (
    FURTHER_NOTICE,
    NOTHING,
    local,
    shortened,
    status_word,
)
from maintenance_windows.management.terminal import Cell, Table
from maintenance_windows.overview.history import Event
from maintenance_windows.overview.status import Record

# How a site's state is shown, by its level; the order of the rows is that of trouble.
STATES = {"full": "down", "read_only": "read-only", None: "up"}


def status_tables(
    records: Iterable[Record], scheduler: Record, now: datetime, style: Style, forced: str | None
) -> list[Table]:
    """Return a table with a row for each site, trouble first, and a line of sums.

    While MAINTENANCE_FORCE overrules all flags, the state is the one that it makes.
    """
    shown = [_as_visitors_see(record, forced) for record in records]
    shown.sort(key=lambda record: (list(STATES).index(record["level"]), record["site"]))
    names = ("SITE", "STATE", f"UNTIL ({timezone.get_current_timezone()})", "SINCE", "NEXT")
    rows = [_site_row(record, style) for record in shown]
    numbers = Counter(record["level"] for record in shown)
    sums = [f"{numbers[level]} {STATES[level]}" for level in STATES if numbers[level]]
    last = [Cell(f"{', '.join(sums)}."), _scheduler(scheduler, now, style)]
    return [Table([_heading(names, style), *rows], name=0, rest=3), Table([last], rest=1)]


def _as_visitors_see(record: Record, forced: str | None) -> Record:
    if forced is None:
        return record
    gone = dict.fromkeys(("since", "until", "level"))
    held = {"held": False, "in_maintenance": forced == "on", "forced": True}
    return record | gone | held | ({"level": "full"} if forced == "on" else {})


def _site_row(record: Record, style: Style) -> list[Cell]:
    since, until, coming = NOTHING, NOTHING, NOTHING
    if record["in_maintenance"]:
        since = _time(record["since"]) if record["since"] else NOTHING
        until = _time(record["until"]) if record["until"] else FURTHER_NOTICE
    if upcoming := record["next"]:
        span = _span(upcoming["starts_at"], upcoming["ends_at"])
        coming = f"{upcoming['id']}: {' to '.join(span)}"
    return [Cell(record["site"]), _state(record, style), Cell(until), Cell(since), Cell(coming)]


def _state(record: Record, style: Style) -> Cell:
    styles = {"full": style.ERROR, "read_only": style.WARNING, None: style.SUCCESS}
    note = ", held" if record["held"] else ", forced" if "forced" in record else ""
    return Cell(f"{STATES[record['level']]}{note}", styles[record["level"]])


def _scheduler(record: Record, now: datetime, style: Style) -> Cell:
    if not record["consumed"] and not record["healthy"]:
        return Cell("Scheduler: beat runs, but no worker consumes its queue.", style.ERROR)
    if record["last_tick"] is None:
        return Cell("Scheduler: has never run.", style.ERROR)
    last = datetime.fromisoformat(record["last_tick"])
    if record["healthy"]:
        # A clock slightly behind the scheduler's must not show a negative age.
        seconds = max(0, int((now - last).total_seconds()))
        by = f", {record['kind']}" if record["kind"] else ""
        return Cell(f"Scheduler: last run {seconds} s ago{by}.")
    wrong = "too long ago" if last < now else "in the future (check the clocks)"
    return Cell(f"Scheduler: last run at {local(record['last_tick'])}, {wrong}.", style.ERROR)


def window_table(records: Iterable[Record], style: Style) -> Table:
    """Return a heading and a row for each window."""
    start = f"START ({timezone.get_current_timezone()})"
    names = ("ID", "SITE", "STATUS", start, "END", "LEVEL", "SERIES", "TITLE")
    rows = (_window_row(record, style) for record in records)
    return Table([_heading(names, style), *rows], name=1, rest=5)


def _window_row(record: Record, style: Style) -> list[Cell]:
    before = (str(record["id"]), record["site"])
    state = Cell(status_word(record), style.WARNING if record["status"] == "active" else str)
    level = "read-only" if record["level"] == "read_only" else record["level"]
    times = _span(record["starts_at"], record["ends_at"])
    after = (*times, level, str(record["series"] or NOTHING), record["title"])
    return [*map(Cell, before), state, *map(Cell, after)]


def series_table(records: Iterable[Record], style: Style) -> Table:
    """Return a heading and a row for each recurring window."""
    next_ = f"NEXT ({timezone.get_current_timezone()})"
    names = ("ID", "SITE", next_, "LEVEL", "RECURRENCE", "SKIPPED", "TITLE")
    rows = [
        [
            Cell(str(one["id"])),
            Cell(one["site"]),
            Cell(_next(one)),
            Cell("read-only" if one["level"] == "read_only" else one["level"]),
            Cell(one["words"]),
            Cell(", ".join(one["excluded"]) or NOTHING),
            Cell(one["title"]),
        ]
        for one in records
    ]
    return Table([_heading(names, style), *rows], name=1, rest=3)


def _next(record: Record) -> str:
    if record["ended_at"]:
        return "ended"
    coming = record["next"]
    return " to ".join(_span(coming["starts_at"], coming["ends_at"])) if coming else NOTHING


def freeze_table(records: Iterable[Record], style: Style) -> Table:
    """Return a heading and a row for each freeze."""
    start = f"START ({timezone.get_current_timezone()})"
    names = ("ID", "SITES", start, "END", "RULE", "REASON")
    return Table([_heading(names, style), *map(_freeze_row, records)], name=1, rest=4)


def _freeze_row(record: Record) -> list[Cell]:
    sites = "all" if record["sites"] is None else shortened(record["sites"])
    times = (NOTHING, NOTHING)
    if record["starts_at"]:
        times = _span(record["starts_at"], record["ends_at"])
    texts = (record["rule"] or NOTHING, record["reason"])
    return [Cell(text) for text in (str(record["id"]), sites or NOTHING, *times, *texts)]


def event_table(events: Iterable[Event], style: Style) -> Table:
    """Return a heading and a row for each event."""
    names = (f"TIME ({timezone.get_current_timezone()})", "SITE", "BY", "EVENT")
    rows = [
        [
            Cell(_clock(timezone.localtime(one.at))),
            Cell(one.site.domain if one.site else "all"),
            Cell(one.actor or NOTHING),
            Cell(one.what),
        ]
        for one in events
    ]
    return Table([_heading(names, style), *rows], name=1, rest=3)


def _heading(names: Iterable[str], style: Style) -> list[Cell]:
    return [Cell(name, style.MIGRATE_LABEL) for name in names]


def _span(start: str, end: str | None) -> tuple[str, str]:
    """Format start and end briefly; the heading names the time zone."""
    begins = timezone.localtime(datetime.fromisoformat(start))
    if end is None:
        return _clock(begins), FURTHER_NOTICE
    ends = timezone.localtime(datetime.fromisoformat(end))
    return _clock(begins), _clock(ends, day=begins.date())


def _time(moment: str) -> str:
    return _clock(timezone.localtime(datetime.fromisoformat(moment)))


def _clock(here: datetime, day: date | None = None) -> str:
    """Omit `day` and zero seconds. Add the zone if the hour occurs twice that day."""
    text = "" if here.date() == day else f"{here:%Y-%m-%d} "
    text += f"{here:%H:%M:%S}" if here.second else f"{here:%H:%M}"
    twice = here.utcoffset() != here.replace(fold=1 - here.fold).utcoffset()
    return f"{text} {here:%Z}" if twice else text
