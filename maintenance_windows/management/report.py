"""What `status` shows, once or again and again."""

from datetime import datetime

from django.contrib.sites.models import Site
from django.core.management.color import Style
from django.db import Error as DatabaseError
from django.db import connections, reset_queries
from django.utils import timezone

from maintenance_windows.management import arguments
from maintenance_windows.management.presentation import local, scheduler_rows, site_rows
from maintenance_windows.management.table import Cell, Table, lines
from maintenance_windows.overview import status


def shown(names: list[str]) -> list[Site]:
    """The sites named, else all."""
    return arguments.sites(names, everyone=not names)


def frame(names: list[str], every: float, style: Style, columns: int) -> list[str]:
    """What is to be seen now. No connection stays open until the next one."""
    now = timezone.now()
    head = f"{local(now.isoformat())}, every {every:g} s until Ctrl-C"
    tables: list[Table] = [[[Cell(head)]], [[Cell("")]]]
    try:
        tables += _tables(names, now, style)
    except DatabaseError as error:
        tables.append([[Cell(unanswered(error), style.ERROR)]])
    finally:
        connections.close_all()
        reset_queries()  # with DEBUG each is kept
    return [line for table in tables for line in lines(table, columns)]


def _tables(names: list[str], now: datetime, style: Style) -> list[Table]:
    sites = site_rows(status.sites(shown(names), now), style)
    scheduler = scheduler_rows(status.scheduler(now), now, style)
    forced = status.forced()
    above: list[Table] = [[[Cell(overruled(forced), style.ERROR)]]] if forced else []
    return [*above, sites, scheduler]


def overruled(forced: str) -> str:
    return f"MAINTENANCE_FORCE is {forced}: it overrules what follows."


def unanswered(error: DatabaseError) -> str:
    said = next(iter(str(error).splitlines()), type(error).__name__)
    return f"The database does not answer as it should: {said}"
