"""What django-maintenancemode-2 has left in the database, taken over."""

from maintenance_windows.takeover.taking import Outcome, take_over

__all__ = ["Outcome", "take_over"]
