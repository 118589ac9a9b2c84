"""What a link fills into the form that schedules."""

from collections.abc import Mapping
from datetime import date, datetime, time
from typing import Any

from maintenance_windows.core.intervals import from_local
from maintenance_windows.exceptions import AmbiguousTime, Refused
from maintenance_windows.forms.fields import PK
from maintenance_windows.forms.repeats import CHOICES
from maintenance_windows.forms.zoned import known_zone
from maintenance_windows.models.series import zone
from maintenance_windows.planning import windows


def initial_from_query(query: Mapping[str, str], *, may_view: bool) -> dict[str, Any]:
    """The values in a link: `site` and `sites`, `zone`, `starts_at` and `ends_at` in ISO 8601.

    `repeats` is one of the choices of the form. Times without an offset are read in the zone.
    Values that cannot be read are left out. `like` is the id of a window to plan again, for
    people who may view it; other values win.
    """
    name = known_zone(query.get("zone"))
    ids = f"{query.get('site', '')},{query.get('sites', '')}".split(",")
    initial: dict[str, Any] = {"zone": name, "sites": [pk for pk in ids if PK.fullmatch(pk)]}
    if may_view and PK.fullmatch(query.get("like", "")):
        initial = _like(int(query["like"]), query) | {
            field: value for field, value in initial.items() if value
        }
    if query.get("repeats") in dict(CHOICES):
        initial["repeats"] = query["repeats"]
    for field in ("starts_at", "ends_at"):
        if parts := _date_and_time(query.get(field, ""), name):
            initial[field] = parts
    return initial


def _like(window_id: int, query: Mapping[str, str]) -> dict[str, Any]:
    """The values of a window, except those that the link has."""
    try:
        pattern = windows.like(window_id)
    except Refused:
        return {}
    initial = {"sites": [str(pattern.site.pk)], "length": pattern.length}
    initial |= {name: getattr(pattern, name) for name in ("level", "title", "message")}
    if "ends_at" in query:
        del initial["length"]
    return {name: value for name, value in initial.items() if name not in query}


def _date_and_time(text: str, name: str) -> list[date | time] | None:
    """Date and time in the zone with this name, as the field's two inputs show them.

    None if the text is no such time.
    """
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            moment = from_local(moment, zone(name))
        local = moment.astimezone(zone(name))
    except (AmbiguousTime, OverflowError, ValueError):
        return None
    return [local.date(), local.time()]
