"""Recurring windows in the admin: the form that builds the rule, its preview and saving."""

from datetime import date, time, timedelta

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse

from maintenance_windows.core.intervals import rfc3339
from maintenance_windows.models import MaintenanceWindow, WindowSeries
from maintenance_windows.planning import series, windows
from tests.helpers.pages import Filled, errors, fill, messages
from tests.helpers.times import HOUR, MINUTE, TWO

pytestmark = pytest.mark.any_database

SERIES = "admin:maintenance_windows_windowseries"
ADD, LIST, PREVIEW = (reverse(f"{SERIES}_{name}") for name in ("add", "changelist", "preview"))


TUESDAY = {"unit": "MONTHLY", "monthly": "weekday", "nth_weekday": "TU"}


def series_form(**more: object) -> dict[str, object]:
    """Sundays from the fourth of November 2029, 02:00 to 04:00 in Berlin."""
    return {
        "starts_on": "2029-11-04",
        "start_time": "02:00",
        "zone": "Europe/Berlin",
        "length": "2h",
        "every": "1",
        "unit": "WEEKLY",
        "monthly": "same",
        "nth": "1",
        "nth_weekday": "SU",
        "until": "",
        "rule": "",
        "excluded": "",
        "level": "full",
        "title": "",
        "message": "",
    } | more


def preview(browser: Client, form: dict[str, object], query: str = ""):
    """The preview that the page's script fetches."""
    return browser.post(f"{PREVIEW}{query}", form, headers={"X-Requested-With": "fetch"})


@pytest.fixture
def sundays(acme) -> WindowSeries:
    """Each Sunday from 02:00 to 04:00 UTC, from the fourth of November 2029."""
    template = WindowSeries(
        rule="FREQ=WEEKLY",
        starts_on=date(2029, 11, 4),
        start_time=time(2),
        zone="UTC",
        length=timedelta(hours=2),
    )
    (outcome,) = series.repeat([acme], template, actor="bob", clock=lambda: TWO - HOUR)
    return outcome.series


def change_url(series: WindowSeries) -> str:
    return reverse(f"{SERIES}_change", args=[series.pk])


def test_add_form_schedules_recurring_window(acme, browser):
    response = browser.post(
        ADD, series_form(site=acme.pk, title="T", excluded="2029-12-30"), follow=True
    )
    begun = WindowSeries.objects.get()
    assert (begun.site, begun.rule, begun.zone) == (acme, "FREQ=WEEKLY", "Europe/Berlin")
    assert (begun.length, begun.excluded, begun.created_by) == (2 * HOUR, ["2029-12-30"], "alice")
    windows = MaintenanceWindow.objects.order_by("starts_at")
    assert [window.starts_at for window in windows][:2] == [TWO - HOUR, TWO + 7 * 24 * HOUR - HOUR]
    assert {(window.title, window.created_by) for window in windows} == {("T", "alice")}
    assert f"{windows.count()} windows created, 0 changed, 0 cancelled." in messages(response)


@pytest.mark.parametrize(
    ("fields", "rule"),
    [
        ({"unit": "DAILY"}, "FREQ=DAILY"),
        ({"unit": "DAILY", "until": "2030-01-31"}, "FREQ=DAILY;UNTIL=20300131"),
        ({"every": "2", "weekdays": ["MO", "SU"]}, "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,SU"),
        ({"unit": "MONTHLY"}, "FREQ=MONTHLY"),
        ({"unit": "MONTHLY", "monthly": "last"}, "FREQ=MONTHLY;BYMONTHDAY=-1"),
        (TUESDAY | {"nth": "2"}, "FREQ=MONTHLY;BYDAY=2TU"),
        (TUESDAY | {"nth": "-1"}, "FREQ=MONTHLY;BYDAY=-1TU"),
        ({"unit": "rule", "rule": "rrule:freq=yearly;count=3"}, "FREQ=YEARLY;COUNT=3"),
    ],
)
def test_form_fields_round_trip_through_rule(acme, browser, fields, rule):
    browser.post(ADD, series_form(site=acme.pk, **fields))
    begun = WindowSeries.objects.get()
    assert begun.rule == rule
    shown = Filled(browser.get(change_url(begun)).text).fields
    assert {name: shown[name] for name in fields if name != "rule"} == {
        name: value for name, value in fields.items() if name != "rule"
    }
    assert shown["rule"] == rule


