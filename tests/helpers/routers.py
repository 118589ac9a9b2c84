"""Routers of projects with a read replica, as Django's documentation has them."""

import os
import traceback
from typing import Any

from django.db import connections

APP = f"{os.sep}maintenance_windows{os.sep}"


class NoReadsInTransactions:
    """Refuses our reads that are left to the router inside a transaction, as reconcile's are.

    What Django reads by itself, such as before it deletes a site, is not ours.
    """

    def db_for_read(self, model: Any, **hints: Any) -> str | None:
        is_ours = any(APP in frame.filename for frame in traceback.extract_stack())
        if is_ours and model._meta.app_label in {"maintenance_windows", "sites"}:
            assert not connections["default"].in_atomic_block, f"{model} is read from a replica"
        return None


class StaleReplica:
    """Reads sites and windows from a replica that never follows: it has what it had at first."""

    def db_for_read(self, model: Any, **hints: Any) -> str | None:
        is_ours = model._meta.app_label in {"maintenance_windows", "sites"}
        return "replica" if is_ours else None

    def db_for_write(self, model: Any, **hints: Any) -> str:
        return "default"

    def allow_relation(self, first: Any, second: Any, **hints: Any) -> bool:
        return True
