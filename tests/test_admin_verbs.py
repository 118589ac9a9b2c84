"""The page of a window: its state, its verbs for each state and person, and their undo."""

import re
from datetime import timedelta
from html import unescape

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from maintenance_windows.models import Freeze, MaintenanceWindow, SiteMaintenance, WindowSeries
from maintenance_windows.planning import series, windows
from tests.helpers.pages import messages
from tests.helpers.times import FOUR, HOUR, MINUTE, TWO

LIST = "/admin/maintenance_windows/maintenancewindow/"
OVERVIEW = "/admin/maintenance_windows/"
VIEW = ["view_maintenancewindow", "view_windowseries"]
PLAN = ["add_maintenancewindow", "change_maintenancewindow", "change_windowseries"]
ROLES = {
    "viewer": VIEW,
    "planner": [*VIEW, *PLAN],
    "operator": [*VIEW, "operate_sitemaintenance"],
    "both": [*VIEW, *PLAN, "operate_sitemaintenance"],
}
PLANS, OPERATES, NOBODY = {"planner", "both"}, {"operator", "both"}, set()
# Which roles may do a verb in a state; where nobody may, the verb refuses it.
MATRIX = {
    "scheduled": {"start": OPERATES, "cancel": PLANS},
    "active": {"extend": OPERATES, "end": OPERATES},
    "completed": {},
    "cancelled": {"restore": PLANS},
}
VERBS = ("start", "end", "extend", "cancel", "restore")


def page_of(window: MaintenanceWindow) -> str:
    return f"{LIST}{window.pk}/change/"


def press(client: Client, window: MaintenanceWindow, verb: str, **values: str):
    minutes = {"minutes": "15"} if verb == "extend" else {}
    return client.post(f"{LIST}{window.pk}/verb/", {"verb": verb, **minutes, **values})


def forms(text: str) -> list[dict[str, str]]:
    """The forms on a page that a button submits, each with `action` and all that it sends."""
    found = []
    for action, body in re.findall(
        r'<form method="post" action="([^"]+)"[^>]*>(.*?)</form>', text, re.DOTALL
    ):
        hidden = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', body)
        fields = {name: unescape(value) for name, value in hidden}
        buttons = re.findall(r'<button[^>]*name="(verb)" value="([^"]+)"', body) or [("verb", "")]
        found += [{"action": action, **fields, **({n: v} if v else {})} for n, v in buttons]
    return found


def offered(text: str) -> set[str]:
    return {form["verb"] for form in forms(text) if "/verb/" in form["action"]}


def submit(client: Client, form: dict[str, str], **more: str):
    return client.post(form["action"], {**form, **more}, follow=True)


def undo(client: Client, answer):
    """Press the button in the message of a page."""
    (form,) = forms(messages(answer))
    return submit(client, form)


def in_state(window: MaintenanceWindow, state: str, at) -> MaintenanceWindow:
    match state:
        case "active":
            at(TWO + MINUTE)
        case "completed":
            at(TWO + MINUTE)
            windows.end(window.pk)
        case "cancelled":
            windows.cancel(window.pk, actor="bob")
    window.refresh_from_db()
    return window


def become(client: Client, role: str) -> None:
    user = User.objects.create_user(role, is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=ROLES[role]))
    client.force_login(user)


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("state", MATRIX)
def test_each_verb_in_each_state_for_each_role(acme, plan, client, at, state, role):
    window = in_state(plan(acme), state, at)
    become(client, role)
    allowed = {verb for verb, roles in MATRIX[state].items() if role in roles}
    assert offered(client.get(page_of(window)).text) == allowed
    if state == "scheduled" and role in OPERATES:
        allowed.add("extend")  # no button of the page, but an action of the list
    before = MaintenanceWindow.objects.values().get(pk=window.pk)
    for verb in VERBS:
        answer = press(client, window, verb)
        after = MaintenanceWindow.objects.values().get(pk=window.pk)
        assert (before != after) is (verb in allowed), verb
        may = role in (PLANS if verb in {"cancel", "restore"} else OPERATES)
        assert answer.status_code == (302 if may else 403), verb
        MaintenanceWindow.objects.filter(pk=window.pk).update(**before)


