"""The beat scheduler, where it improves on that of django-celery-beat."""

import logging
from datetime import timedelta

import pytest
import time_machine
from django.db.models.signals import pre_save
from django_celery_beat.models import IntervalSchedule, PeriodicTask

from maintenance_windows.beat import TICK_TASK
from tests.helpers.times import TWO
from worker.factory import make_app
from worker.scheduler import QUIET, FastReconnectScheduler


@pytest.mark.django_db(transaction=True)
def test_scheduler_picks_up_changes_made_during_startup():
    """migrate and beat may start at the same time."""
    tick = PeriodicTask.objects.get(task=TICK_TASK)

    def change(instance: PeriodicTask, **_: object) -> None:
        """Change the entry after beat has read it: beat saves an entry of its own then."""
        if instance.name == "celery.backend_cleanup":
            tick.interval = IntervalSchedule.objects.create(every=7, period="seconds")
            tick.save()

    pre_save.connect(change, sender=PeriodicTask)
    try:
        scheduler = FastReconnectScheduler(app=make_app("memory://"))
    finally:
        pre_save.disconnect(change, sender=PeriodicTask)
    assert scheduler.schedule[tick.name].schedule.run_every == timedelta(seconds=7)


def test_beat_logs_database_errors_once_a_minute(caplog):
    beat = logging.getLogger("django_celery_beat.schedulers")
    with time_machine.travel(TWO, tick=False) as traveller:
        for _ in range(5):
            beat.error("Database gave error: %r", "away")
        beat.error("Database gave error: %r", "locked")
        traveller.shift(QUIET)
        for _ in range(2):
            beat.error("Database gave error: %r", "away")
    said = [record.args for record in caplog.records]
    assert said == [("away",), ("locked",), ("away",)]
