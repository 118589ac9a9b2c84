"""What subscribers of the calendar rely on, over random series, freezes and edits.

After each edit and each night: every event that was served is served still, its SEQUENCE has not
fallen, and has risen if it moved, was cancelled or was restored. 90 days after its end it may go.
"""

import os
import random
from collections.abc import Callable
from contextlib import suppress
from datetime import date, datetime, time
from typing import NamedTuple
from zoneinfo import ZoneInfo

import pytest
from django.contrib.sites.models import Site

from maintenance_windows.calendar import events
from maintenance_windows.calendar.ical import CalendarEvent
from maintenance_windows.exceptions import Refused
from maintenance_windows.models import Freeze, MaintenanceWindow, WindowSeries
from maintenance_windows.planning import freezes, holidays, series, windows
from maintenance_windows.planning.series.events import KEPT
from maintenance_windows.reconcile.tick import tick
from tests.helpers.times import HOUR, TWO

NUMBER = int(os.environ.get("SUBSCRIPTIONS", "25"))  # series; nox -s histories: 1,000
EDITS = 8
DAY = 24 * HOUR
ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Pacific/Kiritimati", "Australia/Lord_Howe"]
RULES = [
    "FREQ=WEEKLY;BYDAY=SU",
    "FREQ=WEEKLY;BYDAY=TU,SU",
    "FREQ=WEEKLY;INTERVAL=2;BYDAY=SU",
    "FREQ=DAILY;INTERVAL=3",
    "FREQ=MONTHLY;BYDAY=2TU",
    "FREQ=MONTHLY",
    "FREQ=DAILY;INTERVAL=4;COUNT=40",
    "FREQ=WEEKLY;UNTIL=20300301",
]


class Edition(NamedTuple):
    """What a subscriber remembers of an event."""

    starts_at: datetime
    ends_at: datetime
    cancelled: bool
    sequence: int
    changed_at: datetime

    @classmethod
    def of(cls, event: CalendarEvent) -> "Edition":
        times = event.starts_at, event.ends_at
        return cls(*times, event.cancelled, event.sequence, event.changed_at)


def served(site: Site, now: datetime, *, titles: bool) -> dict[str, Edition]:
    """What a calendar of the site, with titles that of staff, holds before it is text."""
    told = events._events(events.Q(site=site), now, titles=titles)
    assert len({event.uid for event in told}) == len(told)
    return {event.uid: Edition.of(event) for event in told}


def check(before: dict[str, Edition], after: dict[str, Edition], now: datetime) -> None:
    for uid, old in before.items():
        if uid not in after:
            assert old.ends_at <= now - KEPT + DAY, f"{uid} {old} vanished"
            continue
        new = after[uid]
        assert new.sequence >= old.sequence, f"SEQUENCE of {uid} fell: {old} {new}"
        assert new.changed_at >= old.changed_at, f"DTSTAMP of {uid} fell: {old} {new}"
        if new[:3] != old[:3]:
            assert new.sequence > old.sequence, f"{uid} changed silently: {old} {new}"