@pytest.mark.parametrize(
    ("state", "pill", "said"),
    [
        ("scheduled", "Scheduled", "Starts in 1 h, Sun 4 Nov 02:00–04:00 UTC"),
        ("active", "In progress", "Ends in 1 h 59 min, Sun 4 Nov"),
        ("completed", "Completed", "Ended 1 h 59 min early, Sun 4 Nov 02:01 UTC"),
        ("cancelled", "Cancelled", "Was planned for Sun 4 Nov 02:00–04:00 UTC, by bob"),
    ],
)
def test_page_says_state_and_what_happens_next(acme, plan, browser, at, state, pill, said):
    window = in_state(plan(acme, level="read_only"), state, at)
    text = browser.get(page_of(window)).text
    assert f'<strong class="mw-pill {state}">{pill}</strong>' in text
    assert said in text
    assert ("Visitors get: read-only site" in text) is (state in {"scheduled", "active"})
    assert f'href="{LIST}add/?like={window.pk}"' in text


def test_page_names_who_ended_the_window_and_one_that_ended_as_scheduled(acme, plan, browser, at):
    ended, over = plan(acme), plan(acme, TWO, TWO + HOUR)
    at(TWO + MINUTE)
    press(browser, ended, "end")
    at(FOUR)
    assert "early, Sun 4 Nov 02:01 UTC, by alice" in browser.get(page_of(ended)).text
    assert "Ended as scheduled" in browser.get(page_of(over)).text


@pytest.mark.parametrize(
    ("role", "state", "why"),
    [
        ("viewer", "scheduled", "You may view windows, not change them."),
        ("planner", "active", "In progress: only operators can change it."),
        ("both", "completed", "It has ended and can no longer be changed."),
        ("both", "cancelled", "It is cancelled: restore it to change it."),
    ],
)
def test_who_may_not_edit_is_told_why(acme, plan, client, at, role, state, why):
    window = in_state(plan(acme), state, at)
    become(client, role)
    text = client.get(page_of(window)).text
    assert why in text
    assert 'name="_save"' not in text


def test_add_and_change_page_have_the_same_order(acme, plan, browser):
    window = plan(acme)
    order = re.compile(
        r'<(?:input|textarea|select)[^>]* name="(starts_at|ends_at|level|message|title)(?:_0)?"'
    )
    pages = [browser.get(url).text for url in (f"{LIST}add/", page_of(window))]
    one, two = (list(dict.fromkeys(order.findall(text))) for text in pages)
    assert one == two == ["starts_at", "ends_at", "level", "message", "title"]


def test_dangerous_verbs_ask_first_and_name_the_consequence(acme, plan, browser, at):
    window = plan(acme)
    text = browser.get(page_of(window)).text
    assert "Takes acme.example down now instead, until Sun 4 Nov 04:00 UTC." in text
    at(TWO + MINUTE)
    text = browser.get(page_of(window)).text
    assert "Ends the window 1 h 59 min early. acme.example comes up" in text


def test_verb_returns_to_where_one_came_from(acme, plan, browser):
    window = plan(acme)
    back = f"{LIST}?q=acme"
    assert f'name="back" value="{back}"' in browser.get(f"{page_of(window)}?back={back}").text
    shown = f"{back}&saved={window.pk}"
    assert press(browser, window, "cancel", back=back).headers["Location"] == shown
    for url in ("", "https://evil.example/", "//evil.example/", "javascript:alert(1)"):
        answer = press(browser, window, "restore", back=url)
        assert answer.headers["Location"].startswith(page_of(window)), url
    assert f'value="{LIST}"' not in browser.get(f"{page_of(window)}?back=//evil.example/").text


@pytest.mark.parametrize(
    ("verb", "values", "status"),
    [
        ("extend", {"minutes": "x"}, 302),
        ("extend", {"minutes": "0"}, 302),
        ("extend", {"minutes": "²"}, 302),
        ("extend", {"minutes": "99999"}, 302),
        ("extend", {"seen": "never"}, 302),
        ("undo_cancel", {}, 302),
        ("undo_extend", {"seen": "2029-13-45", "before": "2029-11-04T02:00"}, 302),
        ("destroy", {}, 404),
    ],
)
def test_odd_buttons_change_nothing(acme, plan, browser, at, verb, values, status):
    window = plan(acme)
    at(TWO + MINUTE)
    browser.get(page_of(window))
    before = list(MaintenanceWindow.objects.values())
    assert press(browser, window, verb, **values).status_code == status
    assert list(MaintenanceWindow.objects.values()) == before
    assert browser.get(f"{LIST}{window.pk}/verb/").headers["Location"] == page_of(window)
    assert browser.post(f"{LIST}0/verb/", {"verb": "end"}).status_code == 404
    assert Client(enforce_csrf_checks=True).post(f"{LIST}{window.pk}/verb/").status_code == 403


