"""What people do to recurring windows. The public functions are those named here."""

from maintenance_windows.planning.series.verbs import check, end, materialise, repeat, revise

__all__ = ["check", "end", "materialise", "repeat", "revise"]
