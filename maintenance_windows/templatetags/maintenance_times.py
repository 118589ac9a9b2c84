"""`{{ moment|admin_time }}`: a time in the format of the admin."""

from datetime import datetime

from django import template
from django.utils import timezone

from maintenance_windows.snapshot import clock
from maintenance_windows.wording.spans import format_moment

register = template.Library()


@register.filter
def admin_time(moment: datetime | None, precision: str = "") -> str:
    """Sun 29 Nov 02:00 CET, or with "seconds" also these; nothing for None."""
    if moment is None:
        return ""
    zone = timezone.get_current_timezone()
    return format_moment(moment, zone, clock.now(), seconds=precision == "seconds")
