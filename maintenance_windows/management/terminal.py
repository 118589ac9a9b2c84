"""A command in a terminal, a pipe or a script: colours, widths, and readers that go away."""

import json
import os
import shutil
import sys
from io import TextIOWrapper

from django.core.management import BaseCommand
from django.core.management.color import no_style

from maintenance_windows.management.table import Table, lines

NOBODY_READS = 141  # what a shell says of a program that SIGPIPE ended


class TerminalCommand(BaseCommand):
    """Its tables are cut to the terminal's width; those in a pipe or a file never are."""

    def run_from_argv(self, argv: list[str]) -> None:
        if isinstance(sys.stdout, TextIOWrapper):
            sys.stdout.reconfigure(errors="backslashreplace")  # as standard error is
        try:
            try:
                super().run_from_argv(argv)
            finally:
                self.stdout.flush()
        except BrokenPipeError:
            # The reader has seen enough. Python flushes once more when it exits.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(NOBODY_READS)

    def leave_out_colours(self, *, force_color: bool) -> None:
        """Unless they are asked for: with NO_COLOR (no-color.org) and where no terminal reads.

        Django knows nothing of the first, and looks at sys.stdout wherever the output goes.
        """
        if not force_color and (os.environ.get("NO_COLOR") or not self.stdout.isatty()):
            self.style = no_style()
            self.stderr.style_func = None

    def print_tables(self, *tables: Table) -> None:
        columns = shutil.get_terminal_size().columns if self.stdout.isatty() else None
        for table in tables:
            for line in lines(table, columns):
                self.stdout.write(line)

    def print_json(self, value: object) -> None:
        self.stdout.write(json.dumps(value, indent=2))
