"""The verbs that run the scheduler without Celery: once, or as a process."""

import signal
import time
from argparse import Namespace

from django.core.management import BaseCommand

from maintenance_windows.models import SchedulerKind
from maintenance_windows.models.scheduler import IncompleteDatabase
from maintenance_windows.planning import series
from maintenance_windows.reconcile import guard
from maintenance_windows.reconcile import tick as ticks
from maintenance_windows.reconcile.loop import Loop


def tick(command: BaseCommand, given: Namespace) -> None:
    """Run the scheduler once; for cron instead of Celery."""
    _tick(SchedulerKind.CRON)
    series.materialise()


def scheduler(command: BaseCommand, given: Namespace) -> None:
    """Run the scheduler until SIGTERM or Ctrl-C; a process instead of Celery."""
    if given.once:
        _tick(SchedulerKind.PROCESS)
        series.materialise()
        return
    loop = Loop(hourly=series.materialise)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: loop.stopping.set())
    command.stdout.write("The scheduler runs every second until SIGTERM or Ctrl-C.")
    command.stdout.flush()
    loop.run()
    command.stdout.write("The scheduler has stopped.")


def _tick(kind: SchedulerKind) -> None:
    """Tick once. If rows are missing, wait as long as a continuing process would."""
    stop = time.monotonic() + guard.PATIENCE + 1
    while True:
        try:
            ticks.tick(kind=kind)
        except IncompleteDatabase:
            if time.monotonic() > stop:
                raise
            time.sleep(1)
        else:
            return
