"""The verbs for recurring windows."""

from argparse import Namespace
from datetime import date, datetime
from typing import Any

from django.contrib.sites.models import Site
from django.core.management import BaseCommand, CommandError

from maintenance_windows.core.lines import printable
from maintenance_windows.management import arguments, output, tables
from maintenance_windows.models import WindowSeries
from maintenance_windows.overview import status
from maintenance_windows.planning import series
from maintenance_windows.planning.series.preview import upcoming
from maintenance_windows.snapshot import clock

MOST_PREVIEWED = 1000


def repeat(command: BaseCommand, given: Namespace) -> None:
    """Schedule a recurring window on each site."""
    sites = arguments.sites(given.sites)
    start = arguments.wall_clock(given.start)
    template = WindowSeries(
        rule=given.rule,
        starts_on=start.date(),
        start_time=start.time(),
        zone=given.zone,
        **_length(given, start),
        excluded=[arguments.day(text) for text in given.excluded],
        level=arguments.level(given),
        title=given.title,
        message=given.message,
        published_at=arguments.moment(given.publish, clock.now()) if given.publish else None,
    )
    if given.preview is not None:
        _preview(command, given, template, sites)
        output.print_notes(command, series.notes(template, sites, clock.now()))
    else:
        series.check(template, clock.now())
        notes = series.notes(template, sites, clock.now())  # of others: before it is one of them
        actor = arguments.actor()
        outcomes = series.repeat(sites, template, start_now=given.now, actor=actor)
        if given.json:
            made = [window for outcome in outcomes for window in outcome.made]
            output.print_windows(command, made, as_json=True)
        else:
            for outcome in outcomes:
                command.stdout.write(output.series_line(outcome))
        output.print_notes(command, notes)


def _preview(
    command: BaseCommand, given: Namespace, template: WindowSeries, sites: list[Site]
) -> None:
    now = clock.now()
    if not 1 <= given.preview <= MOST_PREVIEWED:
        raise CommandError(f"--preview takes a number from 1 to {MOST_PREVIEWED}.")
    series.check(template, now)
    zone = template.recurrence().zone
    coming = list(upcoming(template, sites, now, given.preview))
    if given.json:
        made = [one for one, skipped in coming if len(skipped) < len(sites)]
        output.print_json(command, status.occurrences(made))
    else:
        for occurrence, skipped in coming:
            line = output.occurrence_line(occurrence, zone) + output.skipped_note(sites, skipped)
            command.stdout.write(printable(line))


def _length(given: Namespace, start: datetime) -> dict[str, Any]:
    """Return the length: exact, or up to a first end on the local clock."""
    if given.until is None:
        return {"length": arguments.length(given.length)}
    return {"length": arguments.wall_clock(given.until) - start, "by_clock": True}


def show_series(command: BaseCommand, given: Namespace) -> None:
    """List recurring windows."""
    found = WindowSeries.objects.select_related("site").order_by("site__domain", "pk")
    if given.sites:
        found = found.filter(site__in=arguments.sites(given.sites))
    if not given.past:
        found = found.going_on()
    records = status.series(found, clock.now())
    if given.json:
        output.print_json(command, records)
    elif records:
        output.print_tables(command, tables.series_table(records, command.style))
    else:
        command.stdout.write("No recurring windows.")


def end(command: BaseCommand, given: Namespace) -> None:
    """End a recurring window: cancel its upcoming windows, and create no more."""
    outcome = series.end(given.series, with_edited=given.with_edited, actor=arguments.actor())
    command.stdout.write(output.ended_line(outcome))


def skip(command: BaseCommand, given: Namespace) -> None:
    """Skip one date of a recurring window."""
    day = arguments.local_date(given.date)
    series.skip(given.series, day, actor=arguments.actor())
    command.stdout.write(output.date_line(given.series, day, "skipped"))


def unskip(command: BaseCommand, given: Namespace) -> None:
    """Undo the skipping or cancellation of one date of a recurring window."""
    day = arguments.local_date(given.date)
    _unskip(command, given.series, day, given.override)


def restore(command: BaseCommand, given: Namespace) -> None:
    """Restore a cancelled window."""
    number, day = arguments.occurrence(given.window)
    if day is not None:
        _unskip(command, number, day, given.override)
    else:
        window = series.restore(number, override=given.override, actor=arguments.actor())
        output.print_windows(command, [window])


def _unskip(command: BaseCommand, number: int, day: date, override: str) -> None:
    series.unskip(number, day, override=override, actor=arguments.actor())
    command.stdout.write(output.date_line(number, day, "takes place"))
