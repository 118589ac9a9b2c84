"""What other code may listen to. Each is sent once, after the commit, by whoever won the write.

`maintenance_started` and `maintenance_ended`, for each run of maintenance of a site, carry
`site_id` and `transition`, the row that was written. Their sender is SiteMaintenance.

`window_scheduled`, `window_changed` and `window_cancelled`, for what people do to a window, carry
`window` and `actor`; `window_changed` also `changes`, from the name of each field that is
different now to its old and its new value. Their sender is MaintenanceWindow.
"""

from django.dispatch import Signal

maintenance_started = Signal()
maintenance_ended = Signal()
window_scheduled = Signal()
window_changed = Signal()
window_cancelled = Signal()
