"""The growth of a figure between the beginning and the end."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, linear_regression
from typing import Self

HOUR = 3600.0  # seconds
HEAD = ("", "first quarter", "last quarter", "least", "most", "an hour", "in the end")


@dataclass(frozen=True, slots=True)
class Trend:
    """Means of the first and the last quarter of the time; slopes of all and of its last half."""

    first: float
    last: float
    least: float
    most: float
    an_hour: float
    in_the_end: float

    @classmethod
    def of(cls, points: Sequence[tuple[float, float]]) -> Self:
        """`points` are at least two pairs of seconds and value, in order."""
        values = [value for _, value in points]
        quarter = max(len(values) // 4, 1)
        return cls(
            first=fmean(values[:quarter]),
            last=fmean(values[-quarter:]),
            least=min(values),
            most=max(values),
            an_hour=slope(points),
            in_the_end=slope(points[-(len(points) // 2 + 1) :]),
        )

    def cells(self) -> list[str]:
        levels = (self.first, self.last, self.least, self.most)
        slopes = (self.an_hour, self.in_the_end)
        return [*(f"{value:,.0f}" for value in levels), *(f"{value:+,.0f}" for value in slopes)]


def slope(points: Sequence[tuple[float, float]]) -> float:
    """The slope per hour (least squares)."""
    return linear_regression(*zip(*points, strict=True)).slope * HOUR