@pytest.mark.parametrize(
    "rule",
    [
        "FREQ=WEEKLY;COUNT=9",
        "FREQ=WEEKLY;WKST=SU",
        "FREQ=MONTHLY;BYDAY=2TU,3TU",
        "FREQ=MONTHLY;BYDAY=-2TU",
        "FREQ=DAILY;BYDAY=MO",
        "FREQ=MONTHLY;BYMONTHDAY=1,15",
        "FREQ=WEEKLY;UNTIL=20300101T020000Z",
    ],
)
def test_rule_beyond_form_fields_stays_unchanged(acme, browser, rule):
    browser.post(ADD, series_form(site=acme.pk, unit="rule", rule=rule))
    begun = WindowSeries.objects.get()
    page = browser.get(change_url(begun)).text
    assert Filled(page).fields["unit"] == "rule"
    browser.post(change_url(begun), fill(page, title="new"))
    begun.refresh_from_db()
    assert (begun.rule, begun.title) == (rule, "new")


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"unit": "rule", "rule": "FREQ=HOURLY"}, "too frequent"),
        ({"unit": "rule", "rule": "nonsense"}, "Invalid part &#x27;NONSENSE&#x27;"),
        ({"unit": "rule", "rule": ""}, "Enter a rule"),
        ({"unit": "rule", "rule": "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30"}, "no future windows"),
        ({"until": "2029-11-01"}, "no future windows"),
        ({"rule": "FREQ=DAILY"}, "To use this rule, choose"),
        ({"every": "0"}, "greater than or equal to 1"),
        ({"length": "long"}, "Invalid duration"),
        ({"excluded": "Christmas"}, "Enter dates as YYYY-MM-DD"),
        ({"zone": "Mars"}, "Select a valid choice"),
        ({"starts_on": "soon"}, "Enter a valid date"),
        ({"starts_on": "1066-10-14"}, "in a year from 1970"),
    ],
)
def test_invalid_form_gives_one_error_and_saves_nothing(acme, browser, fields, sentence):
    response = browser.post(ADD, series_form(site=acme.pk) | fields)
    assert errors(response).count("<li>") == 1
    assert sentence in errors(response)
    is_missing = sentence == "Enter a rule"
    assert (sentence in preview(browser, series_form() | fields).text) != is_missing
    assert not WindowSeries.objects.exists()


def test_preview_describes_rule_and_lists_ten_windows(acme, browser):
    page = preview(browser, series_form(starts_on="2030-03-24", start_time="02:30")).text
    assert "every week on Sunday, from 02:30 for 2h, time zone Europe/Berlin" in page
    assert page.count("data-times") == 10
    # On the 31st of March the clock goes from 02:00 to 03:00.
    assert "Sun 31 Mar 2030 03:30–05:30 CEST" in page
    assert "Sun 31 Mar 2030 01:30–03:30 UTC" in page
    assert "overlap" not in page
    assert not WindowSeries.objects.exists()


def test_preview_warns_of_overlap_and_marks_current_windows(acme, browser):
    page = preview(browser, series_form(starts_on="2029-10-21", length="8d")).text
    assert "These windows overlap." in page
    assert page.count("in progress") == 2
    response = browser.post(ADD, series_form(site=acme.pk, length="8d"), follow=True)
    assert "These windows overlap." in messages(response)


def test_preview_matches_windows_created_on_save(acme, browser):
    page = preview(browser, series_form(unit="MONTHLY", monthly="last")).text
    browser.post(ADD, series_form(site=acme.pk, unit="MONTHLY", monthly="last"))
    windows = MaintenanceWindow.objects.order_by("starts_at")
    assert windows.count() == 2
    for window in windows:
        assert f'data-times="{rfc3339(window.starts_at)}/{rfc3339(window.ends_at)}"' in page


def test_preview_requires_post_and_permission(acme, sundays, browser):
    assert browser.get(PREVIEW).status_code == 405
    User.objects.create_user("bob", password="secret", is_staff=True)
    bob = Client()
    bob.login(username="bob", password="secret")
    assert bob.post(PREVIEW, series_form()).status_code == 403
    assert bob.post(f"{PREVIEW}?series={sundays.pk}", series_form()).status_code == 403
    assert Client().post(PREVIEW, series_form()).status_code == 302
    planner = User.objects.get(username="bob")
    planner.user_permissions.add(Permission.objects.get(codename="add_windowseries"))
    assert bob.post(PREVIEW, series_form()).status_code == 200


