"""Bypass links: their site, their validity and their revocation."""

import logging
import re
from io import StringIO
from urllib.parse import urlsplit

import pytest
from django.contrib.auth.models import Permission, User
from django.contrib.sites.models import Site
from django.core import signing
from django.core.management import CommandError, call_command
from django.db.models import F

from maintenance_windows.exceptions import Refused
from maintenance_windows.http.tokens import COOKIE, SALT
from maintenance_windows.models import BypassLink, MaintenanceWindow, SiteMaintenance
from maintenance_windows.planning import bypass, windows
from maintenance_windows.planning.sites import bring_up, take_down
from maintenance_windows.reconcile.tick import tick
from maintenance_windows.snapshot import runtime
from tests.helpers.times import FOUR, HOUR, MINUTE, SECOND, TWO
from tests.test_outage import Outage, outage  # noqa: F401 (a fixture)

pytestmark = pytest.mark.any_database


def run(*words: str) -> str:
    out = StringIO()
    call_command("maintenance", "bypass", *words, stdout=out)
    return out.getvalue().strip()


def path_of(*words: str) -> str:
    return urlsplit(run(*words)).path


def cookie_of(answer) -> dict[str, str]:
    return {COOKIE: answer.cookies[COOKIE].value}


def test_link_lets_browser_through_until_end(acme, plan, at, visit):
    plan(acme)
    at(TWO)
    url = run("acme.example")
    assert url.startswith("https://acme.example/maintenance/bypass/")
    answer = visit(urlsplit(url).path)
    assert (answer.status_code, answer.headers["Location"]) == (302, "/")
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    inside = visit(cookies=cookie_of(answer))
    assert inside.status_code == 200
    assert inside.headers["Cache-Control"] == "private, no-store"
    windows.extend(MaintenanceWindow.objects.get().pk, until=FOUR + HOUR)
    at(FOUR + MINUTE)
    assert visit().status_code == 200
    assert visit(cookies={COOKIE: ""}).status_code == 503


@pytest.mark.parametrize(("scheme", "secure"), [("http", ""), ("https", True)])
def test_cookie_attributes_are_restrictive(acme, plan, at, visit, scheme, secure):
    plan(acme)
    at(TWO)
    cookie = visit(path_of("acme.example"), scheme=scheme).cookies[COOKIE]
    assert (cookie["httponly"], cookie["secure"], cookie["samesite"]) == (True, secure, "Lax")
    assert (cookie["domain"], cookie["path"], cookie["max-age"]) == ("", "/", "")
    cookie = visit(path_of("acme.example", "--for", "30m"), scheme=scheme).cookies[COOKIE]
    assert cookie["max-age"] == 1800


def test_link_is_valid_for_one_outage(acme, plan, at, visit):
    plan(acme)
    plan(acme, FOUR, FOUR + HOUR)  # touches, so it is the same
    plan(acme, FOUR + 2 * HOUR, FOUR + 3 * HOUR)
    at(TWO - 10 * MINUTE)
    cookies = cookie_of(visit(path_of("acme.example")))
    for moment in (TWO, FOUR):
        at(moment)
        runtime.publish()
        assert visit(cookies=cookies).status_code == 200
    at(FOUR + 2 * HOUR)
    runtime.publish()
    assert visit().status_code == 503


def test_link_expires_when_held_site_comes_up(acme, at, visit):
    at(TWO)
    take_down([acme])
    cookies = cookie_of(visit(path_of("acme.example")))
    at(TWO + HOUR)
    take_down([acme], message="Longer.")
    assert visit(cookies=cookies).status_code == 200
    bring_up([acme])
    at(TWO + 2 * HOUR)
    take_down([acme])
    assert visit().status_code == 503


def test_link_expires_after_given_duration(acme, at, visit):
    at(TWO)
    path = path_of("acme.example", "--for", "30m")
    take_down([acme])
    cookies = cookie_of(visit(path))
    at(TWO + 30 * MINUTE - SECOND)
    assert visit(cookies=cookies).status_code == 200
    at(TWO + 30 * MINUTE)
    assert visit().status_code == 503
    assert visit(path).status_code == 503


def test_link_without_maintenance_requires_duration(acme, at):
    at(TWO)
    with pytest.raises(CommandError) as refusal:
        run("acme.example")
    assert str(refusal.value) == (
        "acme.example is up and has no window: specify how long the link is valid."
    )


def test_link_requires_url_configuration(acme, at, settings):
    settings.ROOT_URLCONF = __name__
    at(TWO)
    with pytest.raises(CommandError, match=r"need maintenance_windows\.urls"):
        run("acme.example", "--for", "1h")


