"""Attacks that no other test module covers, and the test names in docs/security.md."""

import gc
import logging
import os
import re
import secrets
import subprocess
import sys
import tracemalloc
from collections.abc import Callable, Iterator
from datetime import date, time
from pathlib import Path
from threading import current_thread
from time import sleep

import pytest
from django.conf import settings as of_tests
from django.contrib import admin
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.contrib.sites.models import Site
from django.db import OperationalError, connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created
from django.test import Client
from django.urls import reverse

from maintenance_windows.http import pages
from maintenance_windows.http.recent import Recent
from maintenance_windows.models import WindowSeries
from maintenance_windows.planning import freezes, series, windows
from maintenance_windows.planning.sites import take_down
from maintenance_windows.snapshot import runtime
from maintenance_windows.urls import urlpatterns
from tests.helpers.times import FOUR, HOUR, TWO

pytestmark = pytest.mark.any_database

ROOT = Path(of_tests.BASE_DIR)
SCRIPT = "<script>alert(1)"
HOSTILE = f"\"'>{SCRIPT}</script>"


def test_tests_named_in_threats_exist():
    named = re.findall(r"`(test_\w+\.py)::(\w+)`", (ROOT / "docs/security.md").read_text())
    assert named
    for file, test in named:
        assert f"def {test}(" in (ROOT / "tests" / file).read_text(), f"{file}::{test}"


def addresses() -> list[str]:
    """The URLs of all admin pages of this app; those of one row take the first row."""
    found = [reverse("admin:app_list", args=["maintenance_windows"])]
    for model, its in admin.site._registry.items():
        if model._meta.app_label == "maintenance_windows":
            row = model.objects.first()
            for one in its.get_urls():
                if one.name:
                    of_row = one.pattern.converters
                    found.append(reverse(f"admin:{one.name}", args=[row.pk] if of_row else []))
    return found


@pytest.fixture
def night(acme, plan, at) -> list[str]:
    """A site with a row of each model, with hostile markup in every text; all admin URLs."""
    texts = {"title": HOSTILE, "message": HOSTILE}
    Site.objects.filter(pk=acme.pk).update(name=HOSTILE)
    other = Site.objects.create(domain=f"x{HOSTILE}", name=HOSTILE)
    window = plan(acme, **texts, actor=HOSTILE)
    plan(acme, FOUR + HOUR, FOUR + 2 * HOUR, **texts)
    first = {"starts_on": date(2029, 11, 5), "start_time": time(2), "zone": "UTC", "length": HOUR}
    template = WindowSeries(rule="FREQ=DAILY;COUNT=2", **first, **texts)
    series.repeat([acme], template, actor=HOSTILE, clock=lambda: TWO - HOUR)
    windows.revise(window.pk, title=HOSTILE * 2, actor=HOSTILE, clock=lambda: TWO - HOUR)
    acme.maintenance.ignored_urls.create(pattern="x/", description=HOSTILE)
    frozen = {"starts_at": FOUR + 3 * HOUR, "ends_at": FOUR + 4 * HOUR, "reason": HOSTILE}
    freezes.freeze([acme, other], **frozen, actor=HOSTILE, clock=lambda: TWO - HOUR)
    at(TWO)
    take_down([other], message=HOSTILE, actor=HOSTILE)
    return addresses()


def test_admin_redirects_anonymous_users_to_login(night, client):
    """The URLs come from the admin itself, so new pages are included."""
    for address in night:
        for ask in (client.get, client.post):
            answer = ask(address, headers={"host": "acme.example"})
            assert answer.status_code == 302, address
            assert answer.headers["Location"].startswith("/admin/login/"), address


def test_admin_hides_everything_from_staff_without_permissions(night, client):
    client.force_login(User.objects.create_user("nobody", is_staff=True))
    for address in night:
        for ask in (client.get, client.post):
            answer = ask(address)
            assert answer.status_code in {302, 403, 404, 405}, address
            assert SCRIPT not in answer.text


