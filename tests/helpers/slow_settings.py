"""The project's settings with a database whose every query takes 20 ms."""

import time
from collections.abc import Callable
from typing import Any

from django.db.backends.signals import connection_created

from project.settings import *  # noqa: F403

DELAY = 0.02


def delay(execute: Callable[..., Any], *args: Any) -> Any:
    time.sleep(DELAY)
    return execute(*args)


def slow_down(connection: Any, **_: Any) -> None:
    if delay not in connection.execute_wrappers:  # which stay when it connects again
        connection.execute_wrappers.append(delay)


connection_created.connect(slow_down)
