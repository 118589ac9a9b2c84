"""A command that says in one line what it refuses, be it an argument, a change or the database."""

from argparse import Namespace
from typing import Any, NoReturn

from django.core.management import CommandError, CommandParser
from django.db import Error as DatabaseError

from maintenance_windows.exceptions import Refused
from maintenance_windows.management import report
from maintenance_windows.management.terminal import TerminalCommand


class OneLineParser(CommandParser):
    """Says what is wrong with the arguments as it says what is wrong with their values."""

    def error(self, message: str) -> NoReturn:
        if self.called_from_command_line:
            self.exit(1, f"{self.prog}: {message}\n")
        raise CommandError(message)


class OneLineCommand(TerminalCommand):
    # A setting that is mistyped must not keep anybody from bringing a site up.
    requires_system_checks = ()

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        parser = super().create_parser(prog_name, subcommand, **kwargs)
        parser.__class__ = OneLineParser  # BaseCommand leaves no other way to choose it
        return parser

    def handle(self, *_: Any, **options: Any) -> None:
        self.leave_out_colours(force_color=options["force_color"])
        try:
            self.obey(Namespace(**options))
        except Refused as refusal:
            raise CommandError(str(refusal)) from None
        except DatabaseError as error:
            raise CommandError(report.unanswered(error)) from error

    def obey(self, given: Namespace) -> None:
        """Do what was asked, or raise Refused."""
