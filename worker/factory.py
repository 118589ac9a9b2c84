"""The one way in which a Celery app is made here, whatever its broker."""

import os

import django
from celery import Celery, signals


def make_app(broker: str, **transport_options: float | bool) -> Celery:
    """An app with the settings of worker.settings and the tasks of all installed apps."""
    app = Celery("worker", broker=broker, config_source="worker.settings")
    app.conf.broker_transport_options = transport_options
    app.autodiscover_tasks()
    return app


def set_up_django() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
    # Else Celery has Django's checks load every view, and throws away what they find.
    os.environ.setdefault("CELERY_SKIP_CHECKS", "1")
    django.setup()


@signals.setup_logging.connect
def keep_logging(**_: object) -> None:
    """Django has configured logging already; with a receiver here Celery leaves it alone."""
