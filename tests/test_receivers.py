"""Flags and periodic tasks that migrate and new sites create."""

from importlib.util import find_spec

import pytest
from django.contrib.sites.models import Site
from django.core.checks import run_checks
from django.core.management import call_command
from django.db import connection
from django.db.models.signals import post_migrate, pre_save

from maintenance_windows.models import Scheduler, SiteMaintenance

if find_spec("django_celery_beat"):
    from django_celery_beat.models import IntervalSchedule, PeriodicTask

    from maintenance_windows.tasks import tick

pytestmark = pytest.mark.django_db(transaction=True)


def migrate(*arguments: str) -> None:
    call_command("migrate", *arguments, verbosity=0)


def test_default_site_has_flag():
    assert SiteMaintenance.objects.get().site == Site.objects.get(domain="example.com")


def test_new_site_gets_one_flag():
    site = Site.objects.create(domain="acme.example")
    site.name = "Acme"
    site.save()
    assert SiteMaintenance.objects.filter(site=site).count() == 1


def test_migrate_creates_missing_flags():
    Site.objects.bulk_create(Site(domain=f"s{n}.example") for n in range(3))
    assert SiteMaintenance.objects.count() == 1
    migrate()
    assert SiteMaintenance.objects.count() == 4


def test_fixtures_load_sites_with_flags(tmp_path):
    Site.objects.create(domain="acme.example")
    fixture = tmp_path / "sites.json"
    with fixture.open("w") as output:
        call_command("dumpdata", "sites", "maintenance_windows", stdout=output)
    Site.objects.all().delete()
    call_command("loaddata", str(fixture), verbosity=0)
    assert SiteMaintenance.objects.count() == 2


@pytest.mark.needs("django_celery_beat")
def test_migrate_creates_periodic_task_for_tick():
    entry = PeriodicTask.objects.get(task=tick.name)
    assert tick.name == entry.task
    assert (str(entry.interval), entry.enabled, entry.queue) == (
        "every second",
        True,
        "maintenance",
    )
    assert (entry.expire_seconds, entry.expires) == (None, None)


@pytest.mark.needs("django_celery_beat")
def test_migrate_preserves_changed_periodic_task():
    PeriodicTask.objects.filter(task=tick.name).update(enabled=False, name="mine")
    migrate()
    entry = PeriodicTask.objects.get(task=tick.name)
    assert (entry.name, entry.enabled) == ("mine", False)


@pytest.mark.needs("django_celery_beat")
def test_migrate_tolerates_duplicate_intervals(caplog):
    """The table of django-celery-beat allows duplicate intervals."""
    PeriodicTask.objects.all().delete()
    for period in ("seconds", "hours"):
        IntervalSchedule.objects.create(every=1, period=period)
        IntervalSchedule.objects.create(every=1, period=period)
    migrate()
    assert PeriodicTask.objects.filter(queue="maintenance").count() == 2
    assert not [record for record in caplog.records if record.levelname == "WARNING"]


@pytest.mark.needs("django_celery_beat")
def test_migrate_preserves_other_task_with_same_name(caplog):
    PeriodicTask.objects.filter(task=tick.name).update(task="yours.sweep")
    migrate()
    entry = PeriodicTask.objects.get(name=tick.name)
    assert entry.task == "yours.sweep"
    assert not PeriodicTask.objects.filter(task=tick.name).exists()
    (message,) = run_checks(tags=["maintenance_windows"], databases=["default"])
    assert message.id == "maintenance_windows.W001"
    assert "Another periodic task has its name" in message.hint


@pytest.mark.needs("django_celery_beat")
def test_error_after_migrate_logs_one_warning(caplog):
    """A receiver of the project may fail; receivers of later apps still execute."""
    PeriodicTask.objects.all().delete()
    done = []

    def refuse(**_: object) -> None:
        raise RuntimeError("no more tasks here")

    def follow(**_: object) -> None:
        done.append(True)

    pre_save.connect(refuse, sender=PeriodicTask)
    post_migrate.connect(follow)
    try:
        migrate()
    finally:
        pre_save.disconnect(refuse, sender=PeriodicTask)
        post_migrate.disconnect(follow)
    assert done
    warnings = [r.getMessage() for r in caplog.records if r.levelname == "WARNING"]
    assert warnings == ["After migrate, beat's periodic tasks cannot be made: no more tasks here"]
    assert SiteMaintenance.objects.exists()


@pytest.mark.needs("django_celery_beat")
def test_migrations_reverse_and_reapply():
    migrate("maintenance_windows", "zero")
    try:
        assert not [t for t in connection.introspection.table_names() if "maintenance_w" in t]
        assert run_checks(tags=["maintenance_windows"], databases=["default"]) == []
        assert not PeriodicTask.objects.filter(queue="maintenance").exists()
        Site.objects.create(domain="acme.example")  # there is no table for its flag
    finally:
        migrate("maintenance_windows")
    assert SiteMaintenance.objects.count() == 2
    assert Scheduler.objects.count() == 1
    assert PeriodicTask.objects.filter(queue="maintenance").count() == 2


class Elsewhere:
    """A router that keeps our tables out of this database."""

    def allow_migrate(self, db: str, app_label: str, **hints: object) -> bool | None:
        return False if app_label == "maintenance_windows" else None


def test_database_without_tables_gets_no_flags(settings):
    Site.objects.bulk_create([Site(domain="acme.example")])
    settings.DATABASE_ROUTERS = [f"{__name__}.Elsewhere"]
    migrate()
    assert SiteMaintenance.objects.count() == 1


@pytest.mark.needs("django_celery_beat")
def test_scheduler_str_is_last_tick():
    assert str(Scheduler.objects.get()) == "None"
    tick()
    ticked = Scheduler.objects.get()
    assert str(ticked) == str(ticked.last_tick)
