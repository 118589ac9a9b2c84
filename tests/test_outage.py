"""Failures of the database, the cache and the templates."""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta
from importlib.util import find_spec
from threading import Event, current_thread, main_thread

import pytest
import time_machine
from django.core.cache import cache
from django.core.management import call_command
from django.db import OperationalError, connection
from django.db.backends.base.base import BaseDatabaseWrapper

from maintenance_windows.models import IgnoredURL, MaintenanceWindow, SiteMaintenance, Transition
from maintenance_windows.planning import windows
from maintenance_windows.planning.sites import take_down
from maintenance_windows.reconcile.tick import tick
from maintenance_windows.snapshot import reading, refresher, runtime, threads
from maintenance_windows.snapshot.cache import keys
from maintenance_windows.snapshot.refresher import FIRST_WAIT, INTERVAL
from tests.helpers.times import FOUR, HOUR, MINUTE, TWO
from tests.helpers.waiting import until

if find_spec("celery"):
    from maintenance_windows import tasks

Outage = Callable[[], AbstractContextManager[None]]


@pytest.fixture(autouse=True)
def _empty_cache(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Lets new readers take what is cached, and lose patience, as outside tests."""
    monkeypatch.setattr(reading, "in_test_run", lambda: False)
    monkeypatch.setattr(refresher, "FIRST_WAIT", FIRST_WAIT)
    monkeypatch.setattr(runtime, "INTERVAL", INTERVAL)
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def outage(monkeypatch: pytest.MonkeyPatch) -> Outage:
    """Makes every database connection fail, in all threads."""

    def away(_: BaseDatabaseWrapper) -> None:
        raise OperationalError("the database is away")

    @contextmanager
    def outage() -> Iterator[None]:
        with monkeypatch.context() as patched:
            patched.setattr(BaseDatabaseWrapper, "ensure_connection", away)
            yield

    return outage


@contextmanager
def freeze(monkeypatch: pytest.MonkeyPatch) -> Iterator[Event]:
    """Block database access of all other threads; the yielded event is set once one waits."""
    thawed, waiting = Event(), Event()
    ensure_connection = BaseDatabaseWrapper.ensure_connection

    def wait(wrapper: BaseDatabaseWrapper) -> None:
        if current_thread() is not main_thread():
            waiting.set()
            thawed.wait(30)  # bounded, so that a failing test ends
        ensure_connection(wrapper)

    with monkeypatch.context() as patched:
        patched.setattr(BaseDatabaseWrapper, "ensure_connection", wait)
        try:
            yield waiting
        finally:
            thawed.set()


def logged_warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    ours = [r for r in caplog.records if r.name.startswith("maintenance_windows")]
    return [record.getMessage() for record in ours if record.levelno >= logging.WARNING]


def test_known_window_starts_and_ends_without_database(acme, plan, at, visit, outage, caplog):
    plan(acme)
    at(TWO - MINUTE)
    assert visit().status_code == 200
    with outage():
        for _ in range(3):
            runtime.publish()  # as the refresher thread does each second
        at(TWO)
        assert visit().headers["Retry-After"] == "7200"
        at(FOUR)
        assert visit().status_code == 200
    runtime.publish()
    assert logged_warnings(caplog) == [
        "Failed to load maintenance windows; using the last known: the database is away",
        "Loading maintenance windows works again.",
    ]


def test_unexpected_error_keeps_snapshot(acme, plan, at, visit, monkeypatch):
    """Drivers and other tools may raise any exception."""

    def blocked(_: BaseDatabaseWrapper) -> None:
        raise RuntimeError("not now")

    monkeypatch.setattr("maintenance_windows.snapshot.refresher.INTERVAL", 0.01)
    plan(acme)
    at(TWO)
    assert visit().status_code == 503
    assert connection.connection is not None
    with monkeypatch.context() as patched:
        patched.setattr(BaseDatabaseWrapper, "ensure_connection", blocked)
        runtime.publish()
        time.sleep(0.1)  # long enough for the refresher to meet the error
        assert visit().status_code == 503


def test_process_without_database_loads_snapshot_from_cache(acme, globex, plan, at, visit, outage):
    plan(acme, level="read_only", message="Disks.")
    plan(globex, FOUR, FOUR + HOUR)
    maintenance = SiteMaintenance.objects.get(pk=acme.pk)
    IgnoredURL.objects.create(maintenance=maintenance, pattern="contact/")
    take_down([acme], message="Now.")
    at(TWO)
    visit()
    before = runtime.current()
    until(lambda: cache.get(keys()[0]))
    runtime.forget()
    with outage():
        assert visit().status_code == 503
        assert visit("/contact/").status_code == 404
        assert runtime.current().by_id == before.by_id
        assert runtime.current().with_port == before.with_port


@pytest.mark.parametrize(("word", "status"), [(None, 200), ("open", 200), ("closed", 503)])
def test_when_unknown_setting_decides_without_snapshot(
    at, visit, outage, settings, caplog, word, status
):
    settings.MAINTENANCE_WHEN_UNKNOWN = word
    with outage():
        answers = [visit(), visit(), visit("/healthz")]
        runtime.publish()
    assert [answer.status_code for answer in answers] == [status, status, 200]
    assert answers[0].headers.get("Retry-After") == ("300" if status == 503 else None)
    known = "closed" if word == "closed" else "open"
    assert logged_warnings(caplog) == [
        f"Failed to load maintenance windows; none are known, so every site is {known}: "
        "the database is away"
    ]


def test_broken_cache_logs_one_warning(acme, plan, at, visit, outage, settings, caplog):
    settings.CACHES = {"default": {"BACKEND": "no.such.Cache"}}
    plan(acme)
    at(TWO)
    assert visit().status_code == 503
    until(lambda: logged_warnings(caplog))
    windows.extend(MaintenanceWindow.objects.get().pk, by=HOUR)
    assert visit().headers["Retry-After"] == str(3 * 3600)
    assert len(logged_warnings(caplog)) == 1
    runtime.forget()
    with outage():
        assert visit().status_code == 200


@pytest.mark.parametrize(("unknown", "status"), [("open", 200), ("closed", 503)])
def test_setting_decides_before_migrate(transactional_db, visit, settings, caplog, unknown, status):
    settings.MAINTENANCE_WHEN_UNKNOWN = unknown
    call_command("migrate", "maintenance_windows", "zero", verbosity=0)
    try:
        assert visit().status_code == status
        runtime.publish()
        assert logged_warnings(caplog) == [
            f"Failed to load maintenance windows; none are known, so every site is {unknown}: "
            "the database is incomplete: a restore is in progress, or migrate is due"
        ]
    finally:
        call_command("migrate", "maintenance_windows", verbosity=0)


@pytest.fixture
def unchecked(transactional_db: None) -> Iterator[None]:
    """Removes the check constraint on the level of windows."""
    (check,) = [c for c in MaintenanceWindow._meta.constraints if c.name == "mw_window_level"]
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA ignore_check_constraints = ON")
            yield
            cursor.execute("PRAGMA ignore_check_constraints = OFF")
    else:
        with connection.schema_editor() as editor:
            editor.remove_constraint(MaintenanceWindow, check)
        yield
        MaintenanceWindow.objects.all().delete()
        with connection.schema_editor() as editor:
            editor.add_constraint(MaintenanceWindow, check)


def test_invalid_window_does_not_block_the_others(acme, globex, unchecked, plan, at, visit, caplog):
    MaintenanceWindow.objects.filter(pk=plan(acme).pk).update(level="half")
    plan(globex)
    at(TWO)
    for _ in range(3):
        runtime.publish()
        assert visit().status_code == 200
        assert visit(host="globex.example").status_code == 503
        tick()
    assert list(Transition.objects.values_list("site", flat=True)) == [globex.pk]
    assert sorted(text.split(":")[0] for text in logged_warnings(caplog)) == [
        f"Cannot update site {acme.pk}",
        f"Ignoring window {MaintenanceWindow.objects.get(site=acme).pk} of site {acme.pk}",
    ]
    MaintenanceWindow.objects.update(level="full")
    assert tick() == TWO
    assert tick() is None
    assert Transition.objects.count() == 2


@pytest.mark.parametrize(("kind", "pattern"), [("regex", "(?=no)"), ("glob", "*")])
def test_invalid_ignored_url_does_not_block_the_others(acme, plan, at, visit, kind, pattern):
    """The admin would reject these patterns."""
    if kind == "glob" and connection.vendor != "sqlite":
        pytest.skip("other databases refuse such a row")
    flag = SiteMaintenance.objects.get(pk=acme.pk)
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("PRAGMA ignore_check_constraints = ON")
        IgnoredURL.objects.create(maintenance=flag, kind=kind, pattern=pattern)
        if connection.vendor == "sqlite":
            cursor.execute("PRAGMA ignore_check_constraints = OFF")
    IgnoredURL.objects.create(maintenance=flag, pattern="contact/")
    plan(acme)
    at(TWO)
    assert visit().status_code == 503
    assert visit("/contact/").status_code == 404


def test_windows_of_deleted_site_do_not_block_the_others(acme, globex, plan, at, visit):
    if connection.vendor != "sqlite":
        pytest.skip("other databases do not let go of such a site")
    plan(acme)
    plan(globex)
    with connection.constraint_checks_disabled(), connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_site WHERE id = %s", [acme.pk])
    at(TWO)
    try:
        assert visit().status_code == 200
        assert visit(host="globex.example").status_code == 503
        assert tick() == TWO
        assert tick() is None
        assert SiteMaintenance.objects.get(pk=globex.pk).in_maintenance
    finally:
        MaintenanceWindow.objects.filter(site_id=acme.pk).delete()
        SiteMaintenance.objects.filter(pk=acme.pk).delete()


@pytest.mark.parametrize("page", ["{% nonsense %}", "{% include 'missing.html' %}", "{{ boom }}"])
def test_broken_template_falls_back_to_our_page(acme, plan, at, visit, settings, caplog, page):
    settings.TEMPLATES = [
        {
            "BACKEND": "django.template.backends.django.DjangoTemplates",
            "OPTIONS": {
                "loaders": [("django.template.loaders.locmem.Loader", {"503.html": page})],
                "context_processors": [f"{__name__}.explosive"],
            },
        }
    ]
    plan(acme)
    at(TWO)
    answers = [visit(), visit()]
    for answer in answers:
        assert answer.status_code == 503
        assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
        assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'; ")
        assert "<h1>Down for maintenance</h1>" in answer.text
        assert 'data-seconds="7200"' in answer.text
        assert answer.headers["Retry-After"] == "7200"
        assert answer.headers["Cache-Control"] == "no-store"
    (record,) = [r for r in caplog.records if r.name == "maintenance_windows.http.pages"]
    assert record.exc_info
    settings.TEMPLATES = [settings.TEMPLATES[0] | {"OPTIONS": {}, "APP_DIRS": True}]
    assert "<h1>" in visit().text


def test_our_page_needs_no_template_engine(acme, plan, at, visit, settings, caplog):
    settings.TEMPLATES = []
    plan(acme)
    at(TWO)
    answer = visit(accept_language="de")
    assert answer.headers["Content-Language"] == "de"
    assert 'data-seconds="7200"' in answer.text
    assert not [r for r in caplog.records if r.name == "maintenance_windows.http.pages"]


def test_missing_template_falls_back_to_default_and_logs_once(
    acme, plan, at, visit, settings, caplog, tmp_path
):
    settings.MAINTENANCE_503_TEMPLATE = f"{tmp_path.name}.html"
    plan(acme)
    at(TWO)
    assert "<h1>" in visit().text
    assert visit().headers["Retry-After"] == "7200"
    (record,) = [r for r in caplog.records if r.name == "maintenance_windows.http.pages"]
    assert tmp_path.name in record.getMessage()
    assert record.exc_info


class Explosive:
    def __str__(self) -> str:
        raise ZeroDivisionError


def explosive(_: object) -> dict[str, object]:
    return {"boom": Explosive()}


def test_staff_get_503_without_database(acme, plan, at, visit, alice, outage):
    plan(acme)
    at(TWO)
    assert visit(user=alice).status_code == 200
    with outage():
        assert visit().status_code == 503  # with the cookie of her session
        runtime.publish()
        assert visit().status_code == 503
        assert visit("/robots.txt").status_code == 404
    runtime.publish()
    assert visit().status_code == 200


def test_process_with_frozen_database_loads_snapshot_from_cache(acme, plan, at, visit, monkeypatch):
    plan(acme)
    at(TWO)
    assert visit().status_code == 503
    until(lambda: cache.get(keys()[0]))
    runtime.forget()
    with freeze(monkeypatch):
        assert visit().status_code == 503
    runtime.publish()


def test_requests_finish_while_database_is_frozen(acme, plan, at, visit, alice, monkeypatch):
    plan(acme)
    at(TWO)
    assert visit(user=alice).status_code == 200
    with freeze(monkeypatch):
        began = time.monotonic()
        assert visit().status_code == 503  # with the cookie of her session
        assert visit(host="globex.example").status_code == 200
        assert time.monotonic() - began < 5
    runtime.publish()
    assert visit().status_code == 200


@pytest.mark.parametrize(("word", "status"), [("on", 503), ("off", 200)])
def test_force_overrides_everything(acme, plan, at, visit, alice, outage, settings, word, status):
    settings.MAINTENANCE_FORCE = word
    plan(acme)
    for now in (TWO - HOUR, TWO, FOUR):
        at(now)
        assert visit().status_code == status
    assert visit(host="unknown.example").status_code == status
    assert visit("/healthz").status_code == 200
    settings.SITE_ID = 1
    assert visit().status_code == status
    runtime.forget()
    with outage():
        answer = visit()
        assert answer.status_code == status
        assert answer.headers.get("Retry-After") == ("300" if word == "on" else None)
    runtime.publish()
    assert visit(user=alice).status_code == 200


def test_admin_status_and_check_show_force(acme, browser, settings, capsys):
    tick()
    page = "/admin/maintenance_windows/maintenancewindow/"
    assert "MAINTENANCE_FORCE" not in browser.get(page).text
    settings.MAINTENANCE_FORCE = "on"
    assert "MAINTENANCE_FORCE is on: every site is down" in browser.get(page).text
    call_command("maintenance", "status", "acme.example")
    call_command("maintenance", "status", "acme.example", "--json")
    printed = capsys.readouterr()
    assert "MAINTENANCE_FORCE is on" in printed.err
    assert '"forced": "on"' in printed.out
    call_command("check", "--deploy")
    assert "(maintenance_windows.W003) MAINTENANCE_FORCE is set" in capsys.readouterr().err
    settings.MAINTENANCE_FORCE = "off"
    assert "MAINTENANCE_FORCE is off: every site is up" in browser.get(page).text


def test_admin_pages_warn_of_dead_scheduler(acme, plan, browser, at):
    window = plan(acme)
    app = "/admin/maintenance_windows/"
    pages = [
        app,
        f"{app}maintenancewindow/",
        f"{app}maintenancewindow/add/",
        f"{app}maintenancewindow/{window.pk}/change/",
        f"{app}maintenancewindow/{window.pk}/history/",
        f"{app}sitemaintenance/{acme.pk}/change/",
        f"{app}windowseries/add/",
        f"{app}transition/",
    ]
    for page in pages:
        assert "The scheduler has never run" in browser.get(page, follow=True).text, page
    tick(lambda: TWO)
    at(TWO + 8 * MINUTE / 60)
    assert "worker or beat is not running" not in browser.get(pages[0]).text
    at(TWO + MINUTE)
    for page in pages:
        assert "last ran at Sun 4 Nov 02:00:00 UTC" in browser.get(page, follow=True).text, page


@pytest.mark.needs("celery")
def test_tick_logs_database_outage_once(acme, plan, at, outage, caplog):
    plan(acme)
    at(TWO)
    with outage():
        for _ in range(3):
            tasks.tick()
    at(TWO + MINUTE)
    tasks.tick()
    assert logged_warnings(caplog) == [
        "The tick failed; the next one retries: the database is away",
        "The tick works again.",
    ]
    assert SiteMaintenance.objects.get(pk=acme.pk).in_maintenance


@pytest.mark.needs("celery")
def test_tick_logs_wrong_clock_once(transactional_db, caplog):
    if connection.vendor == "sqlite":
        pytest.skip("SQLite has the clock of the host")
    with time_machine.travel(timedelta(days=1)):
        tasks.tick()
        tasks.tick()
    tasks.tick()
    assert logged_warnings(caplog) == [
        "This host's clock is 86400 s ahead of the database's: check NTP.",
        "This host's clock agrees with the database's.",
    ]


def test_readyz_responds_while_database_is_frozen(acme, visit, monkeypatch):
    tick()
    assert visit("/readyz").status_code == 200
    with freeze(monkeypatch):
        began = time.monotonic()
        for _ in range(threads.FEW + 2):
            answer = visit("/readyz")
            assert (answer.status_code, answer.json()["database"]) == (503, False)
        assert time.monotonic() - began < 10
    runtime.publish()
    while visit("/readyz").status_code != 200:
        assert time.monotonic() - began < 20


@pytest.mark.slow
def test_take_down_proceeds_while_refresher_hangs(acme, monkeypatch):
    assert not runtime.current()
    with freeze(monkeypatch) as waiting:
        assert waiting.wait(10)
        began = time.monotonic()
        take_down([acme])
        assert time.monotonic() - began < 5
    runtime.publish()
    assert runtime.current()


def test_project_without_auth_gets_page(acme, plan, at, client, settings):
    settings.MIDDLEWARE = ["maintenance_windows.middleware.MaintenanceModeMiddleware"]
    without = {"django.contrib.auth", "django.contrib.admin"}
    settings.INSTALLED_APPS = [name for name in settings.INSTALLED_APPS if name not in without]
    plan(acme)
    at(TWO)
    answer = client.get("/", headers={"host": "acme.example"})
    assert (answer.status_code, "<h1>" in answer.text) == (503, True)
