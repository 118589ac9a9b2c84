"""Columns of the lists and facts of the pages: times in the format of the admin, and states."""

from datetime import UTC, datetime
from typing import Any

from django.contrib import admin
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from maintenance_windows.core.intervals import rfc3339
from maintenance_windows.core.state import Level
from maintenance_windows.snapshot import clock
from maintenance_windows.wording.spans import format_moment, format_times

UP, READ_ONLY, DOWN = STATES = ("up", "read_only", "down")
STATE_LABELS = {UP: _("Up"), READ_ONLY: _("Read-only"), DOWN: _("Down")}


def state_of(*, is_down: bool, level: str) -> str:
    """Return what visitors meet: a flag has a level also while its site is up."""
    if not is_down:
        return UP
    return READ_ONLY if level == Level.READ_ONLY else DOWN


def show_state(state: str) -> str:
    return format_html('<span class="mw-state {}">{}</span>', state, STATE_LABELS[state])


def show_time(moment: datetime, *, seconds: bool = False) -> str:
    """A time in TIME_ZONE, and in UTC as the title."""
    now = clock.now()
    return format_html(
        '<time datetime="{}" title="{}">{}</time>',
        rfc3339(moment),
        format_moment(moment, UTC, now, seconds=True),
        format_moment(moment, timezone.get_current_timezone(), now, seconds=seconds),
    )


def show_times(starts_at: datetime, ends_at: datetime) -> str:
    """A span in TIME_ZONE, and in UTC as the title."""
    now = clock.now()
    return format_html(
        '<time title="{}">{}</time>',
        format_times(starts_at, ends_at, UTC, now),
        format_times(starts_at, ends_at, timezone.get_current_timezone(), now),
    )


def time_column(name: str, label: Any, *, seconds: bool = False) -> Any:
    """A column, or a fact of a page, for the time in this field. The column is sorted by it."""

    @admin.display(description=label, ordering=name)
    def column(row: Any) -> str:
        moment = getattr(row, name)
        return show_time(moment, seconds=seconds) if moment else "-"

    column.__name__ = name  # as its class in the table
    return column


def span_column(start: str, end: str, label: Any) -> Any:
    """The same for two times. The column is sorted by the first."""

    @admin.display(description=label, ordering=start)
    def column(row: Any) -> str:
        return show_times(getattr(row, start), getattr(row, end))

    column.__name__ = start
    return column
