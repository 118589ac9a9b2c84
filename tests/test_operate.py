"""The sites of the overview: what each row says and offers, what the forms do, and undo."""

import re
from html import unescape

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.test import Client

from maintenance_windows.models import MaintenanceWindow, SiteMaintenance, Transition
from maintenance_windows.planning import windows
from maintenance_windows.planning.sites import bring_up, take_down
from maintenance_windows.reconcile.tick import tick
from maintenance_windows.snapshot import runtime
from tests.helpers.pages import messages
from tests.helpers.times import FOUR, HOUR, MINUTE, TWO

OVERVIEW = "/admin/maintenance_windows/"
OPERATE = "/admin/maintenance_windows/sitemaintenance/operate/"
HALF = {"verb": "down", "length": "30m"}
OPEN = {"verb": "down", "length": "open"}
UP = {"verb": "up"}
EXTEND = {"verb": "extend", "minutes": "30"}


def text(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", unescape(html)).split())


def row(page: str, site) -> str:
    start = page.index(f'id="site-{site.pk}"')
    return page[start : page.index("</article>", start)]


def facts(page: str, site) -> str:
    """The text of a row before its buttons."""
    return text(row(page, site).partition('<div class="do">')[0].partition(">")[2])


def forms(page: str, site) -> list[str]:
    return re.findall(r"<form.*?</form>", row(page, site), re.DOTALL)


def shown(browser, site) -> dict[str, object]:
    page = row(browser.get(f"{OVERVIEW}?q=ac").text, site)
    fields = dict(re.findall(r'name="(site|back|shown)" value="([^"]*)"', page))
    return {name: unescape(value) for name, value in fields.items()}


def press(browser, site, /, **button: str):
    """Submit a form of the site from the current page."""
    return browser.post(OPERATE, shown(browser, site) | button, follow=True)


def proposed_level(browser, site) -> list[str]:
    page = row(browser.get(OVERVIEW).text, site)
    return re.findall(r'name="level" value="(\w+)" checked', page)


def undo(browser, answer):
    token = re.search(r'form="mw-undo" name="undo" value="([^"]*)"', messages(answer))[1]
    return browser.post(OPERATE, {"undo": token, "back": OVERVIEW}, follow=True)


def told(answer) -> str:
    return text(messages(answer))


@pytest.fixture
def bob(browser) -> Client:
    """A colleague."""
    client = Client()
    client.force_login(User.objects.create_superuser("bob"))
    return client


# What the page says


def test_headline_counts_sites_and_names_next_window(acme, globex, plan, at, browser, settings):
    def headline() -> str:
        return text(
            re.search(r'<div class="headline.*?</p>', browser.get(OVERVIEW).text, re.DOTALL)[0]
        )

    assert headline() == (
        "All 3 sites are up. Nothing is scheduled. The scheduler has not run yet."
    )
    tick()
    plan(acme, title="Disks")
    plan(globex, TWO + 26 * HOUR, TWO + 27 * HOUR, level="read_only")
    at(TWO - 4 * MINUTE)
    assert "Next: acme.example , 02:00 today, in 4 min." in headline()
    assert "Scheduler not running since 01:00 today." in headline()
    at(TWO)
    tick()
    assert headline() == (
        "1 of 3 sites is down. Next: globex.example , 04:00 tomorrow, in 1 d 2 h."
        " Scheduler OK, 0 s ago."
    )
    take_down([globex], level="read_only")
    assert headline().startswith("1 of 3 sites is down. 1 is read-only. Next:")
    settings.MAINTENANCE_FORCE = "on"
    assert headline().startswith("MAINTENANCE_FORCE is on: every site is down.")


def test_rows_say_state_end_cause_and_person(acme, globex, plan, at, browser):
    plan(acme, title="Disk swap", actor="anna")
    plan(globex, TWO + 54 * HOUR, TWO + 55 * HOUR)
    page = browser.get(OVERVIEW).text
    assert facts(page, acme) == "acme.example Up next 02:00 today"
    assert facts(page, globex) == "globex.example Up next Tue 6 Nov 08:00"
    assert page.index('id="mw-down"') < page.index('id="mw-coming"')
    assert page.index('id="mw-coming"') < page.index('id="board-timeline"')
    assert page.index('id="board-timeline"') < page.index(f'id="site-{acme.pk}"')
    assert "02:00 today acme.example in 1 h · for 2 h · Disk swap · anna" in text(page)
    at(TWO + 24 * MINUTE)
    take_down([globex], level="read_only", actor="bob")
    page = browser.get(OVERVIEW).text
    assert facts(page, acme) == (
        "acme.example Down · 1 h 36 min left until 04:00 today · Disk swap · anna"
    )
    assert facts(page, globex) == (
        "globex.example Read-only until someone brings it up · held by bob"
    )
    assert page.index(f'id="site-{globex.pk}"') < page.index('id="mw-coming"')


def test_early_start_names_its_person(acme, plan, at, browser):
    window = plan(acme, actor="anna")
    at(TWO - MINUTE)
    windows.start(window.pk, actor="bob")
    assert facts(browser.get(OVERVIEW).text, acme).endswith("until 04:00 today · bob")


def test_hold_with_sql_names_nobody(acme, browser):
    take_down([acme], actor="bob")
    SiteMaintenance.objects.filter(pk=acme.pk).update(in_maintenance=False)
    tick()
    SiteMaintenance.objects.filter(pk=acme.pk).update(in_maintenance=True, until=None)
    tick()
    assert facts(browser.get(OVERVIEW).text, acme).endswith("until someone brings it up · held")


def test_each_form_has_one_verb_and_names_its_site(acme, plan, at, browser):
    plan(acme, title="Disk swap")
    at(TWO)
    for form in forms(browser.get(OVERVIEW).text, acme):
        verbs = set(re.findall(r'name="(?:verb|make)" value="(\w+)"', form))
        assert len(verbs) == 1, form
        assert "acme.example" in text(form)
        # Enter in a box would send the form, and only a text area takes it for itself.
        assert not re.findall(r'<input(?! type="(?:hidden|radio)")', form)
    up = next(form for form in forms(browser.get(OVERVIEW).text, acme) if 'value="up"' in form)
    assert text(up).startswith("Bring acme.example up now? Ends “Disk swap” 2 h early.")


def test_nothing_is_chosen_for_how_long(acme, at, browser):
    page = row(browser.get(OVERVIEW).text, acme)
    lengths = re.findall(r'<input type="radio" name="length"[^>]*>', page)
    assert len(lengths) == 4
    assert not any("checked" in one for one in lengths)
    assert all("required" in one for one in lengths)
    assert told(press(browser, acme, verb="down")) == "Choose for how long."
    assert not SiteMaintenance.objects.get(pk=acme.pk).in_maintenance


def test_part_has_overview_without_menus_and_leaves_messages(acme, at, browser):
    browser.post(OPERATE, shown(browser, acme) | OPEN)
    part = browser.get(f"{OVERVIEW}overview/part/?q=ac&back={OVERVIEW}%3Fq%3Dac")
    assert facts(part.text, acme).startswith("acme.example Down")
    assert 'name="back" value="/admin/maintenance_windows/?q=ac"' in part.text
    assert "<body" not in part.text
    assert "is down until" in told(browser.get(OVERVIEW))


# What the forms do


def test_take_down_holds_site_until_brought_up(acme, at, browser, visit):
    assert visit().status_code == 200
    answer = press(browser, acme, **OPEN, level="full", message="Back soon.")
    down = "acme.example is down until someone brings it up (taken down by alice at 01:00 today)."
    assert told(answer) == f"{down} Undo"
    assert answer.redirect_chain == [(f"{OVERVIEW}?q=ac#site-{acme.pk}", 302)]
    assert "Back soon." in visit().text
    answer = press(browser, acme, **UP)
    assert told(answer) == "acme.example is up. Undo"
    assert answer.redirect_chain == [(f"{OVERVIEW}?q=ac&kept={acme.pk}#site-{acme.pk}", 302)]
    assert answer.text.index(f'id="site-{acme.pk}"') < answer.text.index('id="mw-coming"')
    assert facts(answer.text, acme) == "acme.example Up"
    assert visit().status_code == 200
    assert set(Transition.objects.values_list("actor", flat=True)) == {"alice"}
    said = LogEntry.objects.order_by("pk").values_list("change_message", flat=True)
    assert list(said) == [down, "acme.example is up."]


def test_take_down_for_a_time(acme, at, browser, visit):
    answer = press(browser, acme, **HALF, level="read_only")
    assert told(answer) == "acme.example is read-only until 01:30 today (alice). Undo"
    assert (visit().status_code, visit(method="POST").status_code) == (200, 503)
    assert visit(method="POST").headers["Retry-After"] == "1800"


def test_read_only_is_not_called_down(acme, at, browser):
    assert "is read-only until someone" in told(press(browser, acme, **OPEN, level="read_only"))


def test_held_site_gets_level_or_end(acme, at, browser, visit):
    take_down([acme], level="read_only", message="Back soon.")
    assert "Set an end for acme.example" in text(row(browser.get(OVERVIEW).text, acme))
    press(browser, acme, **OPEN, level="full", message="Back soon.")
    assert visit().status_code == 503
    answer = press(browser, acme, **HALF)
    assert told(answer) == "acme.example is down until 01:30 today (alice). Undo"
    assert visit().headers["Retry-After"] == "1800"
    assert "Back soon." in visit().text
    undo(browser, answer)
    assert visit().headers["Retry-After"] == "300"
    assert "Back soon." in visit().text


def test_extend_moves_end_of_outage(acme, plan, at, browser, visit):
    plan(acme)
    last = plan(acme, FOUR, FOUR + HOUR)
    at(TWO)
    answer = press(browser, acme, **EXTEND)
    assert told(answer) == ("Extended by 30 min. acme.example is down until 05:30 today. Undo")
    last.refresh_from_db()
    assert last.ends_at == FOUR + HOUR + 30 * MINUTE
    assert told(undo(browser, answer)) == "Undone. acme.example is down until 05:00 today."
    last.refresh_from_db()
    assert last.ends_at == FOUR + HOUR


def test_bring_up_ends_hold_and_windows(acme, plan, at, browser, visit):
    plan(acme, title="Disk swap", message="New disks.")
    at(TWO + 24 * MINUTE)
    take_down([acme], actor="bob")
    page = row(browser.get(OVERVIEW).text, acme)
    assert "End now" not in page
    assert "Ends the hold by bob. Ends “Disk swap” 1 h 36 min early." in text(page)
    answer = press(browser, acme, **UP)
    assert told(answer) == "“Disk swap” ended 1 h 36 min early. acme.example is up. Undo"
    assert visit().status_code == 200
    at(TWO + 25 * MINUTE)
    assert told(undo(browser, answer)).startswith("Undone. acme.example is down until someone")
    flag = SiteMaintenance.objects.get(pk=acme.pk)
    assert (flag.held, flag.held_by) == (True, "alice")
    again = MaintenanceWindow.objects.latest("pk")
    assert (again.starts_at, again.ends_at) == (TWO + 25 * MINUTE, FOUR)
    assert (again.title, again.message, again.created_by) == ("Disk swap", "New disks.", "alice")
    states = Transition.objects.order_by("pk").values_list("in_maintenance", flat=True)
    assert list(states) == [True, False, True]


@pytest.mark.parametrize("down", [HALF, OPEN])
def test_undo_of_take_down_brings_up(acme, at, browser, visit, down):
    answer = press(browser, acme, **down)
    assert visit().status_code == 503
    assert told(undo(browser, answer)) == "Undone. acme.example is up."
    assert visit().status_code == 200
    answer = undo(browser, answer)
    assert told(answer).startswith("Nothing changed: acme.example is no longer as this page")


def test_undo_of_hold_leaves_window(acme, plan, at, browser, visit):
    plan(acme)
    at(TWO)
    answer = press(browser, acme, **OPEN)
    assert visit().headers["Retry-After"] == "300"
    undo(browser, answer)
    assert visit().headers["Retry-After"] == "7200"


def test_undo_comes_too_late(acme, plan, at, browser):
    plan(acme)
    at(FOUR - MINUTE)
    answer = press(browser, acme, **EXTEND)
    at(FOUR + MINUTE)
    assert told(undo(browser, answer)) == (
        "The end before the change has passed: bring the site up instead."
    )
    at(FOUR + 2 * HOUR)
    assert told(undo(browser, answer)) == "This can no longer be undone."
    assert told(browser.post(OPERATE, {"undo": "guess"}, follow=True)) == (
        "This can no longer be undone."
    )


def test_undo_belongs_to_its_person(acme, at, browser, bob, visit):
    answer = press(browser, acme, **OPEN)
    assert told(undo(bob, answer)) == "This can no longer be undone."
    assert visit().status_code == 503


def test_forced_state_is_said(acme, at, browser, settings):
    settings.MAINTENANCE_FORCE = "on"
    assert "Every site is DOWN: MAINTENANCE_FORCE is on." in told(press(browser, acme, **UP))


# What a page that is not of now may not do


CHANGES = {
    "took it down for a time": lambda acme, _window: take_down(
        [acme], until=TWO + 20 * MINUTE, actor="anna"
    ),
    "held it": lambda acme, _window: take_down([acme], actor="anna"),
    "held it read-only": lambda acme, _window: take_down([acme], level="read_only", actor="anna"),
    "extended it": lambda _acme, window: windows.extend(window.pk, by=HOUR, actor="anna"),
    "changed the level": lambda _acme, window: windows.revise(
        window.pk, level="read_only", actor="anna"
    ),
}


@pytest.mark.parametrize("button", [HALF, OPEN, UP, EXTEND], ids=str)
@pytest.mark.parametrize("change", CHANGES)
def test_stale_page_refuses_each_verb(acme, plan, at, browser, visit, change, button):
    window = plan(acme)
    at(TWO)
    page = shown(browser, acme)
    at(TWO + MINUTE)
    CHANGES[change](acme, window)
    before = [*MaintenanceWindow.objects.values(), *SiteMaintenance.objects.values()]
    answer = browser.post(OPERATE, page | button, follow=True)
    assert told(answer).startswith(
        "Nothing changed: acme.example is no longer as this page showed it. acme.example is "
    )
    assert [*MaintenanceWindow.objects.values(), *SiteMaintenance.objects.values()] == before
    assert "Undo" not in told(answer)


def test_stale_page_names_who_took_site_down(acme, at, browser, visit):
    page = shown(browser, acme)
    take_down([acme], until=TWO, actor="anna")
    assert told(browser.post(OPERATE, page | OPEN, follow=True)).endswith(
        "acme.example is down until 02:00 today (anna)."
    )
    assert visit().headers["Retry-After"] == "3600"


def test_stale_page_names_who_brought_site_up(acme, at, browser, visit):
    take_down([acme], actor="anna")
    page = shown(browser, acme)
    bring_up([acme], actor="bob")
    assert told(browser.post(OPERATE, page | HALF, follow=True)).endswith(
        "bob brought acme.example up at 01:00 today."
    )
    assert visit().status_code == 200
    assert told(browser.post(OPERATE, page | UP, follow=True)) == "acme.example is up."


def test_undo_refuses_what_somebody_changed_since(acme, at, browser, visit):
    answer = press(browser, acme, **HALF)
    take_down([acme], actor="anna")
    assert told(undo(browser, answer)).startswith("Nothing changed: acme.example")
    assert visit().headers["Retry-After"] == "300"


def test_page_of_earlier_window_cannot_end_later_one(acme, plan, at, browser, visit):
    plan(acme)
    plan(acme, FOUR + MINUTE, FOUR + 24 * HOUR)
    at(TWO)
    page = shown(browser, acme)
    at(FOUR + MINUTE)
    runtime.publish()
    for button in (UP, EXTEND):
        answer = browser.post(OPERATE, page | button, follow=True)
        assert told(answer).startswith("Nothing changed: acme.example")
    assert visit().status_code == 503


def test_time_alone_makes_no_page_stale(acme, plan, at, browser):
    plan(acme)
    plan(acme, TWO, FOUR + HOUR)
    at(TWO)
    page = shown(browser, acme)
    at(FOUR + MINUTE)
    assert told(browser.post(OPERATE, page | EXTEND, follow=True)).startswith("Extended by 30 min.")


def test_extend_without_window_gives_error(acme, at, browser):
    assert told(press(browser, acme, **EXTEND)) == "No window of acme.example is in progress."


@pytest.mark.parametrize(
    "button",
    [
        {},
        {"verb": "delete"},
        {"verb": "extend"},
        {"verb": "extend", "minutes": "7"},
        {"verb": "down", "length": "soon"},
        {"verb": "down", "length": "30m", "level": "half"},
        {"verb": "up", "site": "999999"},
        {"verb": "up", "site": "\0"},
    ],
)
def test_invalid_submission_gives_error_and_changes_nothing(acme, at, browser, button):
    answer = press(browser, acme, **button)
    assert [message.level_tag for message in answer.context["messages"]] == ["error"]
    assert not SiteMaintenance.objects.filter(in_maintenance=True).exists()


def test_get_changes_nothing(acme, at, browser):
    answer = browser.get(OPERATE, {"site": acme.pk, **OPEN})
    assert answer.headers["Location"] == OVERVIEW
    assert not SiteMaintenance.objects.get(pk=acme.pk).in_maintenance


def test_redirect_rejects_foreign_hosts(acme, at, browser):
    sent = {"site": acme.pk, "back": "//evil.example/"}
    answer = browser.post(OPERATE, sent | UP)
    assert answer.headers["Location"] == f"{OVERVIEW}#site-{acme.pk}"


def test_site_that_came_up_stays_beyond_the_page(acme, at, browser):
    answer = browser.get(f"{OVERVIEW}?q=nobody&kept={acme.pk}")
    assert facts(answer.text, acme) == "acme.example Up"
    assert browser.get(f"{OVERVIEW}?kept=\0").status_code == 200


def test_forms_propose_the_level_that_visitors_get(acme, plan, browser, at):
    assert proposed_level(browser, acme) == ["full"]
    take_down([acme], level="read_only", clock=lambda: TWO - HOUR)
    assert proposed_level(browser, acme) == ["read_only"]
    bring_up([acme], clock=lambda: TWO - HOUR)
    plan(acme, level="read_only")
    at(TWO + MINUTE)
    assert proposed_level(browser, acme) == ["read_only"]


def test_message_says_when_full_closure_becomes_read_only(acme, plan, browser, at):
    plan(acme, level="read_only")
    at(TWO + MINUTE)
    answer = press(browser, acme, **HALF, level="full")
    said = "acme.example is down until 02:31 today, then read-only until 04:00 today"
    assert said in messages(answer)
    plan(acme, FOUR - HOUR, FOUR)  # full once more, so that is not all there is to say
    answer = press(browser, acme, **HALF, level="full")
    assert "acme.example is down until 04:00 today" in messages(answer)
