"""The admin: windows and series are planned here, sites switched, and their history read."""

from maintenance_windows.admin.history import TransitionAdmin
from maintenance_windows.admin.series import WindowSeriesAdmin
from maintenance_windows.admin.sites import SiteMaintenanceAdmin
from maintenance_windows.admin.windows import MaintenanceWindowAdmin

__all__ = [
    "MaintenanceWindowAdmin",
    "SiteMaintenanceAdmin",
    "TransitionAdmin",
    "WindowSeriesAdmin",
]
