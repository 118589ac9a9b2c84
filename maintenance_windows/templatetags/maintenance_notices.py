"""Warnings at the top of each page of the admin: a forced state, or a scheduler that is down."""

from datetime import datetime

from django import template

from maintenance_windows.overview import status
from maintenance_windows.snapshot import clock

register = template.Library()


@register.inclusion_tag("maintenance_windows/admin/notices.html")
def maintenance_notices() -> dict[str, object]:
    scheduler = status.scheduler(clock.now())
    last = scheduler["last_tick"]
    return {
        "forced": status.forced(),
        "healthy": scheduler["healthy"],
        "last_tick": datetime.fromisoformat(last) if last else None,
    }
