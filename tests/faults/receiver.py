"""An app whose receivers raise; see tests/faults/settings.py."""

from django.apps import AppConfig


class ReceiverError(Exception):
    pass


def fail(**_: object) -> None:
    raise ReceiverError("this receiver always does")


class Failing(AppConfig):
    name = "tests.faults"
    label = "faults"

    def ready(self) -> None:
        from maintenance_windows import signals

        signals.maintenance_started.connect(fail)
        signals.maintenance_ended.connect(fail)
