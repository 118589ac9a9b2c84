"""What one may tell a series."""

from argparse import Namespace
from itertools import islice

from django.contrib.sites.models import Site
from django.core.management import CommandError
from django.utils import timezone

from maintenance_windows.management import arguments
from maintenance_windows.management.presentation import occurrence_line, series_line
from maintenance_windows.management.verbs.windows import WindowVerbs
from maintenance_windows.models import WindowSeries
from maintenance_windows.overview import status
from maintenance_windows.planning import series

MOST_PREVIEWED = 1000


class SeriesVerbs(WindowVerbs):
    def do_repeat(self, given: Namespace) -> None:
        sites = arguments.sites(given.sites)
        template = WindowSeries(
            rule=given.rule,
            starts_on=(start := arguments.wall_clock(given.start)).date(),
            start_time=start.time(),
            zone=given.zone,
            length=arguments.length(given.length),
            excluded=[arguments.day(text) for text in given.excluded],
            level=arguments.level(given),
            title=given.title,
            message=given.message,
        )
        if given.preview is not None:
            self.preview(template, given)
        else:
            self.repeat(sites, template, given)
        if template.recurrence().overlaps(timezone.now()):
            self.stderr.write("Note: the windows of this series overlap one another.")

    def repeat(self, sites: list[Site], template: WindowSeries, given: Namespace) -> None:
        outcomes = series.repeat(sites, template, actor=arguments.actor())
        if given.json:
            made = [window for outcome in outcomes for window in outcome.made]
            self.print_windows(made, as_json=True)
        else:
            for outcome in outcomes:
                self.stdout.write(series_line(outcome))

    def preview(self, template: WindowSeries, given: Namespace) -> None:
        now = timezone.now()
        if not 1 <= given.preview <= MOST_PREVIEWED:
            raise CommandError(f"--preview takes a number from 1 to {MOST_PREVIEWED}.")
        series.check(template, now)
        recurrence = template.recurrence()
        coming = list(islice(recurrence.occurrences(now), given.preview))
        if given.json:
            self.print_json(status.occurrences(coming))
        else:
            for occurrence in coming:
                self.stdout.write(occurrence_line(occurrence, recurrence.zone))