urlpatterns: list[object] = []


def test_revoke_invalidates_links_immediately(acme, globex, plan, at, visit, caplog):
    plan(acme)
    plan(globex)
    at(TWO)
    before = SiteMaintenance.objects.get(pk=acme.pk).bypass
    mine, theirs = path_of("acme.example"), path_of("globex.example")
    cookies = cookie_of(visit(mine))
    assert visit(cookies=cookies).status_code == 200
    caplog.set_level(logging.INFO)
    assert run("acme.example", "--revoke") == "acme.example: all bypass links revoked"
    assert visit().status_code == 503
    assert visit(mine).status_code == 503
    assert visit(theirs, host="globex.example").status_code == 302
    assert visit(path_of("acme.example")).status_code == 302
    assert "bypass links of acme.example revoked by" in caplog.text
    assert SiteMaintenance.objects.get(pk=acme.pk).bypass > before


def test_invalid_token_gets_503(acme, globex, plan, at, visit, settings):
    plan(acme)
    plan(globex)
    at(TWO)
    path = path_of("acme.example")
    good = path.split("/")[-2]
    payload = signing.loads(good, salt=SALT)
    key, settings.SECRET_KEY = settings.SECRET_KEY, "another"
    stranger = signing.dumps(payload, salt=SALT)
    settings.SECRET_KEY = key
    forged = {
        "another site's": path_of("globex.example").split("/")[-2],
        "another key's": stranger,
        "another purpose's": signing.dumps(payload),
        "changed": "x" + good,
        "cut": good[:-1],
        "unsigned": good.split(":")[0],
        "nothing": "x",
        "unreadable": "\u00e9",
        "long": "x" * 3000,
    }
    with_a_time = path_of("globex.example", "--for", "2h").split("/")[-2]
    forged["another site's, for a time"] = with_a_time
    for what, token in forged.items():
        answer = visit(f"/maintenance/bypass/{token}/")
        assert (answer.status_code, COOKIE in answer.cookies) == (503, False), what
        assert answer.headers["Referrer-Policy"] == "no-referrer"
    for what, token in forged.items():
        if token.isascii():
            assert visit(cookies={COOKIE: token}).status_code == 503, what
    assert visit(cookies={COOKIE: good}).status_code == 200


def test_links_survive_secret_key_rotation(acme, plan, at, visit, settings):
    plan(acme)
    at(TWO)
    path = path_of("acme.example")
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "the next one"
    assert visit(path).status_code == 302


def test_links_work_without_database(acme, plan, at, visit, outage):  # noqa: F811
    plan(acme)
    at(TWO)
    path = path_of("acme.example")
    assert visit().status_code == 503
    with outage():
        answer = visit(path)
        assert visit(cookies=cookie_of(answer)).status_code == 200
        assert visit(cookies={COOKIE: "forged"}).status_code == 503


def test_logs_contain_no_token(acme, plan, at, visit, caplog):
    caplog.set_level(logging.DEBUG)
    plan(acme)
    at(TWO)
    path = path_of("acme.example")
    visit(path)
    visit(path.replace("bypass/", "bypass/x"))
    assert path.split("/")[-2] not in caplog.text


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_link_accepts_get_only(acme, plan, at, visit, method):
    plan(acme)
    at(TWO)
    assert visit(path_of("acme.example"), method=method).status_code == 405


def test_truncated_link_stays_out_of_logs(acme, plan, at, visit, caplog):
    caplog.set_level(logging.DEBUG)
    path = path_of("acme.example", "--for", "2h")
    for moment in (TWO - HOUR, TWO):
        at(moment)
        visit(path, method="POST")
        for end in ("", "/.", "/x/", "./"):
            answer = visit(path.removesuffix("/") + end)
            assert answer.headers["Referrer-Policy"] == "no-referrer"
        if moment < TWO:
            plan(acme)
            runtime.publish()
    assert path.split("/")[-2] not in caplog.text


def test_link_for_held_site_is_invalid_in_later_window(acme, plan, at, visit):
    plan(acme, TWO + 6 * HOUR, TWO + 8 * HOUR)
    at(TWO)
    take_down([acme])
    cookies = cookie_of(visit(path_of("acme.example")))
    bring_up([acme])
    at(TWO + 6 * HOUR)
    runtime.publish()
    assert visit(cookies=cookies).status_code == 503


