"""The verbs that import from other packages."""

from argparse import Namespace

from django.core.management import BaseCommand

from maintenance_windows.core.lines import printable
from maintenance_windows.importer.importing import Imported, take_over
from maintenance_windows.management import arguments


def import_maintenancemode2(command: BaseCommand, given: Namespace) -> None:
    """Import flags and ignored URLs from django-maintenancemode-2."""
    outcome = take_over(actor=arguments.actor(), dry_run=given.dry_run)
    for sentence in outcome.left:
        command.stderr.write(printable(sentence))
    for line in _imported(outcome) or ["Nothing to import: everything is already here."]:
        command.stdout.write(printable(line))
    if given.dry_run:
        command.stdout.write("Dry run: nothing was written.")


def _imported(outcome: Imported) -> list[str]:
    """Return one line for each flag and each pattern."""
    lines = [f"{site.domain}: down until further notice" for site in outcome.closed]
    for ignored in outcome.opened:
        row, written = ignored.row, ignored.written
        there = f" (imported from {written})" if written != row.pattern else ""
        lines.append(f"{row.maintenance.site.domain}: {row.pattern} is exempt{there}")
    return lines
