"""The admin: windows are scheduled, sites taken down and brought up, and their history shown."""

from maintenance_windows.admin.activity import TransitionAdmin
from maintenance_windows.admin.freezes import FreezeAdmin
from maintenance_windows.admin.overview import OverviewAdmin
from maintenance_windows.admin.series import WindowSeriesAdmin
from maintenance_windows.admin.sites import SiteMaintenanceAdmin
from maintenance_windows.admin.windows import MaintenanceWindowAdmin

__all__ = [
    "FreezeAdmin",
    "MaintenanceWindowAdmin",
    "OverviewAdmin",
    "SiteMaintenanceAdmin",
    "TransitionAdmin",
    "WindowSeriesAdmin",
]
