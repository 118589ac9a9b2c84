from maintenance_windows.models.history import ACTOR_LENGTH, Scheduler, Transition, WindowChange
from maintenance_windows.models.planned import TITLE_LENGTH
from maintenance_windows.models.series import WindowSeries
from maintenance_windows.models.site import IgnoredURL, SiteMaintenance
from maintenance_windows.models.window import MaintenanceWindow

__all__ = [
    "ACTOR_LENGTH",
    "TITLE_LENGTH",
    "IgnoredURL",
    "MaintenanceWindow",
    "Scheduler",
    "SiteMaintenance",
    "Transition",
    "WindowChange",
    "WindowSeries",
]
