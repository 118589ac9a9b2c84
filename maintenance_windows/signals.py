"""Sent once for each run of maintenance, after the commit, by whoever won the write.

Both carry `site_id` and `transition`, the row that was written. The sender is SiteMaintenance.
"""

from django.dispatch import Signal

maintenance_started = Signal()
maintenance_ended = Signal()
