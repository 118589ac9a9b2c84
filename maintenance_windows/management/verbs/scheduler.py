"""The verbs that keep the flags without Celery: one tick, or a process that runs on."""

import signal
from argparse import Namespace

from django.core.management import BaseCommand

from maintenance_windows.models import SchedulerKind
from maintenance_windows.planning import series
from maintenance_windows.reconcile import tick as ticks
from maintenance_windows.reconcile.loop import Loop


def tick(command: BaseCommand, given: Namespace) -> None:
    """Make all flags and windows of series right once; for cron instead of Celery."""
    ticks.tick(kind=SchedulerKind.CRON)
    series.materialise()


def scheduler(command: BaseCommand, given: Namespace) -> None:
    """Keep all flags and windows of series right, until SIGTERM or Ctrl-C; without Celery."""
    if given.once:
        ticks.tick(kind=SchedulerKind.PROCESS)
        series.materialise()
        return
    loop = Loop(hourly=series.materialise)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: loop.stopping.set())
    command.stdout.write("The scheduler ticks each second, until SIGTERM or Ctrl-C.")
    command.stdout.flush()
    loop.run()
    command.stdout.write("The scheduler has ended.")
