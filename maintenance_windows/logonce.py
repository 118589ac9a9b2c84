"""Our loggers, and the logging of problems that recur each second or with each request."""

import logging
from collections.abc import Hashable, Mapping
from contextlib import suppress

from maintenance_windows.core.lines import SafeLog

SAFE = SafeLog()


def get_logger(name: str = "maintenance_windows") -> logging.Logger:
    """Return a logger whose records cannot control a terminal, whatever domain they name."""
    logger = logging.getLogger(name)
    logger.addFilter(SAFE)  # once, if it is the same one
    return logger


class LogOnce:
    """The present problems by key. `over` is logged when all of them are resolved.

    Nothing is raised: a logging filter of the project may need a request where there is none.
    """

    def __init__(self, logger: logging.Logger, over: str = "") -> None:
        self._logger = logger
        self._over = over
        self._logged: frozenset[Hashable] = frozenset()

    def __bool__(self) -> bool:
        return bool(self._logged)

    def now(self, problems: Mapping[Hashable, str]) -> None:
        """Log the problems that are new since the last call; forget those that are gone."""
        for key, text in problems.items():
            if key not in self._logged:
                self._log(logging.WARNING, text)
        if self._over and self._logged and not problems:
            self._log(logging.WARNING, self._over)
        self._logged = frozenset(problems)

    def error(self, text: str, error: Exception) -> None:
        """Log an error of this type with its traceback, once until now() forgets it."""
        if (key := (text, type(error))) not in self._logged:
            self._logged |= {key}
            self._log(logging.ERROR, text, error)

    def _log(self, level: int, text: str, error: Exception | None = None) -> None:
        with suppress(Exception):
            # One line: drivers write a line for each address that they try.
            self._logger.log(level, "%s", " ".join(text.split()), exc_info=error)