def test_link_expires_when_outage_ends_early(acme, plan, at, visit):
    first, second = plan(acme), plan(acme, FOUR, FOUR + HOUR)
    at(TWO)
    cookies = cookie_of(visit(path_of("acme.example")))
    at(TWO + MINUTE)
    windows.end(first.pk)
    windows.move(second.pk, starts_at=FOUR + 5 * HOUR, ends_at=FOUR + 6 * HOUR)
    at(FOUR + 5 * HOUR)
    runtime.publish()
    assert visit(cookies=cookies).status_code == 503


@pytest.mark.parametrize("more", ["hold", "window"])
def test_link_stays_valid_while_outage_continues(acme, plan, at, visit, more):
    plan(acme)
    at(TWO)
    cookies = cookie_of(visit(path_of("acme.example")))
    at(TWO + HOUR)
    tick()
    if more == "hold":
        take_down([acme])
    else:
        plan(acme, TWO + HOUR, FOUR + HOUR)
    at(FOUR + MINUTE)
    tick()
    runtime.publish()
    assert visit().status_code == 200
    assert visit(cookies=cookies).status_code == 200
    assert visit(cookies={COOKIE: ""}).status_code == 503


def test_link_is_valid_for_site_held_by_sql(acme, at, visit):
    at(TWO)
    SiteMaintenance.objects.filter(pk=acme.pk).update(in_maintenance=True)
    cookies = cookie_of(visit(path_of("acme.example")))
    at(TWO + MINUTE)
    tick()
    runtime.publish()
    assert visit(cookies=cookies).status_code == 200


def test_link_length_is_independent_of_window_count(acme, plan, at):
    for n in range(100):
        plan(acme, TWO + n * HOUR, TWO + (n + 1) * HOUR)
    at(TWO)
    assert len(run("acme.example")) < 200


def test_invalid_link_keeps_existing_cookie(acme, globex, plan, at, visit):
    plan(acme)
    plan(globex)
    at(TWO - MINUTE)
    theirs = path_of("globex.example")
    assert COOKIE in visit(path_of("acme.example")).cookies
    assert COOKIE not in visit(theirs).cookies


def test_link_redirects_while_site_is_up(acme, plan, at, visit):
    plan(acme)
    at(TWO - 30 * MINUTE)
    good = visit(path_of("acme.example"))
    assert (good.status_code, good.headers["Location"], COOKIE in good.cookies) == (302, "/", True)
    bad = visit("/maintenance/bypass/forged/")
    assert (bad.status_code, bad.headers["Location"], COOKIE in bad.cookies) == (302, "/", False)


LINKS = "/admin/maintenance_windows/sitemaintenance/{}/links/"


def test_admin_creates_link(acme, plan, browser, at, client):
    plan(acme)
    at(TWO)
    change = f"/admin/maintenance_windows/sitemaintenance/{acme.pk}/change/"
    assert LINKS.format(acme.pk) in browser.get(change).text
    page = browser.get(LINKS.format(acme.pk))
    assert page.status_code == 200
    assert page.context["link"] is None
    made = browser.post(LINKS.format(acme.pk), {"make": "1", "length": ""})
    path = urlsplit(made.context["link"]).path
    assert made.context["link"].startswith("https://acme.example/maintenance/bypass/")
    assert client.get(path, headers={"host": "acme.example"}).status_code == 302
    refused = browser.post(LINKS.format(acme.pk), {"make": "1", "length": "soon"})
    assert refused.context["link"] is None
    assert "soon" in refused.text


def rows(page) -> list[str]:
    table = re.search(r"<tbody>(.*?)</tbody>", page.text, re.DOTALL)
    found = re.findall(r"<tr>(.*?)</tr>", table[1], re.DOTALL) if table else []
    return [" ".join(re.sub("<[^>]*>", " ", row).split()) for row in found]


@pytest.mark.parametrize(
    ("domain", "host", "starts"),
    [
        ("acme.example", "admin.example:8000", "http://acme.example:8000/"),
        ("acme.example", "admin.example", "http://acme.example/"),
        ("acme.example:9000", "admin.example:8000", "http://acme.example:9000/"),
    ],
)
def test_admin_link_has_scheme_and_port_of_its_page(
    acme, plan, browser, at, settings, domain, host, starts
):
    settings.SESSION_COOKIE_SECURE, settings.ALLOWED_HOSTS = False, ["*"]
    Site.objects.filter(pk=acme.pk).update(domain=domain)
    plan(acme)
    at(TWO)
    page = browser.post(LINKS.format(acme.pk), {"make": "1"}, headers={"host": host})
    assert page.context["link"].startswith(f"{starts}maintenance/bypass/")


