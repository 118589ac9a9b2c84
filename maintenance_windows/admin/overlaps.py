"""The windows that a planned one overlaps: people are warned of them, and may want them."""

from collections.abc import Collection, Iterable
from datetime import datetime, tzinfo
from typing import Any

from django.contrib.sites.models import Site
from django.db.models import Count, Q, Window
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from maintenance_windows.models import MaintenanceWindow
from maintenance_windows.wording.spans import format_span

MOST = 10  # warnings that are spelt out


def warnings(
    times: tuple[datetime, datetime],
    sites: Iterable[Site],
    zone: tzinfo,
    now: datetime,
    besides: Collection[int] = (),
) -> list[str]:
    """A sentence for each window of the sites that overlaps these times, without those `besides`.

    One query, however many there are.
    """
    starts_at, ends_at = times
    begins = Q(starts_at__lt=ends_at) | Q(started_at__lt=ends_at)
    found: list[Any] = list(
        MaintenanceWindow.objects.live(now)
        .filter(begins, ends_at__gt=starts_at, site__in=[site.pk for site in sites])
        .exclude(pk__in=besides)
        .select_related("site")
        .annotate(number=Window(Count("*")))
        .order_by("site__domain", "starts_at", "pk")[:MOST]
    )
    sentences = [sentence(window, zone) for window in found]
    if found and (more := found[0].number - len(found)):
        sentences.append(ngettext("And one more.", "And %(number)s more.", more) % {"number": more})
    return sentences


def sentence(window: MaintenanceWindow, zone: tzinfo) -> str:
    text = _("%(site)s: overlaps window %(id)s (%(span)s); the site is closed for their union.")
    span = format_span(window.begins_at, window.ends_at, zone)
    return text % {"site": window.site, "id": window.pk, "span": span}
