"""Freezes: what they refuse, skip and mark, by every verb; their times to the microsecond."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.contrib.sites.models import Site

from maintenance_windows.core.freezes import FreezeCalendar, Freezing
from maintenance_windows.core.intervals import Span
from maintenance_windows.core.recurrence import Recurrence
from maintenance_windows.core.rrule import Rule
from maintenance_windows.exceptions import Refused
from maintenance_windows.models import Freeze, MaintenanceWindow, Transition, WindowSeries
from maintenance_windows.planning import freezes, series, windows
from maintenance_windows.planning.series.apply import SeriesChange
from maintenance_windows.planning.sites import extend, take_down
from tests.helpers.times import FOUR, HOUR, MINUTE, TWO

DAY, TICK = timedelta(days=1), timedelta(microseconds=1)
ONE = TWO - HOUR
BERLIN = ZoneInfo("Europe/Berlin")


@pytest.fixture(autouse=True)
def _at_one(at) -> None:
    at(ONE)


def freeze(*sites: Site, start=TWO, end=FOUR, reason="Sale", **more) -> Freeze:
    """Freezes sites, by default all, from two to four."""
    outcome = freezes.freeze(
        sites or None, starts_at=start, ends_at=end, reason=reason, actor="bob", **more
    )
    return outcome.freeze


def schedule(*sites: Site, start=TWO, end=FOUR, **more) -> list[MaintenanceWindow]:
    return windows.schedule(sites, starts_at=start, ends_at=end, **more)


def nightly(site: Site, **more) -> SeriesChange:
    """Every night from two to three, UTC."""
    given = {"rule": "FREQ=DAILY", "zone": "UTC", "length": HOUR, **more}
    template = WindowSeries(starts_on=date(2029, 11, 4), start_time=time(2), **given)
    (change,) = series.repeat([site], template)
    return change


def dates(begun: WindowSeries) -> list[int]:
    """The days of November of the scheduled windows."""
    live = begun.windows.filter(cancelled_at=None, starts_at__month=11).order_by("starts_at")
    return [window.starts_at.day for window in live]


def kept(window: MaintenanceWindow) -> dict[str, object]:
    """What the history keeps of a window beside its facts, in the last change."""
    changes = window.changes_made.latest("pk").changes
    return {name: changes[name][1] for name in ("freeze", "override") if name in changes}


def test_window_in_freeze_is_refused_with_reason_and_next_slot(acme):
    freeze(acme)
    sentence = (
        r"acme.example is frozen \(Sale\): Sun 4 Nov 02:00.04:00 UTC\."
        r" The next free slot starts on Sun 4 Nov 04:00 UTC\."
    )
    with pytest.raises(Refused, match=sentence):
        schedule(acme, start=TWO + HOUR, end=FOUR + HOUR)
    assert not MaintenanceWindow.objects.exists()


@pytest.mark.parametrize(
    ("start", "end"),
    [
        (TWO, TWO + TICK), (FOUR - TICK, FOUR), (ONE, TWO + TICK), (FOUR - TICK, FOUR + HOUR),
        (ONE, FOUR + HOUR), (TWO, FOUR),
    ],
)  # fmt: skip
def test_any_overlap_is_refused(acme, start, end):
    freeze(acme)
    with pytest.raises(Refused):
        schedule(acme, start=start, end=end)


@pytest.mark.parametrize(("start", "end"), [(ONE + TICK, TWO), (FOUR, FOUR + TICK)])
def test_window_that_touches_freeze_is_allowed(acme, start, end):
    freeze(acme)
    schedule(acme, start=start, end=end)


def test_other_sites_are_free(acme, globex):
    freeze(acme)
    schedule(globex)
    with pytest.raises(Refused, match=r"acme\.example is frozen"):
        schedule(globex, acme)
    assert MaintenanceWindow.objects.count() == 1


def test_freeze_of_all_sites_includes_new_ones(acme):
    freeze()
    with pytest.raises(Refused, match=r"new\.example is frozen"):
        schedule(Site.objects.create(domain="new.example"))


def test_freeze_of_deleted_site_does_not_become_one_of_all(acme, globex):
    freeze(acme)
    acme.delete()
    schedule(globex)


def test_next_free_slot_is_long_enough_and_free_on_every_site(acme, globex):
    freeze(acme)
    freeze(globex, start=FOUR + HOUR, end=FOUR + 2 * HOUR)
    with pytest.raises(Refused, match=r"The next free slot starts on Sun 4 Nov 06:00 UTC\."):
        schedule(acme, globex, end=FOUR + HOUR, start=TWO)
    freeze(start=TWO, end=TWO + 400 * DAY)
    with pytest.raises(Refused, match="No slot of this duration is free within a year"):
        schedule(acme)


def test_override_is_kept_in_history(acme, globex):
    freeze(acme)
    first, second = schedule(acme, globex, override=" CVE-1 \n now", actor="bob")
    assert kept(first) == {"freeze": "Sale", "override": "CVE-1 now"}
    assert first.changes_made.get().actor == "bob"
    assert not second.changes_made.exists()  # it needed none


def test_override_must_fit(acme):
    freeze(acme)
    with pytest.raises(Refused, match="longer than 200"):
        schedule(acme, override="x" * 201)
    with pytest.raises(Refused, match="is frozen"):
        schedule(acme, override=" ")


def test_move_into_freeze_needs_override(acme, plan):
    freeze(acme)
    window = plan(acme, FOUR, FOUR + HOUR)
    for change in (
        lambda **more: windows.move(window.pk, starts_at=TWO, ends_at=TWO + HOUR, **more),
        lambda **more: windows.revise(window.pk, starts_at=FOUR - MINUTE, **more),
    ):
        with pytest.raises(Refused, match="is frozen"):
            change()
        change(override="CVE-1")
        assert kept(window) == {"freeze": "Sale", "override": "CVE-1"}
        windows.move(window.pk, starts_at=FOUR, ends_at=FOUR + HOUR)


def test_extension_into_freeze_is_refused_before_start(acme, plan):
    freeze(acme, start=FOUR, end=FOUR + HOUR)
    window = plan(acme)
    with pytest.raises(Refused, match="is frozen"):
        windows.extend(window.pk, by=MINUTE)
    windows.extend(window.pk, by=MINUTE, override="CVE-1")
    assert kept(window) == {"freeze": "Sale", "override": "CVE-1"}


def test_extension_in_progress_is_marked(acme, plan, at):
    freeze(acme, start=FOUR, end=FOUR + HOUR)
    window = plan(acme)
    at(TWO + MINUTE)
    windows.extend(window.pk, by=MINUTE)
    assert kept(window) == {"freeze": "Sale"}
    extend(acme, by=MINUTE)
    windows.revise(window.pk, ends_at=FOUR + HOUR)
    assert kept(window) == {"freeze": "Sale"}


def test_window_planned_before_freeze_stays_and_is_named(acme, plan):
    window = plan(acme)
    outcome = freezes.freeze([acme], starts_at=TWO, ends_at=FOUR, reason="Sale")
    assert outcome.kept == [window]
    window.refresh_from_db()
    assert window.cancelled_at is None
    windows.revise(window.pk, ends_at=FOUR - MINUTE, title="Shorter")  # no time is added
    with pytest.raises(Refused, match="is frozen"):
        windows.move(window.pk, starts_at=TWO, ends_at=FOUR)


def test_window_that_misses_rule_is_not_named(acme, plan):
    plan(acme, FOUR, FOUR + HOUR)
    hit = plan(acme, TWO + DAY, FOUR + DAY)
    outcome = freezes.freeze(
        None, starts_at=TWO, ends_at=FOUR, reason="Nights", rule="FREQ=DAILY", zone="UTC"
    )
    assert outcome.kept == [hit]


@pytest.mark.parametrize("until", [None, FOUR])
def test_taking_site_down_by_hand_is_marked(acme, at, until):
    freeze(acme)
    at(TWO + MINUTE)
    take_down([acme], until=until, actor="bob")
    assert Transition.objects.get().freeze == "Sale"
    assert "during a freeze: Sale" in Transition.objects.get().why
    if until:
        assert kept(MaintenanceWindow.objects.get()) == {"freeze": "Sale"}


def test_taking_down_outside_freeze_is_not_marked(acme, globex, at):
    freeze(globex)
    at(FOUR)
    take_down([acme, globex])
    assert {row.freeze for row in Transition.objects.all()} == {""}


def test_starting_window_by_hand_in_freeze_is_marked(acme, plan, at):
    freeze(acme)
    window = plan(acme, FOUR, FOUR + HOUR)
    at(TWO + MINUTE)
    windows.start(window.pk, actor="bob")
    assert Transition.objects.get().freeze == "Sale"
    assert kept(window) == {"freeze": "Sale"}


def test_recurring_window_skips_freeze_and_says_so(acme):
    freeze(acme, start=TWO + DAY, end=TWO + 3 * DAY)
    change = nightly(acme)
    assert dates(change.series)[:4] == [4, 7, 8, 9]
    skipped = [(one.occurrence.date.day, one.frozen.reason) for one in change.skipped]
    assert skipped == [(5, "Sale"), (6, "Sale")]
    assert series.materialise() == []


def test_freeze_keeps_coming_occurrences_away_until_it_ends(acme, globex):
    begun = nightly(acme).series
    other = nightly(globex).series
    moved = begun.windows.get(occurs_on=date(2029, 11, 6))
    windows.move(moved.pk, starts_at=TWO + 2 * DAY + HOUR, ends_at=FOUR + 2 * DAY)
    outcome = freezes.freeze([acme], starts_at=TWO, ends_at=TWO + 3 * DAY, reason="Sale")
    assert dates(begun)[:3] == [6, 7, 8]
    assert outcome.kept == [moved]
    assert [len(change.cancelled) for change in outcome.series] == [2]
    cancelled = begun.windows.filter(cancelled_at__isnull=False)
    assert [kept(window) for window in cancelled] == [{"freeze": "Sale"}] * 2
    assert dates(other)[:2] == [4, 5]
    outcome = freezes.unfreeze(outcome.freeze.pk, actor="bob")
    assert [len(change.restored) for change in outcome.series] == [2]
    assert dates(begun)[:4] == [4, 5, 6, 7]


def test_occurrence_does_not_start_late_when_freeze_ends_in_it(acme, at):
    begun = nightly(acme, length=4 * HOUR).series
    frozen = freeze(end=TWO + HOUR)
    at(TWO + HOUR)
    series.materialise()
    assert dates(begun)[0] == 5
    other = freeze(start=TWO + DAY, end=TWO + 2 * DAY)
    at(TWO + DAY + HOUR)
    freezes.unfreeze(other.pk)
    assert dates(begun)[0] == 6
    with pytest.raises(Refused, match=f"Freeze {frozen.pk} has already ended"):
        freezes.unfreeze(frozen.pk)
    with pytest.raises(Refused, match=f"Freeze {other.pk} has already ended"):
        freezes.unfreeze(other.pk)


def test_occurrence_in_progress_goes_on(acme, at):
    begun = nightly(acme).series
    at(TWO + MINUTE)
    freeze()
    assert begun.windows.get(occurs_on=date(2029, 11, 4)).cancelled_at is None


def test_ended_freeze_refuses_nothing_and_stays_in_history(acme):
    frozen = freeze(acme)
    freezes.unfreeze(frozen.pk, actor="carol")
    schedule(acme)
    frozen.refresh_from_db()
    assert (frozen.created_by, frozen.ended_by, frozen.ended_at) == ("bob", "carol", ONE)
    with pytest.raises(Refused, match="Freeze 0 does not exist"):
        freezes.unfreeze(0)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"reason": " \t"}, "needs a reason"),
        ({"reason": "x" * 201}, "longer than 200"),
        ({"ends_at": TWO}, "end must be after the start"),
        ({"starts_at": ONE - HOUR, "ends_at": ONE}, "no time in the future"),
        ({"rule": "FREQ=HOURLY", "zone": "UTC"}, "too frequent"),
        ({"rule": "FREQ=DAILY", "zone": "Nowhere"}, "does not exist"),
        ({"rule": "FREQ=DAILY;UNTIL=20290101", "zone": "UTC"}, "no time in the future"),
        ({"sites": []}, "Specify the sites"),
    ],
)
def test_invalid_freeze_is_refused(acme, given, sentence):
    values = {"sites": [acme], "starts_at": TWO, "ends_at": FOUR, "reason": "Sale", **given}
    with pytest.raises(Refused, match=sentence):
        freezes.freeze(values.pop("sites"), **values)
    assert not Freeze.objects.exists()


def test_naive_time_is_type_error(acme):
    with pytest.raises(TypeError, match="starts_at"):
        freezes.freeze([acme], starts_at=datetime(2029, 11, 4), ends_at=FOUR, reason="Sale")


def test_broken_row_blocks_nobody(acme, caplog):
    frozen = freeze(acme, rule="FREQ=DAILY", zone="UTC")
    Freeze.objects.filter(pk=frozen.pk).update(rule="FREQ=NEVER")
    schedule(acme)
    assert f"Freeze {frozen.pk} is ignored" in caplog.text


def test_rule_refuses_each_time(acme):
    freeze(acme, rule="FREQ=WEEKLY", zone="UTC")
    with pytest.raises(Refused, match=r"next free slot starts on Sun 3 Feb 2030 04:00 UTC"):
        schedule(acme, start=TWO + 91 * DAY, end=FOUR + 91 * DAY)
    schedule(acme, start=TWO + 90 * DAY, end=FOUR + 90 * DAY)


def freezing(when: Span | Recurrence, **more: object) -> FreezeCalendar:
    given = {"id": 1, "reason": "Sale", "sites": None, "when": when, **more}
    return FreezeCalendar([Freezing(**given)])


# Berlin goes from +01:00 to +02:00 on 2027-03-28 at 02:00, and back on 2027-10-31 at 03:00.
@pytest.mark.parametrize(
    ("day", "hours"), [(date(2027, 3, 27), 24), (date(2027, 3, 28), 23), (date(2027, 10, 31), 25)]
)
def test_whole_day_by_rule_lasts_until_midnight(day, hours):
    rule, midnight = Rule.parse("FREQ=YEARLY"), datetime.combine(day, time())
    calendar = freezing(Recurrence(rule=rule, start=midnight, zone=BERLIN, length=DAY))
    start = midnight.replace(tzinfo=BERLIN).astimezone(UTC)
    (found,) = calendar.times([None], start - DAY, start + 2 * DAY)
    assert (found.starts_at, found.ends_at) == (start, start + hours * HOUR)
    assert calendar.first([1], start - HOUR, start) is None
    assert calendar.first([1], found.ends_at - TICK, found.ends_at) == found
    assert calendar.first([1], found.ends_at, found.ends_at + HOUR) is None


def test_freeze_over_new_year_is_found_in_both_years():
    start = datetime(2029, 12, 30, tzinfo=UTC)
    calendar = freezing(Span(start, start + 5 * DAY))
    assert calendar.first([1], start + 4 * DAY, start + 6 * DAY)
    assert len(list(calendar.times([1], start - DAY, start + 9 * DAY))) == 1
    assert calendar.next_free([1], start, HOUR) == start + 5 * DAY


def test_time_between_two_freezes_is_free_up_to_the_second():
    both = [
        Freezing(id=number, reason="Sale", sites=None, when=Span(start, start + HOUR))
        for number, start in enumerate((TWO, FOUR), 1)
    ]
    calendar = FreezeCalendar(both)
    assert calendar.first([1], TWO + HOUR, FOUR) is None
    assert calendar.first([1], TWO + HOUR, FOUR + TICK).freeze == 2
    assert calendar.next_free([1], TWO, HOUR) == TWO + HOUR
    assert calendar.next_free([1], TWO, HOUR + TICK) == FOUR + HOUR


@pytest.mark.parametrize(
    ("day", "end"),
    [
        (date(2027, 3, 27), datetime(2027, 3, 28, 1, 30, tzinfo=UTC)),  # 02:30 is skipped
        (date(2027, 10, 30), datetime(2027, 10, 31, 1, 30, tzinfo=UTC)),  # 02:30 is twice
    ],
)
def test_ambiguous_end_of_rule_is_the_later_one(day, end):
    start = datetime.combine(day, time(2, 30))
    rule = Recurrence(rule=Rule.parse("FREQ=YEARLY"), start=start, zone=BERLIN, length=DAY)
    (found,) = freezing(rule).times([1], end - HOUR, end + HOUR)
    assert found.ends_at == end
