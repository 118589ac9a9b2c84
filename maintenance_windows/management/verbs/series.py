"""The verbs for recurring windows."""

from argparse import Namespace

from django.contrib.sites.models import Site
from django.core.management import BaseCommand, CommandError

from maintenance_windows.management import arguments, output
from maintenance_windows.models import WindowSeries
from maintenance_windows.overview import status
from maintenance_windows.planning import series
from maintenance_windows.planning.series.preview import upcoming
from maintenance_windows.snapshot import clock
from maintenance_windows.wording.lines import printable

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
        length=arguments.length(given.length),
        excluded=[arguments.day(text) for text in given.excluded],
        level=arguments.level(given),
        title=given.title,
        message=given.message,
    )
    if given.preview is not None:
        _preview(command, given, template, sites)
    else:
        outcomes = series.repeat(sites, template, actor=arguments.actor())
        if given.json:
            made = [window for outcome in outcomes for window in outcome.made]
            output.print_windows(command, made, as_json=True)
        else:
            for outcome in outcomes:
                command.stdout.write(output.series_line(outcome))
    if template.recurrence().overlaps(clock.now()):
        command.stderr.write("Note: these windows overlap.")


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
