"""Warnings about how long a window takes, for the admin and the shell: said, and not refused."""

from collections.abc import Collection
from datetime import datetime, timedelta

from django.contrib.sites.models import Site
from django.db.models import DurationField, ExpressionWrapper, F, Max
from django.utils.translation import gettext as _

from maintenance_windows.core.state import Level
from maintenance_windows.models import MaintenanceWindow
from maintenance_windows.models.querysets import among
from maintenance_windows.wording.durations import spell_duration

DAY = timedelta(days=1)
TIMES_LONGER, AT_LEAST = 3, timedelta(hours=4)
REMEMBERED = timedelta(days=366)
MAX_NAMED = 10  # sites


def length_warnings(
    length: timedelta, level: str, sites: Collection[Site], now: datetime
) -> list[str]:
    """Return a sentence if search engines may drop pages, and for each site if it is unusual.

    Google asks not to answer 503 for longer than one or two days, and may drop a URL that does
    for days: https://developers.google.com/crawling/docs/crawlers-fetchers/reduce-crawl-rate
    Unusual is what takes more than three times as long as the longest window of the site that has
    ended in the past year, and at least four hours.
    """
    warnings = []
    if level == Level.FULL and length > DAY:
        warnings.append(
            _(
                "This takes longer than a day: search engines may drop pages that answer 503 for"
                " more than a day."
            )
        )
    if length < AT_LEAST or not sites:
        return warnings
    longest = _longest(sites, now)
    unusual = [
        site for site in sites if site.pk in longest and length > TIMES_LONGER * longest[site.pk]
    ]
    sentence = _(
        "%(site)s: this takes %(length)s, and the longest window of the past year took %(longest)s."
    )
    for site in unusual[:MAX_NAMED]:
        texts = {"site": site, "length": spell_duration(length)}
        warnings.append(sentence % (texts | {"longest": spell_duration(longest[site.pk])}))
    return warnings


def _longest(sites: Collection[Site], now: datetime) -> dict[int, timedelta]:
    """Return how long the longest window took, by site, in one query."""
    taken = ExpressionWrapper(F("ended_at") - F("started_at"), output_field=DurationField())
    ended = MaintenanceWindow.objects.filter(
        site__in=among(site.pk for site in sites),
        ended_at__gt=F("started_at") + timedelta(seconds=1),
        starts_at__gt=now - REMEMBERED,
    )
    rows = ended.order_by().values("site").annotate(longest=Max(taken))
    return dict(rows.values_list("site", "longest"))
