"""The verbs for recurring windows. The functions imported here are public."""

from maintenance_windows.planning.series.horizon import materialise
from maintenance_windows.planning.series.notes import notes
from maintenance_windows.planning.series.occurrences import make, restore, skip, unskip
from maintenance_windows.planning.series.verbs import (
    check,
    check_start,
    end,
    repeat,
    revise,
)

__all__ = [
    "check",
    "check_start",
    "end",
    "make",
    "materialise",
    "notes",
    "repeat",
    "restore",
    "revise",
    "skip",
    "unskip",
]
