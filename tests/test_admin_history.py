"""The history pages: actor, due time, time of the change and reason."""

import json
import re
from datetime import time, timedelta

import pytest
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import User
from django.core.management import call_command
from django.urls import reverse
from django.utils.html import strip_tags

from maintenance_windows.models import (
    Change,
    MaintenanceWindow,
    SiteMaintenance,
    Transition,
    WindowSeries,
)
from maintenance_windows.planning import freezes, series, windows
from maintenance_windows.planning.sites import take_down
from maintenance_windows.reconcile.tick import tick
from tests.helpers.times import FOUR, HOUR, MINUTE, TWO


def story(browser, row) -> list[str]:
    """The rows of a history page, without times that the test did not set."""
    url = reverse(f"admin:maintenance_windows_{row._meta.model_name}_history", args=[row.pk])
    table = re.search(r'id="story">(.*?)</table>', browser.get(url).text, re.DOTALL)
    rows = re.findall(r"<tr>(.*?)</tr>", table[1], re.DOTALL)[1:] if table else []
    return [" ".join(strip_tags(row.replace("</", " </")).split()) for row in rows]


@pytest.fixture
def past_window(acme, plan, browser, at) -> MaintenanceWindow:
    """A window that Bob schedules, Alice extends, a tick starts and Alice ends."""
    at(TWO - HOUR)
    window = plan(acme, actor="bob")
    at(TWO - MINUTE)
    windows.extend(window.pk, by=HOUR, actor="alice")
    at(TWO)
    tick()
    at(TWO + MINUTE)
    windows.end(window.pk, actor="alice")
    return window


def test_window_history_tells_each_event_once(past_window, browser):
    """The status change tells of the end, and the admin's own log of nothing that is not here."""
    pk = past_window.pk
    LogEntry.objects.log_actions(
        User.objects.get(username="alice").pk, [past_window], CHANGE, "Saved.", single_object=True
    )
    LogEntry.objects.update(action_time=TWO + MINUTE)
    assert story(browser, past_window) == [
        f"Sun 4 Nov 02:01:00 UTC Sun 4 Nov 02:01:00 UTC Up: window {pk} was ended alice",
        f"Sun 4 Nov 02:00:00 UTC Sun 4 Nov 02:00:00 UTC Down: window {pk} started as scheduled",
        f"Sun 4 Nov 01:59:00 UTC Window {pk}: end Sun 4 Nov 04:00 UTC → Sun 4 Nov 05:00 UTC alice",
        f"Sun 4 Nov 01:00:00 UTC Window {pk} scheduled: Sun 4 Nov 02:00–04:00 UTC bob",
    ]


def test_history_adds_what_only_the_admin_has_logged(past_window, browser):
    LogEntry.objects.log_actions(
        User.objects.get(username="alice").pk, [past_window], CHANGE, "Noted.", single_object=True
    )
    LogEntry.objects.update(action_time=FOUR)
    assert story(browser, past_window)[0] == "Sun 4 Nov 04:00:00 UTC Noted. alice"


def test_site_history_lists_its_windows_and_status_changes(
    acme, globex, plan, past_window, browser, at
):
    at(FOUR)
    take_down([acme], actor="bob")
    windows.cancel(plan(acme, FOUR + HOUR, FOUR + 2 * HOUR).pk, actor="bob")
    of_acme = story(browser, SiteMaintenance.objects.get(pk=acme.pk))
    assert len(of_acme) == 4 + 1 + 2
    assert any(row.endswith("Down: taken down manually bob") for row in of_acme)
    assert any("cancelled bob" in row for row in of_acme)
    assert story(browser, SiteMaintenance.objects.get(pk=globex.pk)) == []


def test_history_times_use_current_time_zone(past_window, browser, settings):
    settings.TIME_ZONE = "Europe/Berlin"
    assert "Sun 4 Nov 05:00 CET → Sun 4 Nov 06:00 CET" in story(browser, past_window)[2]


def test_history_lists_changes_by_sql(acme, browser, at):
    SiteMaintenance.objects.filter(pk=acme.pk).update(in_maintenance=True)
    tick()
    (row,) = story(browser, SiteMaintenance.objects.get(pk=acme.pk))
    assert row.endswith("Down: taken down manually database")


def test_history_shows_at_most_200_rows(acme, browser):
    Transition.objects.bulk_create(
        Transition(site=acme, in_maintenance=n % 2 == 0, due_at=TWO, done_at=TWO)
        for n in range(250)
    )
    assert len(story(browser, SiteMaintenance.objects.get(pk=acme.pk))) == 200


def test_history_requires_view_permission(past_window, django_user_model, client, alice):
    client.force_login(django_user_model.objects.create_user("bob", is_staff=True))
    url = reverse("admin:maintenance_windows_maintenancewindow_history", args=[past_window.pk])
    assert client.get(url).status_code == 403


def test_status_changes_forbid_edit_and_delete(past_window, browser):
    row = Transition.objects.first()
    name = "admin:maintenance_windows_transition"
    assert browser.get(reverse(f"{name}_add")).status_code == 403
    assert browser.get(reverse(f"{name}_delete", args=[row.pk])).status_code == 403
    assert browser.post(reverse(f"{name}_change", args=[row.pk]), {}).status_code == 403
    page = browser.get(reverse(f"{name}_changelist")).text
    assert "delete_selected" not in page
    assert f"window {past_window.pk} started as scheduled" in page
    assert Change.objects.count() == 2


def test_window_history_names_its_series(acme, browser):
    nightly = WindowSeries(
        rule="FREQ=DAILY",
        starts_on=TWO.date(),
        start_time=TWO.time(),
        zone="UTC",
        length=HOUR,
    )
    begun = series.repeat([acme], nightly, actor="bob")[0].series
    window = begun.windows.earliest("starts_at")
    (planned,) = story(browser, window)
    assert f"Window {window.pk} scheduled by recurring window {begun.pk}: " in planned


def test_history_of_series_tells_what_was_first_planned_and_changed(acme, browser, at):
    at(TWO - HOUR)
    nights = WindowSeries(
        rule="FREQ=DAILY", starts_on=TWO.date(), start_time=time(2), zone="UTC", length=2 * HOUR
    )
    begun = series.repeat([acme], nights, actor="bob")[0].series
    at(TWO - MINUTE)
    series.revise(
        begun.pk,
        rule="FREQ=WEEKLY;BYDAY=SU",
        start_time=time(3),
        length=HOUR,
        by_clock=True,
        zone="Europe/Berlin",
        level="read_only",
        banner_lead=timedelta(0),
        excluded=["2029-12-02", "2029-12-09"],
    )
    changed, created = story(browser, begun)
    assert "created: every day, from 02:00 for 2h, time zone UTC" in created
    for text in (
        "level Maintenance page → Read-only",
        "banner before the start 0",
        "end by the local clock no → yes",
        "skipped dates - → 2029-12-02, 2029-12-09",
    ):
        assert text in changed


def test_log_names_the_sites_of_a_freeze(acme, globex, at, capsys):
    at(TWO - HOUR)
    freezes.freeze([globex], starts_at=TWO, ends_at=FOUR, reason="Sale")
    freezes.freeze(None, starts_at=TWO, ends_at=FOUR, reason="Holidays")
    for sites, named in (
        (["globex.example"], {"globex.example", None}),
        (["acme.example"], {None}),
    ):
        call_command("maintenance", "log", *sites, "--json")
        assert {one["site"] for one in json.loads(capsys.readouterr().out)} == named
