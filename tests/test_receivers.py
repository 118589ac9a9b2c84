"""What exists after migrate without anybody making it."""

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


def test_the_site_that_django_makes_has_its_row():
    assert SiteMaintenance.objects.get().site == Site.objects.get(domain="example.com")


def test_every_site_saved_later_has_its_row_once():
    site = Site.objects.create(domain="acme.example")
    site.name = "Acme"
    site.save()
    assert SiteMaintenance.objects.filter(site=site).count() == 1


def test_migrate_makes_the_rows_of_sites_made_in_bulk():
    Site.objects.bulk_create(Site(domain=f"s{n}.example") for n in range(3))
    assert SiteMaintenance.objects.count() == 1
    migrate()
    assert SiteMaintenance.objects.count() == 4


def test_fixtures_may_hold_sites_and_their_rows(tmp_path):
    Site.objects.create(domain="acme.example")
    fixture = tmp_path / "sites.json"
    with fixture.open("w") as output:
        call_command("dumpdata", "sites", "maintenance_windows", stdout=output)
    Site.objects.all().delete()
    call_command("loaddata", str(fixture), verbosity=0)
    assert SiteMaintenance.objects.count() == 2


@pytest.mark.needs("django_celery_beat")
def test_beat_has_its_entry_for_the_tick():
    entry = PeriodicTask.objects.get(task=tick.name)
    assert tick.name == entry.task
    assert (str(entry.interval), entry.enabled, entry.queue) == (
        "every second",
        True,
        "maintenance",
    )
    assert (entry.expire_seconds, entry.expires) == (30, None)


@pytest.mark.needs("django_celery_beat")
def test_an_operators_changes_to_it_stay():
    PeriodicTask.objects.filter(task=tick.name).update(enabled=False, name="mine")
    migrate()
    entry = PeriodicTask.objects.get(task=tick.name)
    assert (entry.name, entry.enabled) == ("mine", False)


@pytest.mark.needs("django_celery_beat")
def test_equal_intervals_of_the_project_end_no_migration(caplog):
    """Nothing in django-celery-beat's table keeps them from being there twice."""
    PeriodicTask.objects.all().delete()
    for period in ("seconds", "hours"):
        IntervalSchedule.objects.create(every=1, period=period)
        IntervalSchedule.objects.create(every=1, period=period)
    migrate()
    assert PeriodicTask.objects.filter(queue="maintenance").count() == 2
    assert not [record for record in caplog.records if record.levelname == "WARNING"]


@pytest.mark.needs("django_celery_beat")
def test_a_task_of_the_project_that_has_our_name_is_left_alone(caplog):
    PeriodicTask.objects.filter(task=tick.name).update(task="yours.sweep")
    migrate()
    entry = PeriodicTask.objects.get(name=tick.name)
    assert entry.task == "yours.sweep"
    assert not PeriodicTask.objects.filter(task=tick.name).exists()
    (message,) = run_checks(tags=["maintenance_windows"], databases=["default"])
    assert message.id == "maintenance_windows.W001"
    assert "A periodic task of yours has its name" in message.hint


@pytest.mark.needs("django_celery_beat")
def test_what_goes_wrong_after_migrate_is_one_warning(caplog):
    """As where the project listens to beat's rows, and later apps have work to do after ours."""
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
def test_the_app_is_migrated_back_and_forth():
    migrate("maintenance_windows", "zero")
    try:
        assert not [t for t in connection.introspection.table_names() if "maintenance_w" in t]
        assert run_checks(tags=["maintenance_windows"], databases=["default"]) == []
        assert not PeriodicTask.objects.filter(queue="maintenance").exists()
        Site.objects.create(domain="acme.example")  # there is no table for its row
    finally:
        migrate("maintenance_windows")
    assert SiteMaintenance.objects.count() == 2
    assert Scheduler.objects.count() == 1
    assert PeriodicTask.objects.filter(queue="maintenance").count() == 2


class Elsewhere:
    """Keeps none of our tables in this database."""

    def allow_migrate(self, db: str, app_label: str, **hints: object) -> bool | None:
        return False if app_label == "maintenance_windows" else None


def test_a_database_that_has_none_of_our_tables_gets_no_rows(settings):
    Site.objects.bulk_create([Site(domain="acme.example")])
    settings.DATABASE_ROUTERS = [f"{__name__}.Elsewhere"]
    migrate()
    assert SiteMaintenance.objects.count() == 1


@pytest.mark.needs("django_celery_beat")
def test_the_schedulers_row_says_when_it_ticked_last():
    assert str(Scheduler.objects.get()) == "None"
    tick()
    ticked = Scheduler.objects.get()
    assert str(ticked) == str(ticked.last_tick)
