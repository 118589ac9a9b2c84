"""The only writer of flags and transitions: makes them say what holds and windows say.

Level, not edge: every pass asks which sites should be in maintenance now, so a pass that runs
twice, late or beside another changes nothing.
"""

from maintenance_windows.reconcile.lock import Clock, locked
from maintenance_windows.reconcile.settling import hold, release, settle
from maintenance_windows.reconcile.ticking import tick

__all__ = ["Clock", "hold", "locked", "release", "settle", "tick"]