def test_admin_lists_links_until_they_are_over(acme, globex, plan, browser, at):
    plan(acme)
    links, at_two = LINKS.format(acme.pk), "Sun 4 Nov 02:00 UTC"
    assert "No link of this site is valid." in browser.get(links).text
    path_of("acme.example")
    path_of("globex.example", "--for", "1h")
    (before,) = rows(browser.get(links))
    assert before.startswith("Sun 4 Nov 01:00 UTC")
    assert before.endswith("(shell) the end of the maintenance")
    at(TWO)
    browser.post(links, {"make": "1", "length": "30m"})
    expected = [f"{at_two} alice Sun 4 Nov 02:30 UTC", f"{before} (Sun 4 Nov 04:00 UTC)"]
    assert rows(browser.get(links)) == expected
    at(TWO + 30 * MINUTE)
    assert rows(browser.get(links)) == expected[1:]
    at(FOUR)
    assert rows(browser.get(links)) == []
    browser.post(links, {"make": "1", "length": "1h"})
    assert BypassLink.objects.filter(site=acme).count() == 1  # that of those that are over


def test_revoked_links_are_not_listed(acme, plan, browser, at):
    plan(acme)
    at(TWO)
    links = LINKS.format(acme.pk)
    assert len(rows(browser.post(links, {"make": "1"}))) == 1
    SiteMaintenance.objects.update(bypass=F("bypass") + 1)  # SQL leaves the row
    assert rows(browser.get(links)) == []
    browser.post(links, {"make": "1"})
    browser.post(links, {"revoke": "1"})
    assert not BypassLink.objects.exists()


def test_stored_row_does_not_make_a_link(acme, plan, browser, at):
    plan(acme)
    at(TWO)
    link = browser.post(LINKS.format(acme.pk), {"make": "1"}).context["link"]
    token = link.split("/")[-2]
    stored = " ".join(map(str, BypassLink.objects.values_list().get()))
    assert token not in stored
    assert token.rpartition(":")[2] not in stored
    assert link not in browser.get(LINKS.format(acme.pk)).text


def test_refused_link_leaves_no_row(acme, browser, settings, at):
    browser.post(LINKS.format(acme.pk), {"make": "1"})
    settings.ROOT_URLCONF = __name__
    with pytest.raises(Refused):
        bypass.make(acme, length=HOUR)
    assert not BypassLink.objects.exists()


def test_admin_asks_before_it_revokes(acme, browser):
    page = browser.get(LINKS.format(acme.pk)).text
    question = re.search(r"<details.*?</details>", page, re.DOTALL)[0]
    assert "All bypass links of acme.example stop working at once" in question
    assert 'name="revoke"' not in page.replace(question, "")


def test_admin_revokes_links(acme, plan, browser, at):
    plan(acme)
    at(TWO)
    before = SiteMaintenance.objects.get(pk=acme.pk).bypass
    answer = browser.post(LINKS.format(acme.pk), {"revoke": "1"})
    assert answer.status_code == 302
    revoked = SiteMaintenance.objects.get(pk=acme.pk).bypass
    assert revoked > before
    browser.get(LINKS.format(acme.pk) + "?revoke=1")
    assert SiteMaintenance.objects.get(pk=acme.pk).bypass == revoked


def test_admin_shows_error_of_command(acme, browser):
    answer = browser.post(LINKS.format(acme.pk), {"make": "1", "length": ""})
    assert "specify how long the link is valid" in answer.text


def test_admin_links_require_operate_permission(acme, client):
    user = User.objects.create_user("carol", password="x", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_sitemaintenance"))
    client.force_login(user)
    for method in (client.get, client.post):
        assert method(LINKS.format(acme.pk), {"make": "1", "length": "1h"}).status_code == 403
    assert client.get(LINKS.format(999_999)).status_code == 404


def test_make_creates_missing_flag(acme, at):
    SiteMaintenance.objects.filter(pk=acme.pk).delete()
    at(TWO)
    assert bypass.make(acme, length=HOUR, clock=lambda: TWO).expires_at == TWO + HOUR


def test_link_expires_when_sql_clears_flag(acme, plan, at, visit):
    at(TWO)
    take_down([acme])
    cookies = cookie_of(visit(path_of("acme.example")))
    SiteMaintenance.objects.filter(pk=acme.pk).update(in_maintenance=False)
    plan(acme, FOUR, FOUR + HOUR)
    at(FOUR)
    runtime.publish()  # before any tick
    assert visit(cookies=cookies).status_code == 503
