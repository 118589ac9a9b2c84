"""System checks of settings, sites and the scheduler."""

import re
import sys
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

import pytest
from django.conf import settings as of_tests
from django.conf.urls.i18n import i18n_patterns
from django.contrib.sites.models import Site
from django.core.checks import CheckMessage, run_checks
from django.core.checks import Warning as CheckWarning
from django.core.management import call_command
from django.db import connection
from django.urls import include, path

from maintenance_windows.beat import MATERIALISE_TASK, TICK_TASK
from maintenance_windows.checks import TAG
from maintenance_windows.conf import SETTINGS, conf
from tests.helpers.times import TWO

if find_spec("django_celery_beat"):
    import django_celery_beat
    from django_celery_beat.models import PeriodicTask

pytestmark = pytest.mark.any_database

ROOT = Path(of_tests.BASE_DIR)


def messages(*, asking: bool = False, deploy: bool = False) -> list[CheckMessage]:
    """The messages of our checks; `asking` includes those that query the database."""
    # None would be all where Django 6.1 is given a tag.
    databases = ["default"] if asking else []
    return run_checks(tags=[TAG], databases=databases, include_deployment_checks=deploy)


def issues(**how: bool) -> list[tuple[str, str]]:
    """The number and the text of each message."""
    return [(message.id.removeprefix(f"{TAG}."), message.msg) for message in messages(**how)]


@pytest.mark.django_db
def test_valid_project_gives_no_messages(settings):
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache"}}
    assert issues(asking=True, deploy=True) == []


@pytest.mark.django_db
@pytest.mark.needs("django_celery_beat")
def test_database_checks_are_opt_in_warnings(settings, django_assert_num_queries):
    settings.SITE_ID = 7777
    settings.ALLOWED_HOSTS = ["nobody.example"]
    PeriodicTask.objects.all().delete()
    with django_assert_num_queries(0):
        assert issues() == []
    asked = run_checks(tags=["database"], databases=["default"])
    ours = [message for message in asked if message.id.startswith(TAG)]
    assert len(ours) == 3
    assert all(isinstance(message, CheckWarning) for message in ours)


NAMES = 'a list of names of URLs such as "shop:paid" or "mfa_*"'


@pytest.mark.parametrize(
    ("name", "value", "number", "wanted"),
    [
        ("FORCE", "ON", "E001", "'on' or 'off'"),
        ("FORCE", True, "E001", "'on' or 'off'"),
        ("WHEN_UNKNOWN", "shut", "E001", "'open' or 'closed'"),
        ("RETRY_AFTER", "300", "E002", "a number of seconds or None"),
        ("RETRY_AFTER_MAX", -1, "E002", "a number of seconds or None"),
        ("RETRY_AFTER_JITTER", None, "E002", "a number of seconds"),
        ("BANNER_LEAD", True, "E002", "a number of seconds"),
        ("TICK_MAX_AGE", float("inf"), "E002", "a number of seconds, 1 at least"),
        ("BANNER_LEAD", 1e15, "E002", "a number of seconds"),
        ("RETRY_AFTER", 10**400, "E002", "a number of seconds or None"),
        ("TICK_MAX_AGE", 0, "E002", "a number of seconds, 1 at least"),
        ("SERIES_HORIZON", "60", "E002", "whole days from 1 to 3660"),
        ("SERIES_HORIZON", 1.5, "E002", "whole days from 1 to 3660"),
        ("SERIES_HORIZON", None, "E002", "whole days from 1 to 3660"),
        ("SERIES_HORIZON", True, "E002", "whole days from 1 to 3660"),
        ("SERIES_HORIZON", -1, "E002", "whole days from 1 to 3660"),
        ("SERIES_HORIZON", 10**9, "E002", "whole days from 1 to 3660"),
        ("BLOCK_STAFF", "False", "E005", "True or False"),
        ("503_TEMPLATE", ["503.html"], "E005", "the name of a template"),
        ("ADMIN_IGNORED_URLS", None, "E005", "a list of strings"),
        ("EXEMPT_NETWORKS", [10], "E005", "a list of strings"),
        ("TRUSTED_PROXIES", {"10.1.2.3": 1}, "E005", "a list of strings"),
        ("EXEMPT_URL_NAMES", ["**"], "E005", NAMES),
        ("WRITABLE_URL_NAMES", [None], "E005", NAMES),
        ("EXEMPT_PATHS", ["status"], "E005", 'a list of paths such as "/status"'),
        ("EXEMPT_PREFIXES", ["/hooks", "/"], "E005", 'a list of paths such as "/hooks"'),
        ("API_PREFIXES", "api", "E005", 'a list of paths such as "/hooks"'),
    ],
)
def test_invalid_setting_gives_error(settings, name, value, number, wanted):
    setattr(settings, f"MAINTENANCE_{name}", value)
    assert issues() == [(number, f"MAINTENANCE_{name} must be {wanted}, not {value!r}.")]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("503_TEMPLATE", None),
        ("503_TEMPLATE", ""),
        ("503_TEMPLATE", "maintenance_windows/503.html"),
        ("ADMIN_IGNORED_URLS", ("^backstage/",)),
        ("API_PREFIXES", {"/api", "/v2/"}),
        ("BLOCK_STAFF", True),
        ("EXEMPT_NETWORKS", "10.0.0.0/8"),
        ("EXEMPT_PATHS", ["/", "/status"]),
        ("FORCE", None),
        ("RETRY_AFTER", None),
        ("RETRY_AFTER_JITTER", 0.5),
        ("TRUSTED_PROXIES", ["unix", "::1"]),
    ],
)
def test_valid_setting_gives_no_message(settings, name, value):
    setattr(settings, f"MAINTENANCE_{name}", value)
    assert issues() == []


