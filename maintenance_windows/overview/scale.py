"""What part of time the timeline shows: a day, a week or a month, and the ticks on it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from django.http import QueryDict
from django.utils.formats import get_format
from django.utils.translation import gettext_lazy as _

from maintenance_windows.core.intervals import Span
from maintenance_windows.overview.axis import Axis
from maintenance_windows.wording.spans import format_day

DAY = timedelta(days=1)
BACK = timedelta(hours=4)  # of the past, unless a day was chosen
LONG_DAY = timedelta(hours=36)  # so that a whole night is on one page
NOON = time(12)
EVENING, MORNING = time(22), time(6)
SATURDAY = 5
FARTHEST = 3660  # days from today; a date beyond is a mistake
DAYS, WEEK, MONTH = 1, 7, 31
LABELS = {DAYS: _("Day"), WEEK: _("Week"), MONTH: _("Month")}
# The hours of small ticks; on a month they are days.
HOURS = {DAYS: 3, WEEK: 6, MONTH: 24}
ROOM_FOR_DAY = 12.0  # per cent of the axis that the name of a day takes


@dataclass(frozen=True, slots=True)
class Tick:
    """A moment with its position in per cent; `label` is empty for a line alone."""

    at: float
    label: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """`days` long from local midnight of `first`; None is around now. Times are in `zone`."""

    days: int
    first: date | None
    now: datetime
    zone: tzinfo

    @classmethod
    def read(cls, query: QueryDict, now: datetime, zone: tzinfo) -> "Scale":
        """Read `from` and `days` in a link; what cannot be read is ignored."""
        days = {str(days): days for days in LABELS}.get(query.get("days", ""), DAYS)
        try:
            first: date | None = date.fromisoformat(query.get("from", ""))
        except ValueError:
            first = None
        if first and abs((first - now.astimezone(zone).date()).days) > FARTHEST:
            first = None
        return cls(days=days, first=first, now=now, zone=zone)

    @property
    def today(self) -> date:
        return self.now.astimezone(self.zone).date()

    def axis(self, *, mirrored: bool = False) -> Axis:
        first = self.first or self.today
        if self.days > DAYS:
            return Axis(self._at(first), self._at(first + self.days * DAY), mirrored)
        if self.first:
            return Axis(self._at(first), self._at(first + DAY, NOON), mirrored)
        hour = (self.now - BACK).astimezone(self.zone).replace(minute=0, second=0, microsecond=0)
        start = hour.astimezone(UTC)
        return Axis(start, start + LONG_DAY, mirrored)

    def earlier(self) -> date:
        """Return the first day of the page before this one."""
        if self.first or self.days > DAYS:
            return (self.first or self.today) - self.days * DAY
        return self._local(self.axis().start - timedelta.resolution).date()

    def later(self) -> date:
        return self._local(self.axis().end).date()

    def midnights(self) -> Iterator[datetime]:
        return self.axis().midnights(self.zone)

    def major(self, axis: Axis) -> list[Tick]:
        """Return the days, or on a month the first days of weeks."""
        starts = [axis.start, *self.midnights()]
        if self.days == MONTH:
            starts = [at for at in starts if self._begins_week(at)]
        elif len(starts) > 1 and abs(axis.at(starts[1]) - axis.at(axis.start)) < ROOM_FOR_DAY:
            del starts[0]
        return [Tick(axis.at(at), format_day(at, self.zone, self.now)) for at in starts]

    def minor(self, axis: Axis) -> list[Tick]:
        """Return times of day, or on a month the days."""
        return [
            Tick(axis.at(at), f"{self._local(at):%H:%M}" if self.days < WEEK else self._short(at))
            for at in self._clock(axis)
        ]

    def lines(self, axis: Axis) -> list[Tick]:
        if self.days > DAYS:
            return [Tick(axis.at(at)) for at in self._clock(axis)]
        hours = round((axis.end - axis.start) / timedelta(hours=1))
        return [Tick(axis.at(axis.start + timedelta(hours=n))) for n in range(1, hours)]

    def nights(self, axis: Axis) -> list[tuple[float, float]]:
        """Return the edges and widths of nights; a month is too short for them."""
        if self.days == MONTH:
            return []
        spans = (Span(self._at(d, EVENING), self._at(d + DAY, MORNING)) for d in self._days(axis))
        return _seen(axis, spans)

    def weekends(self, axis: Axis) -> list[tuple[float, float]]:
        days = (day for day in self._days(axis) if day.weekday() >= SATURDAY)
        return _seen(axis, (Span(self._at(day), self._at(day + DAY)) for day in days))

    def _short(self, at: datetime) -> str:
        local = self._local(at)
        return str(local.day) if self.days == MONTH else f"{local:%H}"

    def _clock(self, axis: Axis) -> Iterator[datetime]:
        """Yield each time of day that has a small tick, unless the clock skips it."""
        for day in self._days(axis):
            for hour in range(0, 24, HOURS[self.days]):
                at = self._at(day, time(hour))
                exists = self._local(at).hour == hour or self.days == MONTH
                if exists and axis.start <= at < axis.end:
                    yield at

    def _days(self, axis: Axis) -> Iterator[date]:
        """Yield the days on the axis and the one before, whose night may reach into it."""
        day, last = self._local(axis.start).date() - DAY, self._local(axis.end).date()
        while day <= last:
            yield day
            day += DAY

    def _begins_week(self, at: datetime) -> bool:
        return self._local(at).isoweekday() % 7 == int(get_format("FIRST_DAY_OF_WEEK"))

    def _local(self, at: datetime) -> datetime:
        return at.astimezone(self.zone)

    def _at(self, day: date, clock: time = time()) -> datetime:
        return datetime.combine(day, clock, self.zone).astimezone(UTC)


def _seen(axis: Axis, spans: Iterator[Span]) -> list[tuple[float, float]]:
    found = (axis.stretch(span) for span in spans)
    return [(left, width) for left, width in found if width]
