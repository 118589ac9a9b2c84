"""The beat scheduler, where it improves on that of django-celery-beat."""

import logging
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.db import OperationalError, connection
from django.db.models.signals import pre_save
from django_celery_beat.models import IntervalSchedule, PeriodicTask

from maintenance_windows.beat import TICK_TASK
from worker.factory import make_app
from worker.scheduler import FastReconnectScheduler


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


@pytest.fixture
def refuse() -> Iterator[Callable[[str], AbstractContextManager[None]]]:
    """The database refuses statements that begin with a word, within a block."""

    @contextmanager
    def refuse(word: str) -> Iterator[None]:
        def wrapper(execute: Callable[..., object], sql: str, *args: object) -> object:
            if sql.startswith(word):
                raise OperationalError("refused\nby every address")
            return execute(sql, *args)

        with connection.execute_wrapper(wrapper):
            yield

    return refuse


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("word", ["", "UPDATE", "SELECT"])
def test_beat_logs_database_outage_once(word, refuse, caplog):
    scheduler = FastReconnectScheduler(app=make_app("memory://"))
    entries = list(scheduler.schedule.values())

    def ticks() -> None:
        for entry in entries * 3:
            scheduler.reserve(entry)
            scheduler.sync()
            scheduler.sync()
            assert scheduler.schedule

    with refuse(word):
        ticks()
    ticks()
    away, again = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert away.getMessage().endswith(": refused by every address")
    assert again.getMessage() == "Beat can use the database again."
    assert not away.exc_info


@pytest.mark.django_db(transaction=True)
def test_beat_goes_on_when_full_read_fails(refuse):
    scheduler = FastReconnectScheduler(app=make_app("memory://"))
    known = set(scheduler.schedule)
    with refuse("SELECT"), time_machine.travel(datetime.now(UTC) + timedelta(minutes=6)):
        assert set(scheduler.schedule) == known
    assert set(scheduler.schedule) == known
