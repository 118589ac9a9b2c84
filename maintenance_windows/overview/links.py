"""Addresses of the timeline: other times, another scale, and the list."""

from datetime import date
from typing import Any

from django.http import QueryDict

from maintenance_windows.overview.scale import DAYS, LABELS, Scale


class Links:
    """Addresses of other times, with all else in the query kept."""

    def __init__(self, query: QueryDict, shown: Scale) -> None:
        self.query, self.shown = query, shown

    def to(self, **changes: object) -> str:
        query = self.query.copy()
        query.pop("back", None)  # the script that renews the page has named it
        for name, value in ({"from": self.shown.first} | changes).items():
            query.pop(name, None)
            if value is not None:
                query[name] = str(value)
        return f"?{query.urlencode()}#board-timeline"

    def earlier(self) -> str:
        return self.to(**{"from": self.shown.earlier()})

    def later(self) -> str:
        return self.to(**{"from": self.shown.later()})

    def today(self) -> str:
        return self.to(**{"from": None})

    def day(self, day: date) -> str:
        return self.to(**{"from": day, "days": None})

    def scales(self) -> list[tuple[str, Any, bool]]:
        return [
            (self.to(days=None if days == DAYS else days), label, days == self.shown.days)
            for days, label in LABELS.items()
        ]

    def as_list(self) -> str:
        return self.to(view="list")

    def as_lanes(self) -> str:
        return self.to(view=None)