def test_pages_escape_all_texts(night, alice, client, settings):
    settings.MAINTENANCE_PUBLIC_HISTORY = True
    client.force_login(alice)
    answers = [client.get(address) for address in night]
    answers += [client.get(address, {"q": HOSTILE}) for address in night]
    site = {"host": "acme.example"}
    public = ("/", "/maintenance/", "/maintenance/feed.atom")
    answers += [Client().get(address, headers=site) for address in public]
    # The search of sites answers JSON, which Django's script for it shows as text.
    pages = [answer for answer in answers if answer.headers["Content-Type"] != "application/json"]
    assert len(pages) > len(answers) / 2
    assert not [answer.request["PATH_INFO"] for answer in pages if SCRIPT in answer.text]
    assert sum("&gt;&lt;script&gt;alert(1)" in answer.text for answer in answers) > 10


def test_urls_contain_only_public_pages():
    assert {str(one.pattern) for one in urlpatterns} == {
        "",
        "status.json",
        "calendar.ics",
        "feed.atom",
        "bypass/<path:token>/",
        "bypass/<path:token>",
    }


HOSTS = {
    "ACME.Example": 503,
    "acme.example.": 503,
    "acme.example:443": 503,
    "acme.example.:80": 503,
    "acme.example:99999": 503,
    "acme.example..": 400,
    "acme.example:": 400,
    "acme.example:80x": 400,
    "x@acme.example": 400,
    "acme.example/x": 400,
    "acme.example,globex.example": 400,
    " acme.example": 400,
    "acme.example\0": 400,
    "acme\u3002example": 400,
    "127.0.0.1": 400,
    "": 400,
}


@pytest.mark.parametrize(("host", "status"), HOSTS.items())
def test_other_spellings_of_host_get_503_or_400(acme, plan, at, visit, host, status):
    plan(acme)
    at(TWO)
    assert visit(host=host).status_code == status


def test_logs_contain_no_request_data(acme, plan, at, visit, caplog):
    caplog.set_level(logging.DEBUG)
    plan(acme)
    at(TWO)
    forged = "x\r\nERROR forged"
    names = ("accept", "accept_language", "user_agent", "referer", "x_forwarded_for", "origin")
    for method in ("GET", "POST", forged):
        answer = visit(
            f"/{forged}", method=method, cookies={"maintenance_bypass": "forged"},
            **dict.fromkeys(names, forged),
        )  # fmt: skip
        assert answer.status_code == 503
        assert not any("\n" in value or "\r" in value for value in answer.headers.values())
    assert "forged" not in caplog.text


@pytest.mark.parametrize("accept", ["text/html", "application/json"])
def test_page_cache_is_bounded_for_many_hosts(transactional_db, settings, client, accept):
    settings.MAINTENANCE_FORCE = "on"
    settings.ALLOWED_HOSTS = ["*"]

    for n in range(300):
        answer = client.get("/", headers={"host": f"h{n}.example", "accept": accept})
        assert answer.status_code == 503
    gc.collect()
    assert sum(isinstance(one, pages.Page) for one in gc.get_objects()) <= 257


@pytest.fixture
def sessions_asked(transactional_db) -> Iterator[list[str]]:
    """The queries for sessions, in any thread."""
    asked: list[str] = []

    def note(execute: Callable[..., object], sql: str, *args: object) -> object:
        if sql.startswith("SELECT") and "django_session" in sql:
            asked.append(sql)
        return execute(sql, *args)

    def watch(connection: BaseDatabaseWrapper, **_: object) -> None:
        connection.execute_wrappers.append(note)

    connection_created.connect(watch)
    with connection.execute_wrapper(note):
        yield asked
    connection_created.disconnect(watch)


def kept(ask: Callable[[int], object], times: int = 100) -> int:
    """Return how many bytes are still in use after so many requests, each with another text."""
    for number in range(5):
        ask(-number)
    gc.collect()
    tracemalloc.start(1)
    try:
        for number in range(times):
            ask(number)
        gc.collect()
        return tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()


@pytest.mark.slow
def test_long_paths_are_not_kept(acme, visit):
    take_down([acme])
    assert visit("/").status_code == 503
    assert kept(lambda number: visit(f"/{number}{'x' * 40_000}")) < 2_000_000


@pytest.mark.nightly
@pytest.mark.slow
def test_long_methods_are_not_kept(acme, visit):
    take_down([acme])
    assert visit("/").status_code == 503
    assert kept(lambda number: visit("/", method=f"{number}{'X' * 40_000}")) < 2_000_000