def test_edit_updates_scheduled_windows_and_reports_counts(acme, sundays, browser):
    first, second, *others = MaintenanceWindow.objects.order_by("starts_at")
    windows.extend(second.pk, by=HOUR)
    page = browser.get(change_url(sundays)).text
    response = browser.post(change_url(sundays), fill(page, start_time="03:00"), follow=True)
    assert f"0 windows created, {len(others) + 1} changed, 0 cancelled" in messages(response)
    assert f"not changed because they were edited individually: {second.pk}." in messages(response)
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.starts_at, first.ends_at) == (TWO + HOUR, TWO + 3 * HOUR)
    assert (second.starts_at, second.ends_at) == (TWO + 168 * HOUR, TWO + 171 * HOUR)


def test_saving_title_preserves_concurrent_rule_change(acme, sundays, browser):
    page = browser.get(change_url(sundays)).text
    series.revise(sundays.pk, rule="FREQ=WEEKLY;BYDAY=MO", length=HOUR, clock=lambda: TWO - HOUR)
    browser.post(change_url(sundays), fill(page, title="new"))
    sundays.refresh_from_db()
    assert (sundays.title, sundays.rule, sundays.length) == ("new", "FREQ=WEEKLY;BYDAY=MO", HOUR)


def test_saving_unchanged_form_changes_nothing(acme, sundays, browser):
    before = list(MaintenanceWindow.objects.order_by("pk").values())
    page = browser.get(change_url(sundays)).text
    response = browser.post(change_url(sundays), fill(page), follow=True)
    assert "0 windows created, 0 changed, 0 cancelled." in messages(response)
    assert list(MaintenanceWindow.objects.order_by("pk").values()) == before


def test_end_action_cancels_windows_and_makes_series_read_only(acme, sundays, browser, at):
    at(TWO + MINUTE)
    coming = MaintenanceWindow.objects.count() - 1
    form = {"action": "end_series", "_selected_action": [sundays.pk]}
    assert f"{coming} cancelled" in messages(browser.post(LIST, form, follow=True))
    assert f"Recurring window {sundays.pk} has ended" in messages(
        browser.post(LIST, form, follow=True)
    )
    page = browser.get(change_url(sundays)).text
    assert 'name="_save"' not in page
    assert "series-preview" not in page
    sent = browser.post(change_url(sundays), series_form(), follow=True)
    assert f"Recurring window {sundays.pk} has ended" in messages(sent)
    assert browser.get(LIST, {"ended": "no"}).context["cl"].result_count == 0
    assert browser.get(LIST, {"ended": "yes"}).context["cl"].result_count == 1
    assert browser.get(LIST, {"ended": "maybe"}).context["cl"].result_count == 1


def test_list_describes_rule_in_words(acme, sundays, browser):
    page = browser.get(LIST, {"q": "acme"}).text
    assert "every week on Sunday, from 02:00 for 2h, time zone UTC" in page
    WindowSeries.objects.update(rule="spoilt")
    assert "spoilt" in browser.get(LIST).text
    assert browser.get(change_url(sundays)).status_code == 200


def test_series_disappears_only_with_its_site(acme, sundays, browser):
    assert browser.get(reverse(f"{SERIES}_delete", args=[sundays.pk])).status_code == 403
    assert "delete_selected" not in browser.get(LIST).text
    browser.post(reverse("admin:sites_site_delete", args=[acme.pk]), {"post": "yes"})
    assert not WindowSeries.objects.exists()


def test_window_and_series_link_to_each_other(acme, sundays, browser):
    window = MaintenanceWindow.objects.order_by("starts_at").first()
    windows = "admin:maintenance_windows_maintenancewindow"
    page = browser.get(reverse(f"{windows}_change", args=[window.pk])).text
    assert change_url(sundays) in page
    count = MaintenanceWindow.objects.count()
    assert f"{count} upcoming or in progress" in browser.get(change_url(sundays)).text
    url = reverse(f"{windows}_changelist")
    listed = browser.get(url, {"series__id__exact": sundays.pk}).context["cl"].result_count
    assert listed == count
    assert browser.get(url, {"series__isempty": "1"}).context["cl"].result_count == 0