def test_defaults_are_valid(settings):
    for name, setting in SETTINGS.items():
        setattr(settings, name, setting.default)
    assert issues() == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("BANNER_LEAD", -60),
        ("RETRY_AFTER", "60"),
        ("RETRY_AFTER_JITTER", None),
        ("RETRY_AFTER_MAX", -1),
        ("SERIES_HORIZON", 10**9),
        ("BANNER_LEAD", 1e15),
        ("TICK_MAX_AGE", 0),
    ],
)
def test_invalid_number_falls_back_to_default(settings, name, value):
    usual = getattr(conf, f"MAINTENANCE_{name}")
    setattr(settings, f"MAINTENANCE_{name}", value)
    assert getattr(conf, f"MAINTENANCE_{name}") == usual


def test_list_setting_drops_invalid_items(settings):
    settings.MAINTENANCE_EXEMPT_PREFIXES = ["/hooks/", "/", "api", 7]
    assert conf.MAINTENANCE_EXEMPT_PREFIXES == ("/hooks",)


@pytest.mark.parametrize("value", [None, 7, ["on"]])
def test_invalid_setting_has_no_effect(acme, plan, at, visit, settings, value):
    for name in SETTINGS:
        setattr(settings, name, value)
    plan(acme)
    at(TWO)
    assert visit().status_code == 503


def test_check_e003_reports_invalid_networks(settings):
    settings.MAINTENANCE_EXEMPT_NETWORKS = ["10.0.0.5/8", "10.0.0.0/8"]
    settings.MAINTENANCE_TRUSTED_PROXIES = ["unix", "proxy.example"]
    first, (number, sentence) = issues()
    assert first == ("E003", "MAINTENANCE_EXEMPT_NETWORKS: 10.0.0.5/8 has host bits set.")
    assert number == "E003"
    assert sentence.startswith("MAINTENANCE_TRUSTED_PROXIES: 'proxy.example' does not appear")


@pytest.mark.parametrize(
    ("ask", "numbers"),
    [("nowhere.at_all", ["E004"]), (7, ["E004"]), (print, []), ("builtins.print", [])],
)
@pytest.mark.parametrize("name", ["MAY_PASS", "IS_STAFF"])
def test_check_e004_reports_invalid_function(settings, name, ask, numbers):
    setattr(settings, f"MAINTENANCE_{name}", ask)
    assert [number for number, _ in issues()] == numbers


def test_check_w002_reports_invalid_patterns(settings):
    settings.MAINTENANCE_ADMIN_IGNORED_URLS = ["^backstage/", "(", "^/contact/", "^(a|aa)+$"]
    assert [number for number, _ in issues()] == ["W002", "W002", "W002"]
    assert (
        "'^(a|aa)+$' is ignored for paths on which it is slow. This pattern takes"
        in issues()[-1][1]
    )


def a_view(request):
    """A view whose URL has no name."""


class Named:
    urlpatterns = [
        *i18n_patterns(path("paid", a_view, name="paid")),
        path("hooks/", include(([path("bank", a_view, name="bank")], "shop"), namespace="eu")),
        path("nameless", a_view),
    ]


def test_check_w015_reports_unknown_url_names(settings):
    settings.ROOT_URLCONF = Named
    settings.MAINTENANCE_EXEMPT_URL_NAMES = [
        "paid",
        "eu:bank",
        f"{__name__}.a_view",
        "shop:bank",
        "eu:*",
    ]
    settings.MAINTENANCE_WRITABLE_URL_NAMES = ["login*"]
    assert issues() == [
        ("W015", "MAINTENANCE_EXEMPT_URL_NAMES: no URL is named 'shop:bank'."),
        ("W015", "MAINTENANCE_WRITABLE_URL_NAMES: no URL is named 'login*'."),
    ]
    del settings.ROOT_URLCONF
    assert issues() == []


