"""Trouble that is met again each second: said when it comes, not while it stays."""

import logging
from collections.abc import Hashable, Mapping


class LogOnce:
    """What is wrong at present, by any key; `over` is said when nothing is any more."""

    def __init__(self, logger: logging.Logger, over: str = "") -> None:
        self._logger = logger
        self._over = over
        self._said: frozenset[Hashable] = frozenset()

    def __bool__(self) -> bool:
        return bool(self._said)

    def now(self, wrong: Mapping[Hashable, str]) -> None:
        """Log what was not wrong the last time."""
        for key, text in wrong.items():
            if key not in self._said:
                self._logger.warning("%s", text)
        if self._over and self._said and not wrong:
            self._logger.warning("%s", self._over)
        self._said = frozenset(wrong)
