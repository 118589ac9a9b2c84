"""The public signals. Each is sent once, after the commit, by the process that wrote the change.

`maintenance_started` and `maintenance_ended` are sent for each outage of a site, with `site_id`
and `transition`, the written row. Their sender is SiteMaintenance.

`window_scheduled`, `window_changed` and `window_cancelled` are sent for changes to a window, with
`window` and `actor`. `window_changed` also has `changes`, which maps the name of each changed
field to its old and its new value. Their sender is MaintenanceWindow.
"""

from django.dispatch import Signal

maintenance_started = Signal()
maintenance_ended = Signal()
window_scheduled = Signal()
window_changed = Signal()
window_cancelled = Signal()