def test_check_e007_reports_use_tz_false(settings):
    settings.USE_TZ = False
    assert issues() == [
        ("E007", "USE_TZ must be True: maintenance_windows requires times with a time zone.")
    ]


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("MAINTENANCE_RETRYAFTER", "Did you mean MAINTENANCE_RETRY_AFTER?"),
        ("MAINTENANCE_EXEMPT_URLS", "Did you mean MAINTENANCE_EXEMPT_URL_NAMES?"),
        ("MAINTENANCE_MODE", 'It is a setting of django-maintenance-mode. "Migrating"'),
        ("MAINTENANCE_MODE_IGNORE_URLS", "It is a setting of django-maintenance-mode"),
        ("MAINTENANCE_ALLOW_STAFF", 'It is a setting of django-maintenancemode. "Migrating"'),
        ("MAINTENANCE_CREW", "If it is your own"),
    ],
)
def test_check_w008_reports_unknown_setting(settings, name, hint):
    setattr(settings, name, "anything")
    (message,) = messages()
    assert message.id == f"{TAG}.W008"
    assert message.msg == f"{name} is not a setting of maintenance_windows."
    assert message.hint.startswith(hint)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("task", "purpose"),
    [
        (TICK_TASK, "sets and clears the maintenance flags"),
        (MATERIALISE_TASK, "creates the windows of recurring windows"),
    ],
)
@pytest.mark.needs("django_celery_beat")
def test_check_w001_reports_disabled_or_missing_task(task, purpose):
    entry = PeriodicTask.objects.filter(task=task)
    entry.update(enabled=False)
    assert issues(asking=True) == [("W001", f"The periodic task that {purpose} is disabled.")]
    entry.delete()
    assert issues(asking=True) == [("W001", f"The periodic task that {purpose} is missing.")]


@pytest.mark.django_db(transaction=True)
@pytest.mark.needs("django_celery_beat")
def test_migrate_creates_missing_tasks():
    PeriodicTask.objects.all().delete()
    call_command("migrate", verbosity=0)
    assert issues(asking=True) == []


@pytest.mark.django_db(transaction=True)
@pytest.mark.needs("django_celery_beat")
def test_project_without_celery_beat_gives_no_message(settings):
    PeriodicTask.objects.all().delete()
    settings.INSTALLED_APPS = [name for name in settings.INSTALLED_APPS if "celery" not in name]
    call_command("migrate", verbosity=0)
    assert issues(asking=True) == []


@pytest.mark.needs("celery")
def test_check_w019_reports_undeclared_queue():
    import celery
    from kombu import Queue

    usual = celery.current_app._get_current_object()
    app = celery.Celery("host", broker="memory://")
    app.conf.update(task_create_missing_queues=False, task_queues=[Queue("default")])
    try:
        app.set_current()
        assert [number for number, _ in issues()] == ["W019"]
        app = celery.Celery("host", broker="memory://")
        app.conf.update(task_create_missing_queues=False, task_queues=[Queue("maintenance")])
        app.set_current()
        assert issues() == []
    finally:
        usual.set_current()
    assert issues() == []


def test_check_w021_reports_apps_of_tenants(settings):
    settings.SHARED_APPS = ["django_tenants", "django.contrib.sites", "maintenance_windows"]
    settings.TENANT_APPS = ["shop"]
    assert issues() == []
    settings.TENANT_APPS = ["shop", "maintenance_windows"]
    ((number, sentence),) = issues()
    assert number == "W021"
    assert sentence.startswith("maintenance_windows in TENANT_APPS: ")


@pytest.mark.needs("django_celery_beat")
def test_check_w010_reports_old_celery_beat(monkeypatch):
    monkeypatch.setattr(django_celery_beat, "VERSION", (2, 10, 1))
    assert issues() == []
    monkeypatch.setattr(django_celery_beat, "VERSION", (2, 1, 0))
    assert [number for number, _ in issues()] == ["W010"]


@pytest.mark.django_db
def test_check_w011_reports_site_id_with_many_sites(settings):
    def w011() -> str:
        ((number, sentence),) = issues(asking=True)
        assert number == "W011"
        return sentence

    acme = Site.objects.create(domain="acme.example")
    settings.SITE_ID = acme.pk
    assert issues(asking=True) == []  # only Django's example.com is there beside it
    Site.objects.create(domain="globex.example")
    assert "all requests belong to that site" in w011()
    settings.SITE_ID = 7777
    assert "but this site does not exist" in w011()
    settings.SITE_ID = "acme"  # Django reports that itself
    assert issues(asking=True) == []


