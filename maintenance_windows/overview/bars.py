"""Bars of the timeline: of windows, of freezes, and counts of windows that find no row."""

from dataclasses import dataclass
from datetime import date, datetime, tzinfo

from django.utils.translation import gettext as _

from maintenance_windows.core.freezes import FrozenTime
from maintenance_windows.core.intervals import Span
from maintenance_windows.models import MaintenanceWindow
from maintenance_windows.models.querysets import Status
from maintenance_windows.overview.axis import HUNDRED, Axis, stack
from maintenance_windows.overview.links import Links
from maintenance_windows.overview.scale import Scale
from maintenance_windows.wording.spans import format_times

# In pixels, as in timeline.css: the least width of the track, what a finger or a pointer can hit,
# the height of a row, and the width of a count of windows.
TRACK, TARGET, ROW, COUNT = 768, 24, 26, 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """The bar of one window: `left` and `width` in per cent, `top` in pixels.

    `target` is the left edge in per cent of what can be hit at least, and `shift` moves it by
    pixels. `when` has start and end in words, and `label` all there is to say.
    """

    window: MaintenanceWindow
    status: Status
    span: Span
    when: str
    label: str
    left: float
    width: float
    top: int
    target: float
    shift: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """How many windows more there are than rows, and the day that shows them."""

    number: int
    left: float
    top: int
    link: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FreezeBar:
    """A time in which nothing may be planned: `left` and `width` in per cent."""

    time: FrozenTime
    label: str
    left: float
    width: float


def freeze_bar(time: FrozenTime, axis: Axis, now: datetime, zone: tzinfo) -> FreezeBar:
    left, width = axis.stretch(Span(time.starts_at, time.ends_at))
    when = format_times(time.starts_at, time.ends_at, zone, now)
    label = _("Freeze, %(when)s: %(reason)s") % {"when": when, "reason": time.reason}
    return FreezeBar(time=time, label=label, left=left, width=width)


def place(
    windows: list[MaintenanceWindow], axis: Axis, top: int, now: datetime, zone: tzinfo
) -> list[Bar]:
    """Place windows in rows so that none covers what can be hit of another one."""
    spans = [Span(window.begins_at, window.ended_at or window.ends_at) for window in windows]
    targets = [axis.around(span, TARGET / TRACK) for span in spans]
    placed = sorted(zip(targets, spans, windows, strict=True), key=lambda one: one[0].start)
    rows = stack(target for target, _span, _window in placed)
    return [
        _bar(window, span, axis, top=top + row * ROW, now=now, zone=zone)
        for row, (_target, span, window) in zip(rows, placed, strict=True)
    ]


def count(hidden: list[Bar], axis: Axis, top: int, shown: Scale, links: Links) -> list[Count]:
    """Count bars that are near each other; no count covers another one."""
    breadth = COUNT / TRACK * HUNDRED
    near: list[tuple[float, list[Bar]]] = []
    for bar in sorted(hidden, key=lambda bar: bar.left):
        if near and bar.left < near[-1][0] + breadth:
            near[-1][1].append(bar)
        else:
            near.append((bar.left, [bar]))
    return [
        Count(
            number=len(some),
            left=min(left, HUNDRED - breadth),
            top=top,
            link=links.day(_first_day(some, axis, shown.zone)),
        )
        for left, some in near
    ]


def _first_day(hidden: list[Bar], axis: Axis, zone: tzinfo) -> date:
    return min(max(bar.span.start, axis.start) for bar in hidden).astimezone(zone).date()


def _bar(
    window: MaintenanceWindow, span: Span, axis: Axis, *, top: int, now: datetime, zone: tzinfo
) -> Bar:
    left, width = axis.stretch(span)
    margin = TARGET / 2 / TRACK * HUNDRED
    target, shift = left + width / 2, -TARGET // 2
    if target < margin:
        target, shift = 0.0, 0
    elif target > HUNDRED - margin:
        target, shift = HUNDRED, -TARGET
    status = window.status_at(now)
    when = format_times(span.start, span.end or span.start, zone, now)
    return Bar(
        window=window,
        status=status,
        span=span,
        when=when,
        label=_label(window, status, when),
        left=left,
        width=width,
        top=top,
        target=round(target, 3),
        shift=shift,
    )


def _label(window: MaintenanceWindow, status: Status, when: str) -> str:
    facts = [when, str(status.label), window.get_level_display()]
    facts += [_("recurring")] if window.series_id else []
    site, title = window.site.domain, window.title
    return f"{site}: {', '.join(facts)}{': ' if title else ''}{title}"
