"""A command that reports each error in one line: of an argument, a change or the database."""

import os
import sys
from argparse import Namespace
from contextlib import suppress
from io import TextIOWrapper
from typing import Any, NoReturn

from django.core.management import BaseCommand, CommandError, CommandParser
from django.core.management.base import OutputWrapper
from django.db import Error as DatabaseError

from maintenance_windows.core.lines import printable
from maintenance_windows.exceptions import Refused
from maintenance_windows.snapshot import clock

NOBODY_READS = 141  # the exit status of a program ended by SIGPIPE


class OneLineParser(CommandParser):
    """Report wrong arguments in the same form as the command reports wrong values."""

    def error(self, message: str) -> NoReturn:
        if self.called_from_command_line:
            self.exit(1, f"{self.prog}: {message}\n")
        raise CommandError(message)


class OneLineCommand(BaseCommand):
    """Call the parser's default `func` with the command and the arguments."""

    # A mistyped setting must not prevent bringing a site up.
    requires_system_checks = ()

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        # Django always creates a CommandParser. As a parent, it passes its arguments on to ours.
        parent = super().create_parser(prog_name, subcommand, add_help=False, **kwargs)
        return OneLineParser(
            parents=[parent],
            prog=parent.prog,
            description=parent.description,
            formatter_class=parent.formatter_class,
            called_from_command_line=parent.called_from_command_line,
        )

    def run_from_argv(self, argv: list[str]) -> None:
        if isinstance(sys.stdout, TextIOWrapper):
            sys.stdout.reconfigure(errors="backslashreplace")  # as standard error is
        try:
            try:
                super().run_from_argv(argv)
            finally:
                self.stdout.flush()
        except BrokenPipeError:
            # The reader closed the pipe. Redirect stdout, because Python flushes it again on exit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(NOBODY_READS)

    def execute(self, *args: Any, **options: Any) -> str | None:
        """Disable colours if NO_COLOR (no-color.org) is set or the output is no terminal.

        Django ignores NO_COLOR, and looks at sys.stdout even if the output goes elsewhere.
        """
        stdout: Any = options.get("stdout") or self.stdout
        out = OutputWrapper(stdout)
        if not options["force_color"] and (os.environ.get("NO_COLOR") or not out.isatty()):
            options["no_color"] = True
        return super().execute(*args, **options)

    def handle(self, *_: Any, **options: Any) -> None:
        try:
            with suppress(DatabaseError):  # the verb itself reports it
                clock.ask()  # from now on, what the verb computes is right on any host
            options["func"](self, Namespace(**options))
        except Refused as refusal:
            raise CommandError(printable(str(refusal))) from None
        except DatabaseError as error:
            raise CommandError(unanswered(error)) from error


def unanswered(error: DatabaseError) -> str:
    said = next(iter(str(error).splitlines()), type(error).__name__)
    return f"The database does not answer as it should: {said}"
