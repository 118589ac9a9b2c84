"""What is done to windows and series: kept as rows, and announced after the commit."""

import logging
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from functools import partial
from typing import Any

from django.db import router, transaction
from django.dispatch import Signal

from maintenance_windows import signals
from maintenance_windows.models import ACTOR_LENGTH, Change, MaintenanceWindow, WindowSeries

Facts = dict[str, object]

logger = logging.getLogger("maintenance_windows")


def scheduled(windows: Iterable[MaintenanceWindow], actor: str) -> None:
    """Announce windows that are new. Their own rows say when and by whom."""
    for window in windows:
        _announce(signals.window_scheduled, window, actor)


def made(windows: Sequence[MaintenanceWindow], actor: str | None) -> None:
    """Announce the windows that a series has made; they are one line of the log.

    Here and below it is the doing of each window's series where no actor is given.
    """
    if windows:
        _after_commit(_tell, windows, actor)


def _tell(windows: Sequence[MaintenanceWindow], actor: str | None) -> None:
    first, name = windows[0], _name(actor, windows[0])
    for window in windows:
        signals.window_scheduled.send_robust(MaintenanceWindow, window=window, actor=name)
    number = f"{len(windows)} {'window' if len(windows) == 1 else 'windows'}"
    by = "itself" if actor is None else actor or "code"
    logger.info("series %s: %s made by %s, the first %s", first.series_id, number, by, first)


def changed(
    pairs: Iterable[tuple[MaintenanceWindow, Facts]], actor: str | None, now: datetime
) -> None:
    """Record and announce the windows that differ from their facts of before."""
    rows = []
    for window, before in pairs:
        if not (changes := window.changes(before)):
            continue
        rows.append(_change(changes, _name(actor, window), now, window=window))
        if "cancelled_at" in changes:
            _announce(signals.window_cancelled, window, actor)
        else:
            _announce(signals.window_changed, window, actor, changes=changes)
    Change.objects.bulk_create(rows)


def series_changed(series: WindowSeries, before: Facts, actor: str, now: datetime) -> None:
    """Record a series that differs from its facts of before; its windows are announced."""
    if changes := series.changes(before):
        _change(changes, actor, now, series=series).save()


def _change(changes: Any, actor: str, now: datetime, **of: Any) -> Change:
    return Change(at=now, actor=actor[:ACTOR_LENGTH], changes=changes, **of)


def _announce(signal: Signal, window: MaintenanceWindow, actor: str | None, **more: object) -> None:
    given = {"window": window, "actor": _name(actor, window), **more}
    _after_commit(signal.send_robust, MaintenanceWindow, **given)


def _after_commit(tell: Callable[..., object], *args: Any, **kwargs: Any) -> None:
    using = router.db_for_write(MaintenanceWindow)
    transaction.on_commit(partial(tell, *args, **kwargs), using=using)


def _name(actor: str | None, window: MaintenanceWindow) -> str:
    return f"series {window.series_id}" if actor is None else actor