def test_preview_of_edit_matches_windows_after_save(acme, sundays, browser, at):
    _, second, third, fourth = MaintenanceWindow.objects.order_by("starts_at")[:4]
    windows.cancel(second.pk)
    windows.extend(third.pk, by=HOUR)
    at(TWO + 6 * HOUR)  # the first is over
    page = browser.get(change_url(sundays)).text
    form = fill(page, start_time="20:00")
    shown = preview(browser, form, f"?series={sundays.pk}").text
    browser.post(change_url(sundays), form)
    coming = MaintenanceWindow.objects.live(TWO + 6 * HOUR).order_by("starts_at")
    rows = [f'data-times="{rfc3339(w.starts_at)}/{rfc3339(w.ends_at)}"' for w in coming[:10]]
    assert [shown.count(row) for row in rows] == [1] * len(rows)
    assert [window.pk for window in coming[1:3]] == [third.pk, fourth.pk]
    assert shown.index("2029-11-04T20:00") < shown.index("2029-11-18")  # this evening
    assert "2029-11-11" not in shown
    assert shown.count("edited individually") == 1


def test_saving_title_preserves_seconds_of_start_time(acme, sundays, browser):
    series.revise(sundays.pk, start_time=time(2, 0, 30), clock=lambda: TWO - HOUR)
    page = browser.get(change_url(sundays)).text
    response = browser.post(change_url(sundays), fill(page, title="new"), follow=True)
    sundays.refresh_from_db()
    assert (sundays.title, sundays.start_time) == ("new", time(2, 0, 30))
    assert MaintenanceWindow.objects.first().starts_at.second == 30
    assert "was changed successfully" in messages(response)


def test_concurrent_rule_change_gives_error(acme, sundays, browser):
    page = browser.get(change_url(sundays)).text
    browser.post(change_url(sundays), fill(page, until="2030-06-30"))
    response = browser.post(change_url(sundays), fill(page, every="2"))
    sentence = "Someone else has changed the rule to FREQ=WEEKLY;UNTIL=20300630"
    assert sentence in errors(response)
    sundays.refresh_from_db()
    assert sundays.rule == "FREQ=WEEKLY;UNTIL=20300630"


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"unit": "DAILY", "weekdays": ["MO"]}, "Weekdays can only be used with weeks."),
        (
            {"unit": "rule", "rule": "FREQ=DAILY", "until": "2030-01-01"},
            "Add UNTIL to the rule instead.",
        ),
    ],
)
def test_contradictory_fields_give_error(acme, browser, fields, sentence):
    assert sentence in errors(browser.post(ADD, series_form(site=acme.pk) | fields))
    assert not WindowSeries.objects.exists()


def test_form_accepts_submission_without_hidden_fields(acme, browser):
    """The page's script omits the fields that it hides."""
    form = series_form(site=acme.pk, unit="rule", rule="FREQ=DAILY")
    hidden = {"every", "monthly", "nth", "nth_weekday", "until"}
    browser.post(ADD, {name: value for name, value in form.items() if name not in hidden})
    assert WindowSeries.objects.get().rule == "FREQ=DAILY"


def test_unknown_time_zone_gives_error_naming_it(acme, sundays, browser):
    WindowSeries.objects.update(zone="Old/Gone")
    page = browser.get(change_url(sundays)).text
    assert Filled(page).fields["zone"] == "Old/Gone"
    response = browser.post(change_url(sundays), fill(page, title="new"))
    assert "Time zone &#x27;Old/Gone&#x27; does not exist" in errors(response)
    assert browser.get(LIST).status_code == 200


def test_preview_without_javascript_is_full_page(acme, browser):
    page = browser.post(PREVIEW, series_form()).text
    assert "<title>Next windows" in page
    assert "every week on Sunday" in page


def test_view_permission_shows_rule_in_words(acme, sundays, client):
    bob = User.objects.create_user("bob", is_staff=True)
    bob.user_permissions.add(Permission.objects.get(codename="view_windowseries"))
    client.force_login(bob)
    page = client.get(change_url(sundays)).text
    assert "every week on Sunday, from 02:00 for 2h, time zone UTC" in page
    assert "None" not in page


def test_series_ids_have_no_thousand_separator(acme, sundays, browser, settings):
    settings.USE_THOUSAND_SEPARATOR = True
    sundays.pk = 12345
    sundays.save(force_insert=True)
    assert "?series=12345" in browser.get(reverse(f"{SERIES}_change", args=[12345])).text


def test_series_history_lists_changes(acme, sundays, browser):
    series.revise(sundays.pk, length=HOUR, actor="bob", clock=lambda: TWO - HOUR)
    page = browser.get(reverse(f"{SERIES}_history", args=[sundays.pk])).text
    assert "duration 2h → 1h" in page
    assert f"Recurring window {sundays.pk} created" in page