def test_extend_adds_once_however_often_the_button_is_pressed(acme, plan, browser, at):
    window = plan(acme)
    at(TWO + MINUTE)
    (form,) = [f for f in forms(browser.get(page_of(window)).text) if f.get("minutes") == "30"]
    assert "extended by 30 min, now ends at Sun 4 Nov 04:30 UTC." in messages(submit(browser, form))
    assert "has been changed since: it ends at" in messages(submit(browser, form))
    window.refresh_from_db()
    assert window.ends_at == FOUR + 30 * MINUTE


def test_undo_of_cancel_restores(acme, plan, browser):
    window = plan(acme)
    answer = browser.post(f"{LIST}{window.pk}/verb/", {"verb": "cancel"}, follow=True)
    assert "Window on acme.example, Sun 4 Nov" in messages(answer)
    assert "restored." in messages(undo(browser, answer))
    window.refresh_from_db()
    assert window.cancelled_at is None


def test_undo_of_extend_puts_the_end_back(acme, plan, browser, at):
    window = plan(acme)
    at(TWO + MINUTE)
    answer = browser.post(
        f"{LIST}{window.pk}/verb/", {"verb": "extend", "minutes": "60"}, follow=True
    )
    assert "ends at Sun 4 Nov 04:00 UTC again." in messages(undo(browser, answer))
    window.refresh_from_db()
    assert window.ends_at == FOUR


def test_undo_of_end_goes_on_until_the_same_end(acme, plan, browser, at):
    window = plan(acme, title="Disks", message="New disks.", level="read_only")
    at(TWO + MINUTE)
    answer = browser.post(f"{LIST}{window.pk}/verb/", {"verb": "end"}, follow=True)
    assert not SiteMaintenance.objects.get(pk=acme.pk).in_maintenance
    at(TWO + 2 * MINUTE)
    said = messages(undo(browser, answer))
    new = MaintenanceWindow.objects.exclude(pk=window.pk).get()
    assert f"goes on as window {new.pk}. Window {window.pk} stays in the history." in said
    assert (new.starts_at, new.ends_at) == (TWO + 2 * MINUTE, FOUR)
    assert (new.title, new.message, new.level) == ("Disks", "New disks.", "read_only")
    flag = SiteMaintenance.objects.get(pk=acme.pk)
    assert (flag.in_maintenance, flag.until, flag.level) == (True, FOUR, "read_only")


def test_undo_of_end_works_once(acme, plan, browser, at):
    """A second click, or an old page once the site is up again, takes it down no more."""
    window = plan(acme)
    at(TWO + MINUTE)
    answer = browser.post(f"{LIST}{window.pk}/verb/", {"verb": "end"}, follow=True)
    undo(browser, answer)
    new = MaintenanceWindow.objects.exclude(pk=window.pk).get()
    said = f"Window {window.pk} goes on as window {new.pk} already: nothing was undone."
    assert said in messages(undo(browser, answer))
    at(TWO + 2 * MINUTE)
    windows.end(new.pk)
    assert said in messages(undo(browser, answer))
    assert MaintenanceWindow.objects.count() == 2
    assert not SiteMaintenance.objects.get(pk=acme.pk).in_maintenance


@pytest.mark.parametrize(
    ("verb", "meanwhile", "said"),
    [
        ("cancel", lambda w: windows.restore(w.pk), "has been changed since: nothing was undone."),
        ("extend", lambda w: windows.extend(w.pk, by=HOUR), "has been changed since"),
        ("extend", lambda w: windows.end(w.pk), "has ended and can no longer be changed."),
        ("end", lambda _w: None, "The time of window"),
    ],
)
def test_undo_refuses_what_somebody_changed_since(acme, plan, browser, at, verb, meanwhile, said):
    window = plan(acme)
    at(TWO - MINUTE if verb == "cancel" else TWO + MINUTE)
    values = {"verb": verb, "minutes": "15"}
    answer = browser.post(f"{LIST}{window.pk}/verb/", values, follow=True)
    if verb == "end":
        at(FOUR)
    meanwhile(window)
    before = list(MaintenanceWindow.objects.values())
    assert said in messages(undo(browser, answer))
    assert list(MaintenanceWindow.objects.values()) == before


