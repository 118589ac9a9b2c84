"""Maintenance windows from the shell: `manage.py maintenance --help`."""

from argparse import ArgumentParser

from maintenance_windows.management.base import OneLineCommand
from maintenance_windows.management.parser import add_verbs


class Command(OneLineCommand):
    help = "Schedule maintenance windows, and take sites down or bring them up."

    def add_arguments(self, parser: ArgumentParser) -> None:
        add_verbs(parser)
