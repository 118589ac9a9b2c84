"""A window that comes again."""

from collections.abc import Callable, Iterable
from datetime import date, datetime, time
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from django.contrib.sites.models import Site
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from maintenance_windows.core.recurrence import Recurrence
from maintenance_windows.core.rrule import MAX_RULE_LENGTH, Rule
from maintenance_windows.exceptions import RuleError
from maintenance_windows.models.base import KNOWN_LEVEL, Planned
from maintenance_windows.models.querysets import SeriesQuerySet
from maintenance_windows.models.times import readable
from maintenance_windows.wording.recurrences import format_recurrence

ZONE_LENGTH = 64
# Files beside those of IANA's zones.
OF_THE_MACHINE = {"localtime", "Factory"}


class WindowSeries(Planned):
    """A recurrence rule in a time zone of its own, from which windows are made ahead of time.

    `starts_on` and `start_time` are what the wall clock shows in `zone` at the first start that
    the rule may have; `excluded` are dates there, as ISO 8601 texts.
    """

    site = models.ForeignKey(
        Site, models.CASCADE, related_name="maintenance_series", verbose_name=_("site")
    )
    rule = models.CharField(_("rule"), max_length=MAX_RULE_LENGTH)
    starts_on = models.DateField(_("first day"))
    start_time = models.TimeField(_("start"))
    zone = models.CharField(_("time zone"), max_length=ZONE_LENGTH)
    length = models.DurationField(_("length"))
    excluded = models.JSONField(_("excluded dates"), default=list, blank=True)
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True, editable=False)

    objects = SeriesQuerySet.as_manager()

    FACTS = (
        "rule",
        "starts_on",
        "start_time",
        "zone",
        "length",
        "excluded",
        "ended_at",
        *Planned.TEXTS,
    )

    class Meta:
        verbose_name = _("series of windows")
        verbose_name_plural = pgettext_lazy("plural", "series of windows")
        constraints = [
            models.CheckConstraint(condition=KNOWN_LEVEL, name="mw_series_level"),
            models.CheckConstraint(
                condition=Q(
                    readable(["ended_at", "created_at"], dates=["starts_on"]),
                    start_time__range=(time.min, time.max),
                ),
                name="mw_series_readable",
            ),
        ]
        indexes = [
            # Read by the task that makes windows ahead: the series that go on.
            models.Index(fields=["id"], condition=Q(ended_at=None), name="mw_series_going_on"),
        ]

    def __str__(self) -> str:
        return f"{self.site}: {self.words()}"

    def words(self) -> str:
        """When it takes place, in the language of the reader."""
        try:
            return format_recurrence(self.recurrence())
        except RuleError:
            return self.rule  # somebody wrote it with SQL

    def recurrence(self, zone_of: Callable[[str], ZoneInfo] | None = None) -> Recurrence:
        """Raises RuleError where rule, zone or excluded dates cannot be used.

        `zone_of` reads a zone, as zone() does.
        """
        return Recurrence(
            rule=Rule.parse(self.rule),
            start=datetime.combine(self.starts_on, self.start_time),
            zone=(zone_of or zone)(self.zone),
            length=self.length,
            excluded=dates(self.excluded),
        )


def dates(texts: Iterable[str]) -> frozenset[date]:
    """The dates of ISO 8601 texts such as 2026-12-27. Raises RuleError."""
    try:
        return frozenset(map(date.fromisoformat, texts))
    except (TypeError, ValueError):
        raise RuleError(f"Cannot read a date of {texts!r}: write it as 2026-12-27.") from None


def zone(name: str) -> ZoneInfo:
    """The zone of an IANA name. Raises RuleError where there is none.

    Read anew each time: a worker that runs for months learns of new zone data without a restart.
    """
    try:
        if name in zones():
            return ZoneInfo.no_cache(name)
    except (KeyError, OSError, ValueError):  # KeyError: ZoneInfoNotFoundError is one
        pass  # gone since the names were read
    raise RuleError(f"There is no time zone {name!r}: write it as Europe/Berlin or UTC.")


@cache
def zones() -> frozenset[str]:
    """The names of all time zones: hundreds of files are looked at for them."""
    return frozenset(available_timezones() - OF_THE_MACHINE)