def test_undo_of_extend_is_refused_once_the_earlier_end_has_passed(acme, plan, browser, at):
    window = plan(acme)
    at(FOUR - MINUTE)
    answer = browser.post(
        f"{LIST}{window.pk}/verb/", {"verb": "extend", "minutes": "15"}, follow=True
    )
    at(FOUR + MINUTE)
    assert "has passed: end it now instead." in messages(undo(browser, answer))


def test_undo_needs_the_same_permission(acme, plan, browser, at, client):
    window = plan(acme)
    answer = browser.post(f"{LIST}{window.pk}/verb/", {"verb": "cancel"}, follow=True)
    (form,) = forms(messages(answer))
    become(client, "operator")
    assert client.post(form["action"], form).status_code == 403


def test_planner_restores_only_what_is_ahead(acme, plan, client, at):
    window = in_state(plan(acme), "cancelled", at)
    at(TWO + MINUTE)
    become(client, "planner")
    assert offered(client.get(page_of(window)).text) == set()
    press(client, window, "restore")
    window.refresh_from_db()
    assert window.cancelled_at
    become(client, "both")
    assert "takes acme.example down now" in client.get(page_of(window)).text
    press(client, window, "restore")
    assert SiteMaintenance.objects.get(pk=acme.pk).in_maintenance


def test_message_of_a_verb_names_a_freeze(acme, plan, browser):
    window = plan(acme)
    Freeze.objects.create(everywhere=True, starts_at=TWO, ends_at=FOUR, reason="Sale")
    answer = browser.post(f"{LIST}{window.pk}/verb/", {"verb": "start"}, follow=True)
    assert "This is in a freeze: Sale." in messages(answer)


def test_texts_of_people_are_escaped(acme, plan, browser):
    window = plan(acme, title="<script>alert(1)</script>")
    answer = browser.post(f"{LIST}{window.pk}/verb/", {"verb": "cancel"}, follow=True)
    assert "&lt;script&gt;" in answer.text
    assert "<script>alert(1)" not in answer.text


@pytest.fixture
def nightly(acme, browser) -> WindowSeries:
    template = WindowSeries(
        rule="FREQ=DAILY", starts_on=TWO.date(), start_time=TWO.time(), zone="UTC", length=HOUR
    )
    (change,) = series.repeat([acme], template, clock=lambda: TWO - HOUR)
    return change.series


def test_undo_of_extend_lets_an_occurrence_follow_its_series_again(nightly, browser, at):
    window = nightly.windows.get(occurs_on=TWO.date())
    at(TWO + MINUTE)
    answer = browser.post(
        f"{LIST}{window.pk}/verb/", {"verb": "extend", "minutes": "15"}, follow=True
    )
    undo(browser, answer)
    window.refresh_from_db()
    assert (window.ends_at, window.edited) == (TWO + HOUR, "")


def test_clicks_from_the_overview(nightly, browser):
    """The next one is skipped by two clicks, and any other of the next ones by three."""
    (tonight, tomorrow) = nightly.windows.order_by("starts_at")[:2]
    links = re.findall(r'href="([^"]+)"', browser.get(OVERVIEW).text)
    link = next(unescape(url) for url in links if url.split("?")[0] == page_of(tonight))
    page = browser.get(link).text
    (skip,) = [form for form in forms(page) if form.get("verb") == "cancel"]
    assert ">Skip</button>" in page
    submit(browser, skip)
    tonight.refresh_from_db()
    assert tonight.cancelled_at
    link = f"/admin/maintenance_windows/windowseries/{nightly.pk}/change/"
    assert f'href="{link}"' in page
    day = (TWO + timedelta(days=1)).date().isoformat()
    buttons = forms(browser.get(link).text)
    (skip,) = [one for one in buttons if (one.get("verb"), one.get("date")) == ("skip", day)]
    submit(browser, skip)
    tomorrow.refresh_from_db()
    assert tomorrow.cancelled_at