class Story:
    """One series, and what people do to it."""

    def __init__(self, site: Site, seed: int) -> None:
        self.random = random.Random(seed)
        self.site, self.now = site, TWO + self.random.randrange(48) * HOUR
        template = WindowSeries(
            rule=self.random.choice(RULES),
            starts_on=date(2029, 10, 1) + self.random.randrange(60) * DAY,
            zone=self.random.choice(ZONES),
            published_at=self.publication(),
            **self.times(),
        )
        (outcome,) = series.repeat([site], template, clock=self.clock)
        self.pk = outcome.series.pk

    def clock(self) -> datetime:
        return self.now

    def times(self) -> dict[str, object]:
        clock = time(self.random.choice([0, 1, 2, 12, 22, 23]), self.random.choice([0, 30]))
        length = self.random.choice([1, 2, 24, 30]) * HOUR
        return {"start_time": clock, "length": length, "by_clock": self.random.random() < 0.3}

    def publication(self) -> datetime | None:
        return self.random.choice([None, self.now + self.random.choice([1, 40, 900]) * HOUR])

    def override(self) -> str:
        return self.random.choice(["", "CVE-1"])

    def frozen(self) -> dict[str, object]:
        """Times of a freeze: some days, or one day of each month; calendars hold 1,000 events."""
        start = self.now + self.random.choice([-1, 0, 5, 24 * 20, 24 * 90, 24 * 200]) * HOUR
        end = start + self.random.choice([2, 24, 24 * 12]) * HOUR
        times = {"starts_at": start, "ends_at": end, "reason": self.random.choice(["a", "b"])}
        if self.random.random() < 0.3:
            times["ends_at"] = start + DAY
            times |= {"rule": "FREQ=MONTHLY;BYDAY=1SU", "zone": self.random.choice(ZONES)}
        return times

    def freeze(self) -> None:
        sites = self.random.choice([[self.site], None])
        freezes.freeze(sites, **self.frozen(), clock=self.clock)

    def unfreeze(self) -> None:
        ids = Freeze.objects.filter(ended_at=None).order_by("pk").values_list("pk", flat=True)
        freezes.unfreeze(self.random.choice(list(ids) or [0]), clock=self.clock)

    def imported(self) -> None:
        """A file of holidays, in editions of which some events differ, are cancelled or gone."""
        told = [
            holidays.Event(
                key=f"day {number}",
                freeze=freezes.planned(**self.frozen()) if self.random.random() < 0.7 else None,
            )
            for number in range(self.random.randrange(4))
        ]
        holidays.follow(told, self.random.choice([[self.site], None]), clock=self.clock)

    def window(self) -> int:
        ids = MaintenanceWindow.objects.filter(series=self.pk).order_by("pk")
        return self.random.choice(list(ids.values_list("pk", flat=True)) or [0])

    def day(self) -> date:
        row = WindowSeries.objects.get(pk=self.pk)
        days = [one.date for one in row.recurrence().occurrences(self.now, self.now + 300 * DAY)]
        days += map(date.fromisoformat, row.excluded)
        days += row.windows.exclude(occurs_on=None).values_list("occurs_on", flat=True)
        return self.random.choice(days or [date(2029, 12, 1)])

    def move(self) -> None:
        row = MaintenanceWindow.objects.get(pk=self.window())
        by = self.random.choice([-30, -5, 1, 26, 200]) * HOUR
        windows.move(
            row.pk,
            starts_at=row.starts_at + by,
            ends_at=row.ends_at + by,
            override=self.override(),
            clock=self.clock,
        )

    def same_instants(self) -> None:
        """Say the same in another zone, as far as DST allows."""
        row = WindowSeries.objects.get(pk=self.pk)
        one = next(row.recurrence().occurrences(self.now))
        zone_name = self.random.choice(ZONES)
        here = one.starts_at.astimezone(ZoneInfo(zone_name))
        series.revise(
            self.pk,
            zone=zone_name,
            start_time=here.time().replace(tzinfo=None),
            starts_on=row.starts_on + (here.date() - one.date),
            clock=self.clock,
        )

    def night(self) -> None:
        self.now += self.random.choice([1, 9, 30, 24 * 5, 24 * 40]) * HOUR
        tick(self.clock)
        series.materialise(self.clock)

    def revise(self, **changes: object) -> None:
        series.revise(self.pk, **changes, clock=self.clock)

    def edits(self) -> list[Callable[[], object]]:
        pick = self.random.choice
        return [
            lambda: self.revise(rule=pick(RULES)),
            lambda: self.revise(rule=pick(RULES)),
            lambda: self.revise(zone=pick(ZONES)),
            lambda: self.revise(**self.times()),
            lambda: self.revise(starts_on=date(2029, 10, 20) + pick(range(90)) * DAY),
            lambda: self.revise(title=f"t{pick(range(9))}", message="m"),
            lambda: self.revise(excluded=sorted({self.day().isoformat() for _ in range(3)})),
            self.same_instants,
            lambda: series.skip(self.pk, self.day(), clock=self.clock),
            lambda: series.skip(self.pk, self.day(), clock=self.clock),
            lambda: series.unskip(self.pk, self.day(), override=self.override(), clock=self.clock),
            lambda: series.make(self.pk, self.day(), override=self.override(), clock=self.clock),
            lambda: series.restore(self.window(), override=self.override(), clock=self.clock),
            self.freeze,
            self.freeze,
            self.unfreeze,
            self.imported,
            lambda: windows.cancel(self.window(), clock=self.clock),
            lambda: windows.revise(self.window(), message="x", clock=self.clock),
            lambda: windows.revise(
                self.window(), published_at=self.publication(), clock=self.clock
            ),
            lambda: self.revise(published_at=self.publication()),
            lambda: windows.extend(self.window(), by=HOUR, clock=self.clock),
            self.move,
            self.night,
            self.night,
            lambda: (
                series.end(self.pk, with_edited=self.random.random() < 0.5, clock=self.clock)
                if self.random.random() < 0.3
                else self.night()
            ),
        ]


@pytest.mark.parametrize("first", range(0, NUMBER, 25))
def test_no_event_vanishes_falls_back_or_moves_silently(transactional_db, at, first):
    accepted = 0
    for seed in range(first, first + 25):
        at(TWO)  # rows record when they were created
        Freeze.objects.all().delete()
        site = Site.objects.create(domain=f"s{seed}.example")
        with suppress(Refused):  # a rule without future windows
            accepted += tell(Story(site, seed), at)
    assert accepted > 25 * EDITS / 3


def tell(story: Story, at: Callable[[datetime], None]) -> int:
    """Return how many edits were accepted."""
    titles = story.random.random() < 0.5
    before, accepted = served(story.site, story.now, titles=titles), 0
    for _ in range(EDITS):
        edit = story.random.choice(story.edits())
        at(story.now)
        with suppress(Refused, MaintenanceWindow.DoesNotExist, StopIteration):
            edit()
            accepted += 1
        after = served(story.site, story.now, titles=titles)
        check(before, after, story.now)
        before |= after
    return accepted
