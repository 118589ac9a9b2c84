"""What requests are answered by: kept in memory, refreshed beside them."""

from maintenance_windows.store.process import (
    acurrent,
    ask,
    current,
    database_answers,
    forget,
    pretend,
    publish,
)
from maintenance_windows.store.reading import load

__all__ = ["acurrent", "ask", "current", "database_answers", "forget", "load", "pretend", "publish"]
