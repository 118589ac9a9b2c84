"""What moves in from elsewhere."""

from argparse import Namespace

from maintenance_windows.importer.importing import Imported, take_over
from maintenance_windows.management import arguments
from maintenance_windows.management.command import OneLineCommand
from maintenance_windows.management.table import printable


class TakeoverVerbs(OneLineCommand):
    def do_import_maintenancemode2(self, given: Namespace) -> None:
        outcome = take_over(actor=arguments.actor(), dry_run=given.dry_run)
        for sentence in outcome.left:
            self.stderr.write(printable(sentence))
        for line in taken(outcome) or ["Nothing to take: what can be taken is here already."]:
            self.stdout.write(printable(line))
        if given.dry_run:
            self.stdout.write("Nothing was written: this was --dry-run.")


def taken(outcome: Imported) -> list[str]:
    """One line for each flag and each pattern."""
    lines = [f"{site.domain}: in maintenance until switched off" for site in outcome.closed]
    for ignored in outcome.opened:
        row, written = ignored.row, ignored.written
        there = f", written {written} there" if written != row.pattern else ""
        lines.append(f"{row.maintenance.site.domain}: {row.pattern} stays open{there}")
    return lines
