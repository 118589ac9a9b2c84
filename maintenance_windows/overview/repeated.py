"""Recurring windows as one entry each, instead of one for each of their occurrences."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import tzinfo

from maintenance_windows.core.outages import Outage
from maintenance_windows.core.rrule import Frequency
from maintenance_windows.exceptions import RuleError
from maintenance_windows.models import MaintenanceWindow, WindowSeries
from maintenance_windows.wording.recurrences import format_rule

SEVERAL = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeated:
    """Outages of the same recurring windows: their rules in words, and the next of them.

    The words are true in `zone`. Where `is_daily`, they are true in each other zone, too.
    """

    words: tuple[str, ...]
    zone: tzinfo
    is_daily: bool
    next: Outage


def fold(
    outages: Iterable[Outage], rows: Mapping[int | None, MaintenanceWindow]
) -> tuple[list[Outage], list[Repeated]]:
    """Return the outages that are planned one by one, and the others by recurring window.

    Those of a recurring window that somebody moved, or that meet another window, stand alone.
    """
    alone: list[Outage] = []
    found: dict[frozenset[int], Outage] = {}
    series: dict[int, WindowSeries] = {}
    for outage in outages:
        windows = [rows.get(closure.window) for closure in outage.closures]
        known = {row.series_id: row.series for row in windows if row and _is_regular(row)}
        if len(known) < len(windows):
            alone.append(outage)
            continue
        series |= {pk: one for pk, one in known.items() if pk and one}
        found.setdefault(frozenset(pk for pk in known if pk), outage)
    repeated = []
    for ids, outage in found.items():
        try:
            repeated.append(_repeated([series[pk] for pk in ids], outage))
        except RuleError:  # written with SQL
            alone.append(outage)
    alone.sort(key=lambda outage: outage.span.start)
    return alone, repeated


def _is_regular(window: MaintenanceWindow) -> bool:
    """Return whether it is as its series says. One that was published earlier hides the series."""
    edited = {"times", "level", "published_at"}
    return window.series_id is not None and window.edits.isdisjoint(edited)


def _repeated(series: list[WindowSeries], outage: Outage) -> Repeated:
    rules = [one.recurrence() for one in series]
    words = {format_rule(one.rule, one.start): one for one in rules}
    daily = [one.rule.frequency is Frequency.DAILY and one.rule.interval == 1 for one in rules]
    return Repeated(
        words=tuple(words),
        zone=rules[0].zone,
        is_daily=all(daily) and len(words) == 1,
        next=outage,
    )