@pytest.mark.django_db
def test_check_w012_reports_allowed_hosts_without_site(settings):
    Site.objects.create(domain="acme.example")
    Site.objects.create(domain="Globex.example:8000")
    settings.ALLOWED_HOSTS = ["acme.example", "globex.example", ".tenants.example", "localhost"]
    settings.ALLOWED_HOSTS += ["127.0.0.1", "[::1]", "web"]
    assert issues(asking=True) == []
    settings.ALLOWED_HOSTS += ["www.acme.example", "*"]
    assert issues() == []
    ((number, sentence),) = issues(asking=True)
    assert number == "W012"
    assert sentence.endswith("never go down: www.acme.example, *.")
    settings.SITE_ID = Site.objects.get(domain="acme.example").pk
    assert [number for number, _ in issues(asking=True)] == ["W011"]


@pytest.mark.parametrize(
    ("names", "words"),
    [
        ({"INTERNAL_IPS": ["127.0.0.1", "::1"]}, ["127.0.0.1 and ::1 may pass"]),
        ({"MAINTENANCE_EXEMPT_NETWORKS": ["127.0.0.0/8"]}, ["127.0.0.1 may pass"]),
        ({"MAINTENANCE_TRUSTED_PROXIES": ["10.0.0.1", "::/0"]}, ["trusts every address"]),
        ({"INTERNAL_IPS": ["::1"], "MAINTENANCE_TRUSTED_PROXIES": ["127.0.0.1"]}, []),
        ({"INTERNAL_IPS": ["198.51.100.7"], "MAINTENANCE_EXEMPT_NETWORKS": ["10.0.0.0/8"]}, []),
    ],
)
def test_check_w013_reports_addresses_that_exempt_everyone(settings, names, words):
    for name, value in names.items():
        setattr(settings, name, value)
    found = [sentence for number, sentence in issues() if number == "W013"]
    assert len(found) == len(words)
    assert all(word in sentence for word, sentence in zip(words, found, strict=True))


@pytest.mark.skipif(
    of_tests.DATABASES["default"]["ENGINE"].endswith("sqlite3"), reason="A file is not down."
)
@pytest.mark.parametrize(
    ("backend", "words"),
    [
        ("locmem.LocMemCache", "not shared"),
        ("dummy.DummyCache", "not shared"),
        ("db.DatabaseCache", "unavailable while the database is"),
    ],
)
def test_check_w009_reports_unsuitable_cache(settings, backend, words):
    settings.CACHES = {
        "default": {"BACKEND": f"django.core.cache.backends.{backend}", "LOCATION": "kept"}
    }
    ((number, sentence),) = issues(deploy=True)
    assert number == "W009"
    assert words in sentence
    assert issues() == []


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("site_id", [None, 7777])
def test_site_checks_wait_for_first_migrate(settings, site_id):
    settings.ALLOWED_HOSTS = ["www.acme.example"]
    if site_id:
        settings.SITE_ID = site_id
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE django_site RENAME TO elsewhere")
        try:
            found = [number for number, _ in issues(asking=True)]
        finally:
            cursor.execute("ALTER TABLE elsewhere RENAME TO django_site")
    assert not {"W011", "W012"} & set(found)


def test_check_w009_ignores_missing_default_cache(settings):
    settings.CACHES = {"other": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
    assert "W009" not in [number for number, _ in issues(deploy=True)]


def test_docs_list_each_check_once():
    code = [*ROOT.glob("maintenance_windows/checks/*.py")]
    code += [ROOT / "maintenance_windows/apps.py", ROOT / "maintenance_windows/conf.py"]
    numbers = re.findall(
        r"maintenance_windows\.([EW]\d{3})", "".join(file.read_text() for file in code)
    )
    table = re.findall(r"^\| `([EW]\d{3})` \|", (ROOT / "docs/checks.md").read_text(), re.MULTILINE)
    assert table == sorted(set(numbers))


def test_check_w016_reports_greenlets_beside_mysqlclient(monkeypatch):
    class Monkey:
        @staticmethod
        def is_module_patched(name):
            return name == "threading"

    monkeypatch.setitem(sys.modules, "gevent.monkey", Monkey)
    for driver, is_reported in (("pymysql", False), ("MySQLdb", True)):
        with monkeypatch.context() as patch:
            patch.setattr(connection, "Database", ModuleType(driver))
            found = [message.id for message in run_checks(include_deployment_checks=True)]
        assert ("maintenance_windows.W016" in found) is is_reported
