"""The Celery app: `celery -A worker worker` and `celery -A worker beat`, over Redis."""

import os
from typing import Any

from celery import Celery
from celery.signals import beat_init, celeryd_init, setup_logging

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")

app = Celery("worker")
app.config_from_object("worker.settings")
app.autodiscover_tasks()

# Set by `python -m worker`, the one program whose worker and beat share their memory.
EMBEDDED = "embedded"


def refuse_memory(**_: Any) -> None:
    """Two processes cannot share memory: the worker would wait for ever, saying nothing."""
    if app.main != EMBEDDED and app.conf.broker_url.startswith("memory:"):
        raise SystemExit("Set REDIS_URL, or run `python -m worker`, which needs no broker.")


def keep_logging(**_: Any) -> None:
    """Django has configured logging already; with a receiver here Celery leaves it alone."""


setup_logging.connect(keep_logging)
celeryd_init.connect(refuse_memory)
beat_init.connect(refuse_memory)
