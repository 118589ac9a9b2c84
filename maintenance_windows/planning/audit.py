"""The audit log of windows and series: rows for changes, and signals after the commit."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import partial
from types import MappingProxyType
from typing import Any

from django.db import router, transaction
from django.db.models import F
from django.dispatch import Signal

from maintenance_windows import signals
from maintenance_windows.logonce import get_logger
from maintenance_windows.models import ACTOR_LENGTH, Change, MaintenanceWindow, WindowSeries
from maintenance_windows.models.base import UNSEEN
from maintenance_windows.models.window import TIMES

Facts = dict[str, object]
# The facts that move an event in subscribers' calendars, or cancel it.
MOVES = frozenset(TIMES)
NOTHING: Mapping[int, Facts] = MappingProxyType({})

logger = get_logger()


def scheduled(windows: Iterable[MaintenanceWindow], actor: str | None) -> None:
    """Announce new windows, whose own rows record when and by whom they were created."""
    for window in windows:
        _announce(signals.window_scheduled, window, actor)


def made(windows: Sequence[MaintenanceWindow], actor: str | None) -> None:
    """Announce the windows created by a series, and log them in one line.

    Here and below `actor=None` means each window's series itself.
    """
    if not windows:
        return
    scheduled(windows, actor)
    number = f"{len(windows)} {'window' if len(windows) == 1 else 'windows'}"
    by = "itself" if actor is None else actor or "code"
    text = "series %s: %s made by %s, the first %s"
    _after_commit(logger.info, text, windows[0].series_id, number, by, windows[0].for_log())


def changed(
    pairs: Iterable[tuple[MaintenanceWindow, Facts]],
    actor: str | None,
    now: datetime,
    marks: Mapping[int, Facts] = NOTHING,
) -> None:
    """Record and announce the windows that differ from their earlier facts.

    `marks` are facts that only the history keeps, such as a freeze, by window. The events of the
    windows in the calendar get the numbers that tell subscribers of the change.
    """
    rows, moved, told, retitled = [], [], [], []
    for window, before in pairs:
        if not (changes := window.changes(before)):
            continue
        kept = {**changes, **marks.get(window.pk, {})}
        rows.append(_change(kept, _name(actor, window), now, window=window))
        if not MOVES.isdisjoint(changes):
            window.sequence += 1
            moved.append(window.pk)
        if changes.keys() - UNSEEN:
            window.changed_at = now
            told.append(window.pk)
        if "title" in changes:
            window.retitled_at = now
            retitled.append(window.pk)
        if window.cancelled_at and "cancelled_at" in changes:
            _announce(signals.window_cancelled, window, actor)
        else:
            _announce(signals.window_changed, window, actor, changes=changes)
    Change.objects.bulk_create(rows)
    _update(moved, sequence=F("sequence") + 1)
    _update(told, changed_at=now)
    _update(retitled, retitled_at=now)


def _update(ids: list[int], **values: Any) -> None:
    if ids:
        MaintenanceWindow.objects.filter(pk__in=ids).update(**values)


def marked(
    windows: Iterable[MaintenanceWindow], marks: Mapping[int, Facts], actor: str, now: datetime
) -> None:
    """Record facts that only the history keeps of new windows, such as a freeze, by site."""
    Change.objects.bulk_create(
        _change(marks[window.site_id], actor, now, window=window)
        for window in windows
        if window.site_id in marks
    )


def series_changed(series: WindowSeries, before: Facts, actor: str, now: datetime) -> None:
    """Record a series that differs from its earlier facts. Only its windows send signals."""
    if changes := series.changes(before):
        _change(changes, actor, now, series=series).save()


def _change(changes: Any, actor: str, now: datetime, **of: Any) -> Change:
    return Change(at=now, actor=actor[:ACTOR_LENGTH], changes=changes, **of)


def _announce(signal: Signal, window: MaintenanceWindow, actor: str | None, **more: object) -> None:
    arguments = {"window": window, "actor": _name(actor, window), **more}
    _after_commit(signal.send_robust, MaintenanceWindow, **arguments)


def _after_commit(function: Callable[..., object], *args: Any, **kwargs: Any) -> None:
    using = router.db_for_write(MaintenanceWindow)
    transaction.on_commit(partial(function, *args, **kwargs), using=using)


def _name(actor: str | None, window: MaintenanceWindow) -> str:
    return f"series {window.series_id}" if actor is None else actor
