"""The sites of the overview: the state of each, until when and by whom, and what its buttons do."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

from django.contrib.sites.models import Site
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from maintenance_windows.core.state import Level
from maintenance_windows.overview import status
from maintenance_windows.planning import standing
from maintenance_windows.planning.standing import Standing
from maintenance_windows.wording.names import in_two
from maintenance_windows.wording.nearby import nearby, short_duration

ORDER = {"down": 0, "read_only": 1, "up": 2}


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One site. `record` is its entry in `maintenance status --json`; titles may be hidden."""

    site: Site
    record: status.Record
    standing: Standing
    now: datetime
    zone: tzinfo
    titles: bool

    @property
    def state(self) -> str:
        if not self.record["in_maintenance"]:
            return "up"
        return "read_only" if self.record["level"] == Level.READ_ONLY else "down"

    @property
    def level(self) -> str:
        """The level that a form proposes: the one that visitors get now."""
        return str(self.record["level"] or Level.FULL)

    @property
    def order(self) -> int:
        return ORDER[self.state]

    @property
    def is_down(self) -> bool:
        return self.state != "up"

    @property
    def name(self) -> SafeString:
        """The domain in two parts, between which a narrow page cuts it."""
        return format_html(
            '<span class="start">{}</span><span>{}</span>', *in_two(self.site.domain)
        )

    @property
    def cut(self) -> SafeString:
        """The domain on a button, whose visible part CSS cuts."""
        return format_html('<bdi class="cut">{}</bdi>', self.site.domain)

    @property
    def pill(self) -> str:
        words = {"up": _("Up"), "down": _("Down"), "read_only": _("Read-only")}
        word = words[self.state]
        if self.left is None:
            return word
        return _("%(state)s · %(time)s left") % {"state": word, "time": short_duration(self.left)}

    @property
    def left(self) -> timedelta | None:
        return self._time("until") - self.now if self.record["until"] else None

    @property
    def facts(self) -> list[str]:
        """Until when, and why by whom."""
        if not self.is_down:
            coming = self.record["next"]
            return (
                [_("next %(time)s") % {"time": self._near(coming["starts_at"])}] if coming else []
            )
        held = self.standing.hold
        facts = [
            _("until someone brings it up")
            if self.record["until"] is None
            else _("until %(time)s") % {"time": self._near(self.record["until"])}
        ]
        if held:
            facts.append(_("held by %(person)s") % {"person": held.by} if held.by else _("held"))
        for window in self.standing.in_progress:
            if self.titles and window.title:
                facts.append(window.title)
            if person := self.standing.person(window):
                facts.append(person)
        return list(dict.fromkeys(facts))

    @property
    def since(self) -> str:
        return self._near(self.record["since"]) if self.record["since"] else ""

    @property
    def may_extend(self) -> bool:
        return bool(self.standing.in_progress) and self.standing.hold is None

    @property
    def consequences(self) -> list[str]:
        """What bringing the site up ends."""
        texts = []
        if held := self.standing.hold:
            texts.append(
                _("Ends the hold by %(person)s.") % {"person": held.by}
                if held.by
                else _("Ends the hold.")
            )
        for window in self.standing.in_progress:
            facts = {"window": window.title, "time": short_duration(window.ends_at - self.now)}
            if self.titles and window.title:
                texts.append(_("Ends “%(window)s” %(time)s early.") % facts)
            else:
                facts["window"] = str(window.pk)
                texts.append(_("Ends window %(window)s %(time)s early.") % facts)
        return texts

    def _time(self, name: str) -> datetime:
        return datetime.fromisoformat(self.record[name])

    def _near(self, text: str) -> str:
        return nearby(datetime.fromisoformat(text), self.now, self.zone)


def read(
    records: Mapping[int, status.Record],
    chosen: Collection[Site],
    now: datetime,
    zone: tzinfo,
    *,
    titles: bool,
) -> list[Row]:
    """Return the rows of these sites: those that are down first, each state by domain."""
    missing = [site for site in chosen if site.pk not in records]
    found = zip(missing, status.sites(missing, now) if missing else [], strict=True)
    known = {**records, **{site.pk: record for site, record in found}}
    standings = standing.read(chosen, now)
    rows = [
        Row(
            site=site,
            record=known[site.pk],
            standing=standings[site.pk],
            now=now,
            zone=zone,
            titles=titles,
        )
        for site in chosen
    ]
    return sorted(rows, key=lambda row: (row.order, row.site.domain, row.site.pk))