@pytest.mark.nightly
@pytest.mark.slow
@pytest.mark.parametrize("accept", ["text/html", "application/json"])
def test_long_hosts_are_not_kept(transactional_db, settings, visit, accept):
    settings.MAINTENANCE_FORCE = "on"

    def ask(number: int) -> None:
        answer = visit(host=f"{number}{'x' * 40_000}.example", accept=accept)
        assert answer.status_code == 503

    assert kept(ask) < 2_000_000


@pytest.mark.parametrize("engine", ["db", "cached_db", "cache", "file"])
def test_made_up_session_cookie_costs_one_query(
    acme, alice, visit, settings, sessions_asked, engine
):
    settings.SESSION_ENGINE = f"django.contrib.sessions.backends.{engine}"
    take_down([acme])
    sessions_asked.clear()
    cookies = {"sessionid": secrets.token_hex(16)}
    for _ in range(5):
        assert visit(cookies=cookies).status_code == 503
    assert len(sessions_asked) == {"db": 1, "cached_db": 1, "cache": 0, "file": 0}[engine]
    assert visit(cookies={"sessionid": secrets.token_hex(16)}).status_code == 503
    assert visit(user=alice).status_code == 200


def test_made_up_session_cookie_of_one_host_is_asked_for_on_another(acme, globex, visit, alice):
    """Tenants may keep the sessions of one cookie domain apart."""
    take_down([acme, globex])
    cookies = {"sessionid": secrets.token_hex(16)}
    assert visit(cookies=cookies, host="globex.example").status_code == 503
    client = Client()
    client.force_login(alice)
    Session.objects.filter(pk=client.cookies["sessionid"].value).update(
        session_key=cookies["sessionid"]
    )
    assert visit(cookies=cookies).status_code == 200


def test_signed_cookie_sessions_stay_as_they_are(acme, alice, visit, settings):
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.signed_cookies"
    take_down([acme])
    for _ in range(2):
        assert visit(cookies={"sessionid": "made:up"}).status_code == 503
    assert visit(user=alice).status_code == 200


def test_recent_digests_are_bounded():
    recent = Recent(limit=100, seconds=60)
    for number in range(1000):
        recent.add(b"%d" % number)
    assert sum(b"%d" % number in recent for number in range(1000)) <= 100
    assert b"999" in recent
    recent = Recent(limit=100, seconds=0.1)
    recent.add(b"1")
    sleep(0.2)
    assert b"1" not in recent


def test_calendar_fails_fast_without_database(acme, at, visit, monkeypatch):
    at(TWO)
    assert visit("/maintenance/calendar.ics").status_code == 200
    asked = []

    def away(_: BaseDatabaseWrapper) -> None:
        if current_thread().name != "maintenance-windows":
            asked.append("in vain")
        raise OperationalError

    with monkeypatch.context() as patched:
        patched.setattr(BaseDatabaseWrapper, "ensure_connection", away)
        answers = [visit("/maintenance/calendar.ics")]
        runtime.publish()  # from now on the refresher knows of the outage
        asked.clear()
        answers.append(visit("/maintenance/calendar.ics"))
    assert asked == []
    for answer in answers:
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "60")
        assert answer.headers["Cache-Control"] == "no-store"
    runtime.publish()
    assert visit("/maintenance/calendar.ics").status_code == 200


@pytest.mark.slow
@pytest.mark.needs("celery")
def test_worker_accepts_json_only():
    """Messages from others may at most cause ticks, which are idempotent."""
    program = "from worker.celery import app; print(*app.conf.accept_content, *app.conf.imports)"
    environment = os.environ | {"REDIS_URL": "redis://127.0.0.1/0"}
    done = run(sys.executable, "-c", program, env=environment)
    assert done.stdout.split() == ["json"]


@pytest.mark.slow
def test_missing_secret_key_prevents_signing():
    program = "import django; django.setup(); from django.core import signing; signing.dumps(1)"
    chosen = {"DJANGO_SETTINGS_MODULE": "project.settings", "SECRET_KEY": "", "DEBUG": ""}
    done = run(sys.executable, "-c", program, env=os.environ | chosen)
    assert done.stderr.endswith("The SECRET_KEY setting must not be empty.\n")


def run(*command: str, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
