"""The exceptions of this app. The message of each is one sentence for the user."""

SKIPPED = (
    "%(time)s does not exist in %(zone)s because of DST: it could mean %(first)s or %(second)s."
)
REPEATED = (
    "%(time)s occurs twice in %(zone)s because of DST: it could mean %(first)s or %(second)s."
)


class Refused(ValueError):
    """A refused action. Nothing was written."""


class RefusedStart(Refused):
    """The start is what has to change."""


class PastStart(RefusedStart):
    """The start is in the past, and nobody has confirmed that the window starts now."""


class FrozenStart(RefusedStart):
    """The times meet a freeze, and no reason overrides it."""


class RuleError(ValueError):
    """An invalid or unsupported recurrence rule."""


class AmbiguousTime(ValueError):
    """A local time that the zone skips or repeats. The message names both readings.

    `parts` are `time`, `zone`, `first` and `second`, for the same sentence in another language.
    """

    def __init__(self, *, skipped: bool, **parts: str) -> None:
        self.skipped = skipped
        self.parts = parts
        super().__init__((SKIPPED if skipped else REPEATED) % parts)
