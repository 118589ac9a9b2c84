"""The permissions of users in the admin, and what they are worth to the verbs of planning."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Rights:
    """What a person may do besides planning. The verbs refuse the rest.

    The permissions to add and change rows are Django's, which checks them where it shows rows.
    `operate`: take sites down, bring them up, start, extend and end windows, and whatever makes a
    window start at once. `freeze`: freeze sites, end freezes, and plan in a freeze.
    """

    operate: bool = True
    freeze: bool = True


ALL_RIGHTS = Rights()  # of code and of the shell


def may_see_all_windows(user: Any) -> bool:
    """Return whether a user may see the overview, all titles and the staff calendar."""
    sees = any(
        user.has_perm(f"maintenance_windows.{verb}_maintenancewindow")
        for verb in ("view", "change")
    )
    return bool(user.is_active and user.is_staff and sees)


def may_operate(user: Any) -> bool:
    """Return whether a user may take sites down, bring them up, and start or end windows."""
    return bool(user.has_perm("maintenance_windows.operate_sitemaintenance"))


def may_freeze(user: Any) -> bool:
    """Return whether a user may freeze sites, end freezes, and plan windows in a freeze."""
    return bool(user.has_perm("maintenance_windows.freeze_sites"))


def may_plan(user: Any) -> bool:
    """Return whether a user may schedule windows."""
    return bool(user.has_perm("maintenance_windows.add_maintenancewindow"))


def may_plan_series(user: Any) -> bool:
    """Return whether a user may schedule recurring windows."""
    return bool(user.has_perm("maintenance_windows.add_windowseries"))
