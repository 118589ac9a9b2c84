"""The verbs for sites."""

from argparse import Namespace

from django import db
from django.conf import settings
from django.contrib.sites.models import Site
from django.core.management import BaseCommand, CommandError

from maintenance_windows.core.intervals import rfc3339
from maintenance_windows.core.lines import printable
from maintenance_windows.management import arguments, output, tables, terminal
from maintenance_windows.management.base import unanswered
from maintenance_windows.management.terminal import Cell, Table
from maintenance_windows.overview import passing, status
from maintenance_windows.planning import bypass as links
from maintenance_windows.planning import frozen
from maintenance_windows.planning.sites import bring_up, take_down
from maintenance_windows.snapshot import clock


def show_status(command: BaseCommand, given: Namespace) -> None:
    """Show the state of each site, and its next window."""
    if given.watch is not None:
        _watch(command, given)
        return
    now = clock.now()
    records, scheduler = status.sites(_shown(given), now), status.scheduler(now)
    forced = status.forced()
    if given.json:
        record = {
            "at": rfc3339(now),
            "scheduler": scheduler,
            "snapshot": status.snapshot(now),
            "clock_off": round(clock.off().total_seconds(), 1),
            "sites": records,
            "passes": passing.facts(),
        }
        output.print_json(command, record | ({"forced": forced} if forced else {}))
    else:
        if forced:
            command.stderr.write(_overruled(forced))
        shown, sums = tables.status_tables(records, scheduler, now, command.style, forced)
        output.print_tables(command, shown, Table([[Cell(output.passing_line())]]), sums)
        if wrong := clock.problem(clock.off()):
            command.stdout.write(command.style.ERROR(wrong))
    if given.check and not scheduler["healthy"]:
        last = scheduler["last_tick"]
        raise CommandError(
            f"The scheduler last ran at {output.local(last)} and appears to be down."
            if last
            else "The scheduler has never run."
        )


def _watch(command: BaseCommand, given: Namespace) -> None:
    if given.json or given.check:
        raise CommandError("--watch cannot be combined with --json or --check.")
    if not terminal.is_terminal(command.stdout):
        raise CommandError("--watch requires a terminal.")
    _shown(given)  # refuse wrong arguments before drawing anything
    style = command.style

    def frame(columns: int) -> list[str]:
        """Return the current lines. Connections are closed, not kept open between frames."""
        now = clock.now()
        head = f"{output.local(now.isoformat())}, every {given.watch:g} s until Ctrl-C"
        shown = [Table([[Cell(head)]]), Table([[Cell("")]])]
        try:
            records, scheduler = status.sites(_shown(given), now), status.scheduler(now)
            if forced := status.forced():
                shown.append(Table([[Cell(_overruled(forced), style.ERROR)]]))
            shown += tables.status_tables(records, scheduler, now, style, forced)
        except db.Error as error:
            shown.append(Table([[Cell(unanswered(error), style.ERROR)]]))
        finally:
            db.connections.close_all()
            db.reset_queries()  # with DEBUG, Django keeps every query
        return [line for table in shown for line in terminal.lines(table, columns)]

    terminal.repeat(command.stdout, frame, given.watch)


def _shown(given: Namespace) -> list[Site]:
    """Return the named sites, or all."""
    return arguments.sites(given.sites, everyone=not given.sites)


def _overruled(forced: str) -> str:
    return f"MAINTENANCE_FORCE is {forced} and overrides the flags of all sites."


def down(command: BaseCommand, given: Namespace) -> None:
    """Take sites down now, until a given time or until further notice."""
    sites = arguments.sites(given.sites, everyone=given.everyone)
    open_ended = given.until is None and given.length is None
    now = clock.now()
    take_down(
        sites,
        until=None if open_ended else arguments.end(given, now, now),
        level=arguments.level(given),
        message=given.message,
        actor=arguments.actor(),
    )
    output.print_sites(command, sites)
    for site, met in frozen.frozen_now(sites, clock.now()):
        text = f"Note: {site.domain} is in a freeze ({met.reason})."
        command.stderr.write(printable(text), style_func=str)
    # Not among the lines for the sites, which scripts read.
    command.stderr.write(output.passing_line(), style_func=str)


def up(command: BaseCommand, given: Namespace) -> None:
    """Bring sites up now, and end their windows in progress."""
    sites = arguments.sites(given.sites, everyone=given.everyone)
    ended = bring_up(sites, actor=arguments.actor())
    output.print_sites(command, sites, ended)


def bypass(command: BaseCommand, given: Namespace) -> None:
    """Create a bypass link, with which testers use a site while it is down."""
    sites = arguments.sites(given.sites)
    if given.revoke:
        links.revoke(sites, actor=arguments.actor())
        for site in sites:
            command.stdout.write(printable(f"{site.domain}: all bypass links revoked"))
        return
    length = None if given.length is None else arguments.length(given.length)
    actor = arguments.actor()
    for link in [links.make(site, length=length, actor=actor) for site in sites]:
        command.stdout.write(printable(link.url(secure=settings.SESSION_COOKIE_SECURE)))
