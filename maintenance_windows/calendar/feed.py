"""The Atom feed of a site (RFC 4287): one entry for each window that visitors may know.

A window appears once it is public; one of a recurring window a day before it starts, so that a
nightly one does not fill the feed. It stays for 30 days after its end, also when its start is moved
away. Its entry changes when the window does, and when it starts, ends or is cancelled. The id is
that of the event in the calendar.
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from django.conf import settings
from django.contrib.sites.models import Site
from django.db.models import Q
from django.utils import timezone, translation
from django.utils.dateparse import parse_datetime
from django.utils.feedgenerator import Atom1Feed
from django.utils.html import linebreaks, urlize
from django.utils.translation import gettext as _

from maintenance_windows.calendar.events import uid_of
from maintenance_windows.conf import conf
from maintenance_windows.core.state import Level
from maintenance_windows.models import Change, MaintenanceWindow
from maintenance_windows.models.base import KNOWN_LEVEL
from maintenance_windows.models.querysets import Status
from maintenance_windows.planning.series.events import make_uid
from maintenance_windows.wording.messages import message_in
from maintenance_windows.wording.spans import format_length, format_span

KEPT = timedelta(days=30)
NOTICE = timedelta(days=1)  # how long before its start an occurrence of a recurring window appears
MOST = 50  # entries
MOST_MOVES = 500
# A feed without entries was never updated.
NEVER = datetime(2000, 1, 1, tzinfo=UTC)
# What XML 1.0 cannot have.
UNREADABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class Feed(NamedTuple):
    content: bytes
    updated: datetime


class Entry(NamedTuple):
    """`published` is when it appeared, `updated` when it last changed."""

    window: MaintenanceWindow
    status: Status
    published: datetime
    updated: datetime


class AtomFeed(Atom1Feed):
    def latest_post_date(self) -> datetime:
        """Django's takes the present time where there is no entry."""
        return max((item["updateddate"] for item in self.items), default=NEVER)


def of_site(site: Site, now: datetime, page: str, address: str) -> Feed:
    """Return a site's feed, in LANGUAGE_CODE and TIME_ZONE, so that every reader gets the same.

    `page` and `address` are the absolute URLs of the public page and of the feed.
    """
    name = conf.MAINTENANCE_BRAND.name or site.domain
    entries = sorted(_entries(site, now), key=lambda entry: entry.updated, reverse=True)[:MOST]
    with translation.override(settings.LANGUAGE_CODE):
        feed = AtomFeed(
            title=_plain(_("Maintenance of %(site)s") % {"site": name}),
            link=page,
            description="",
            language=settings.LANGUAGE_CODE,
            author_name=_plain(name),
            feed_url=address,
            feed_guid=f"urn:uuid:{make_uid('feed', site.domain)}",
        )
        for entry in entries:
            feed.add_item(**_item(entry, page))
    return Feed(feed.writeString("utf-8").encode(), feed.latest_post_date())


def _entries(site: Site, now: datetime) -> Iterator[Entry]:
    ended = Q(ended_at__gt=now - KEPT) | Q(ended_at=None, ends_at__gt=now - KEPT)
    begins = Q(series=None) | Q(starts_at__lte=now + NOTICE) | Q(started_at__isnull=False)
    announced = _announced(site, now)
    windows = MaintenanceWindow.objects.filter(
        KNOWN_LEVEL, ended, begins | Q(pk__in=list(announced)), site=site
    )
    # Those that start soon or have just ended come first, if there are too many.
    near = windows.order_by("-starts_at", "-pk").filter(starts_at__lte=now + NOTICE)
    later = windows.order_by("starts_at", "pk").filter(starts_at__gt=now + NOTICE)
    for window in (*near[: 2 * MOST], *later[:MOST]):
        published = _published(window, announced.get(window.pk))
        if window.is_public(now) and published <= (window.cancelled_at or now):
            yield Entry(window, window.status_at(now), published, _updated(window, published, now))


def _announced(site: Site, now: datetime) -> dict[int, datetime]:
    """Return since when windows have been in the feed that were moved away afterwards, by id."""
    changes = Change.objects.filter(
        window__site=site,
        window__series__isnull=False,
        window__ends_at__gt=now - KEPT,
        changes__has_key="starts_at",
    )
    found: dict[int, datetime] = {}
    for change in changes.order_by("-pk")[:MOST_MOVES]:
        before = parse_datetime(change.changes["starts_at"][0])
        if before and before - NOTICE <= change.at:
            found[change.window_id or 0] = before - NOTICE
    return found


def _published(window: MaintenanceWindow, announced: datetime | None) -> datetime:
    """Return when the window appeared in the feed."""
    made, begun = window.created_at, window.begins_at
    if window.published_at is not None:
        made = max(made, min(window.published_at, begun))
    if window.series_id is not None:
        made = max(made, min(window.starts_at - NOTICE, begun, announced or begun))
    return made


def _updated(window: MaintenanceWindow, published: datetime, now: datetime) -> datetime:
    ended_at = window.ended_at or window.ends_at
    changes = [window.changed_at, window.cancelled_at]
    if window.cancelled_at is None:
        changes += [at for at in (window.begins_at, ended_at) if at <= now]
    return max([published, *filter(None, changes)])


def _item(entry: Entry, page: str) -> dict[str, Any]:
    window = entry.window
    times = window.begins_at, window.ended_at or window.ends_at, timezone.get_default_timezone()
    span = format_span(*times)
    kind = _("Read-only for maintenance")
    if window.level == Level.FULL:
        kind = _("Down for maintenance")
    texts = {"kind": kind, "span": span, "status": entry.status.label}
    message = _plain(message_in(window.message, settings.LANGUAGE_CODE))
    message = message or _("Duration: %(length)s.") % {"length": format_length(*times)}
    return {
        "title": _plain(_("%(kind)s: %(span)s (%(status)s)") % texts),
        "link": page,
        # Django's feeds say that it is HTML.
        "description": linebreaks(urlize(message, autoescape=True)),
        "unique_id": f"urn:uuid:{uid_of(window)}",
        "pubdate": entry.published,
        "updateddate": entry.updated,
        "categories": [entry.status.value, window.level],
    }


def _plain(text: str) -> str:
    return UNREADABLE.sub("", text)
