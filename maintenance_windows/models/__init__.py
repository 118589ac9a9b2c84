from maintenance_windows.models.base import ACTOR_LENGTH, REASON_LENGTH, TITLE_LENGTH
from maintenance_windows.models.bypass import BypassLink
from maintenance_windows.models.calendar import CalendarToken
from maintenance_windows.models.freeze import Freeze
from maintenance_windows.models.history import IMPORTED, Change, Transition
from maintenance_windows.models.overview import Overview
from maintenance_windows.models.scheduler import Scheduler, SchedulerKind
from maintenance_windows.models.series import CancelledOccurrence, WindowSeries
from maintenance_windows.models.site import IgnoredURL, SiteMaintenance, all_sites, site_named
from maintenance_windows.models.window import MaintenanceWindow

__all__ = [
    "ACTOR_LENGTH",
    "IMPORTED",
    "REASON_LENGTH",
    "TITLE_LENGTH",
    "BypassLink",
    "CalendarToken",
    "CancelledOccurrence",
    "Change",
    "Freeze",
    "IgnoredURL",
    "MaintenanceWindow",
    "Overview",
    "Scheduler",
    "SchedulerKind",
    "SiteMaintenance",
    "Transition",
    "WindowSeries",
    "all_sites",
    "site_named",
]
