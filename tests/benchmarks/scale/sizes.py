"""Sizes of the fleet."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Size:
    sites: int
    past: int
    coming: int
    few: int  # past windows in the smaller database
    some: int  # sites near maintenance, on a busy day
    many: int  # sites near maintenance, and windows that start in one second
    rounds: int
    seconds: float  # of asking


FULL = Size(
    sites=100_000,
    past=1_000_000,
    coming=100_000,
    few=10_000,
    some=100,
    many=10_000,
    rounds=30,
    seconds=3.0,
)
SMOKE = Size(sites=300, past=2_000, coming=300, few=100, some=10, many=250, rounds=3, seconds=0.2)
