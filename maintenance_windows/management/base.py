"""A command that says in one line what it refuses: an argument, a change, or a database's error."""

import os
import sys
from argparse import Namespace
from io import TextIOWrapper
from typing import Any, NoReturn

from django.core.management import BaseCommand, CommandError, CommandParser
from django.core.management.base import OutputWrapper
from django.db import Error as DatabaseError

from maintenance_windows.exceptions import Refused

NOBODY_READS = 141  # what a shell says of a program that SIGPIPE ended


class OneLineParser(CommandParser):
    """Says what is wrong with the arguments as the command says what is wrong with their values."""

    def error(self, message: str) -> NoReturn:
        if self.called_from_command_line:
            self.exit(1, f"{self.prog}: {message}\n")
        raise CommandError(message)


class OneLineCommand(BaseCommand):
    """The parser's default `func` does the work: it is given the command and the arguments."""

    # A setting that is mistyped must not keep anybody from bringing a site up.
    requires_system_checks = ()

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        # Django always makes a CommandParser. As a parent it hands its arguments to this one.
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
            # The reader has seen enough. Python flushes once more when it exits.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(NOBODY_READS)

    def execute(self, *args: Any, **options: Any) -> str | None:
        """Leaves out colours with NO_COLOR (no-color.org) and where no terminal reads.

        Django knows nothing of the first, and looks at sys.stdout wherever the output goes.
        """
        stdout: Any = options.get("stdout") or self.stdout
        out = OutputWrapper(stdout)
        if not options["force_color"] and (os.environ.get("NO_COLOR") or not out.isatty()):
            options["no_color"] = True
        return super().execute(*args, **options)

    def handle(self, *_: Any, **options: Any) -> None:
        try:
            options["func"](self, Namespace(**options))
        except Refused as refusal:
            raise CommandError(str(refusal)) from None
        except DatabaseError as error:
            raise CommandError(unanswered(error)) from error


def unanswered(error: DatabaseError) -> str:
    said = next(iter(str(error).splitlines()), type(error).__name__)
    return f"The database does not answer as it should: {said}"
