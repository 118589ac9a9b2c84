"""The project's settings, with what a line of the matrix asks for."""

import os
from typing import Any

from project.settings import *  # noqa: F403
from project.settings import DATABASES

ROOT_URLCONF = "tests.servers.urls"
if os.environ.get("SERVERS_POOL"):
    DATABASES["default"]["CONN_MAX_AGE"] = 0
    DATABASES["default"].setdefault("OPTIONS", {})["pool"] = {"min_size": 1, "max_size": 2}
if name := os.environ.get("SERVERS_REPLICA"):
    DATABASES["replica"] = DATABASES["default"] | {"NAME": name}
    DATABASE_ROUTERS = ["tests.servers.settings.ReadsFromReplica"]


class ReadsFromReplica:
    """The router of Django's documentation: reads go to the replica, writes to the primary."""

    def db_for_read(self, model: Any, **hints: Any) -> str:
        return "replica"

    def db_for_write(self, model: Any, **hints: Any) -> str:
        return "default"

    def allow_relation(self, first: Any, second: Any, **hints: Any) -> bool:
        return True
