"""Outages as visitors meet them: what overlapping and touching closures make together."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from maintenance_windows.core.intervals import Span, merge
from maintenance_windows.core.state import Closure, Level


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A part of an outage; the strictest of its closures sets its level."""

    span: Span
    level: Level


@dataclass(frozen=True, slots=True, kw_only=True)
class Outage:
    """Closures without a gap between them, ordered by start."""

    span: Span
    closures: tuple[Closure, ...]

    @property
    def parts(self) -> tuple[Part, ...]:
        """The levels of the outage in order of time; neighbours differ."""
        return tuple(self._parts())

    @property
    def level(self) -> Level:
        """The strictest level of all."""
        is_full = any(closure.level is Level.FULL for closure in self.closures)
        return Level.FULL if is_full else Level.READ_ONLY

    @property
    def messages(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(one.message for one in self.closures if one.message))

    def _parts(self) -> Iterator[Part]:
        at = self.span.start
        for full in merge(one.span for one in self.closures if one.level is Level.FULL):
            if at < full.start:
                yield Part(span=Span(at, full.start), level=Level.READ_ONLY)
            yield Part(span=full, level=Level.FULL)
            if full.end is None:
                return
            at = full.end
        if self.span.end is None or at < self.span.end:
            yield Part(span=Span(at, self.span.end), level=Level.READ_ONLY)


def outages(closures: Iterable[Closure]) -> list[Outage]:
    """Join closures into outages, ordered by start."""
    ordered = sorted(closures, key=lambda closure: closure.span.start)
    return [
        Outage(
            span=span,
            closures=tuple(one for one in ordered if _is_within(one.span, span)),
        )
        for span in merge(closure.span for closure in ordered)
    ]


def _is_within(inner: Span, outer: Span) -> bool:
    return inner.start >= outer.start and (outer.end is None or inner.start < outer.end)