def rule_of(browser, acme, **fields: object) -> tuple[WindowSeries | None, str]:
    response = browser.post(ADD, series_form(site=acme.pk, **fields), follow=True)
    return WindowSeries.objects.order_by("-pk").first(), errors(response)


def test_days_after_a_weekday_make_a_rule_and_read_back(acme, browser):
    made, _ = rule_of(browser, acme, **TUESDAY, nth="2", days_after="5")
    assert made.rule == "FREQ=MONTHLY;BYDAY=SU;BYMONTHDAY=13,14,15,16,17,18,19"
    page = browser.get(change_url(made)).text
    shown = fill(page)
    assert [shown[name] for name in ("monthly", "nth", "nth_weekday", "days_after")] == [
        "weekday", "2", "TU", "5",
    ]  # fmt: skip
    browser.post(change_url(made), fill(page, days_after="6"))
    made.refresh_from_db()
    assert made.rule == "FREQ=MONTHLY;BYDAY=MO;BYMONTHDAY=14,15,16,17,18,19,20"


@pytest.mark.parametrize(("nth", "days"), [("4", "1"), ("2", "15"), ("-1", "1"), ("5", "1")])
def test_day_after_that_may_fall_into_next_month_is_refused(acme, browser, nth, days):
    made, said = rule_of(browser, acme, **TUESDAY, nth=nth, days_after=days)
    assert made is None
    assert "In some months this day is in the next month: write a rule instead." in said


def test_end_by_the_clock_is_saved_and_shown(acme, browser):
    made, _ = rule_of(
        browser, acme, start_time="00:00", length="", end_time="00:00", start_now="on"
    )
    assert (made.length, made.by_clock) == (timedelta(days=1), True)
    shown = fill(browser.get(change_url(made)).text)
    assert (shown["length"], shown["end_time"], shown["end_days"]) == ("", "00:00:00", "")
    browser.post(change_url(made), shown | {"title": "new"})
    made.refresh_from_db()
    assert (made.length, made.by_clock, made.title) == (timedelta(days=1), True, "new")
    browser.post(change_url(made), shown | {"end_time": "06:00", "end_days": "3"})
    made.refresh_from_db()
    assert made.length == timedelta(days=3, hours=6)
    shown = fill(browser.get(change_url(made)).text)
    assert (shown["end_time"], shown["end_days"]) == ("06:00:00", "3")
    browser.post(change_url(made), shown | {"length": "2h", "end_time": "", "end_days": ""})
    made.refresh_from_db()
    assert (made.length, made.by_clock) == (2 * HOUR, False)


@pytest.mark.parametrize(
    ("length", "end_time", "sentence"),
    [
        ("", "", "Enter a duration or an end."),
        ("2h", "04:00", "Enter a duration or an end, not both."),
        ("", "nonsense", "Enter a valid time."),
    ],
)
def test_length_and_end_are_alternatives(acme, browser, length, end_time, sentence):
    made, said = rule_of(browser, acme, length=length, end_time=end_time)
    assert (made, sentence in said) == (None, True)


def test_preview_and_save_warn_of_what_is_planned(acme, sundays, browser):
    form = series_form(site=acme.pk, zone="UTC", excluded="2029-11-10")
    shown = preview(browser, form).text
    said = messages(browser.post(ADD, form, follow=True))
    for text in (
        f"acme.example: recurring window {sundays.pk} has the same times.",
        "There is no window to skip on 2029-11-10: the nearest starts on 2029-11-11.",
    ):
        assert text in shown
        assert text in said


def test_list_ends_series_with_edited_windows(acme, sundays, browser):
    window = MaintenanceWindow.objects.earliest("starts_at")
    windows.extend(window.pk, by=HOUR)
    form = {"action": "end_series", "_selected_action": [sundays.pk]}
    said = messages(browser.post(LIST, form, follow=True))
    assert f"not changed because they were edited individually: {window.pk}" in said
    said = messages(browser.post(LIST, form | {"action": "end_with_edited"}, follow=True))
    assert "1 cancelled" in said
    assert not MaintenanceWindow.objects.live(TWO - HOUR).exists()


def test_list_restores_cancelled_windows(acme, sundays, browser):
    window = MaintenanceWindow.objects.earliest("starts_at")
    windows.cancel(window.pk)
    page = reverse("admin:maintenance_windows_maintenancewindow_changelist")
    form = {"action": "restore", "_selected_action": [window.pk]}
    assert "Scheduled" in messages(browser.post(page, form, follow=True)).title()
    window.refresh_from_db()
    assert (window.cancelled_at, window.edited) == (None, "")
