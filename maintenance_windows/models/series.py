"""Recurring windows."""

from collections.abc import Callable, Iterable
from datetime import date, datetime, time
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from django.contrib.sites.models import Site
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from maintenance_windows.core.recurrence import Recurrence
from maintenance_windows.core.rrule import MAX_RULE_LENGTH, Rule
from maintenance_windows.exceptions import RuleError
from maintenance_windows.models.base import COMMON_TIMES, KNOWN_LEAD, KNOWN_LEVEL, Planned
from maintenance_windows.models.querysets import PrimaryQuerySet, SeriesQuerySet
from maintenance_windows.models.times import readable
from maintenance_windows.wording.recurrences import format_recurrence

ZONE_LENGTH = 64
# Names from available_timezones() that IANA does not define.
OF_THE_MACHINE = {"localtime", "Factory"}


class WindowSeries(Planned):
    """A recurring window: a rule in a time zone, from which windows are made ahead of time.

    `starts_on` and `start_time` are the wall clock in `zone` at the earliest start that the rule
    allows. `excluded` holds local dates, as ISO 8601 texts. `by_clock` counts the length on the
    wall clock: a day from midnight ends at midnight, also when DST makes it 23 hours.
    """

    site = models.ForeignKey(
        Site, models.CASCADE, related_name="maintenance_series", verbose_name=_("site")
    )
    rule = models.CharField(_("rule"), max_length=MAX_RULE_LENGTH)
    starts_on = models.DateField(_("first day"))
    start_time = models.TimeField(_("start"))
    zone = models.CharField(_("time zone"), max_length=ZONE_LENGTH)
    length = models.DurationField(_("duration"))
    by_clock = models.BooleanField(_("end by the local clock"), default=False, db_default=False)
    excluded = models.JSONField(_("skipped dates"), default=list, blank=True)
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True, editable=False)
    # Days from an occurrence's date to the one that its UID comes from: another zone may have
    # given the same instants other dates.
    uid_shift = models.SmallIntegerField(default=0, db_default=0, editable=False)

    objects = SeriesQuerySet.as_manager()

    FACTS = (
        "rule",
        "starts_on",
        "start_time",
        "zone",
        "length",
        "by_clock",
        "excluded",
        "ended_at",
        *Planned.TEXTS,
    )

    class Meta:
        verbose_name = _("recurring window")
        verbose_name_plural = _("recurring windows")
        constraints = [
            models.CheckConstraint(condition=KNOWN_LEVEL, name="mw_series_level"),
            models.CheckConstraint(condition=KNOWN_LEAD, name="mw_series_lead"),
            models.CheckConstraint(
                condition=Q(
                    readable(["ended_at", *COMMON_TIMES], dates=["starts_on"]),
                    start_time__range=(time.min, time.max),
                ),
                name="mw_series_readable",
            ),
        ]
        indexes = [
            # Read by the task that makes windows ahead: recurring windows that have not ended.
            models.Index(fields=["id"], condition=Q(ended_at=None), name="mw_series_going_on"),
        ]

    def __str__(self) -> str:
        return f"{self.site}: {self.words()}"

    def is_public(self, now: datetime) -> bool:
        """Return whether visitors may know of those of its windows that have not started."""
        return self.published_at is None or self.published_at <= now

    def words(self) -> str:
        """Return the rule in words, in the active language."""
        try:
            return format_recurrence(self.recurrence())
        except RuleError:
            return self.rule  # written with SQL

    def recurrence(self, zone_of: Callable[[str], ZoneInfo] | None = None) -> Recurrence:
        """Return the recurrence. Raises RuleError if rule, zone or an excluded date is invalid.

        `zone_of` replaces zone().
        """
        return Recurrence(
            rule=Rule.parse(self.rule),
            start=datetime.combine(self.starts_on, self.start_time),
            zone=(zone_of or zone)(self.zone),
            length=self.length,
            by_clock=self.by_clock,
            excluded=dates(self.excluded),
        )


class CancelledOccurrence(models.Model):
    """An event that the calendar has shown without a window, and that its series no longer has.

    Subscribers are told that it is cancelled. If the series returns to it, its SEQUENCE goes on.
    """

    series = models.ForeignKey(WindowSeries, models.CASCADE, related_name="cancelled_occurrences")
    uid = models.UUIDField()
    sequence = models.PositiveIntegerField()
    changed_at = models.DateTimeField()
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()

    objects = PrimaryQuerySet.as_manager()

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["series", "uid"], name="mw_cancelled_occurrence"),
            models.CheckConstraint(
                condition=readable(["changed_at", "starts_at", "ends_at"]),
                name="mw_cancelled_occurrence_readable",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.starts_at:%Y-%m-%d %H:%M} of {self.series_id}"


def dates(texts: Iterable[str]) -> frozenset[date]:
    """Parse ISO 8601 dates such as 2026-12-27. Raises RuleError if one is invalid."""
    try:
        return frozenset(map(date.fromisoformat, texts))
    except (TypeError, ValueError):
        raise RuleError(f"Invalid date in {texts!r}. Use for example 2026-12-27.") from None


def zone(name: str) -> ZoneInfo:
    """Return the zone with this IANA name. Raises RuleError if there is none.

    It is not cached, so that a long-running worker gets new zone data without a restart.
    """
    try:
        if name in zones():
            return ZoneInfo.no_cache(name)
    except (KeyError, OSError, ValueError):  # KeyError includes ZoneInfoNotFoundError
        pass  # removed since the names were read
    raise RuleError(f"Time zone {name!r} does not exist. Use for example Europe/Berlin or UTC.")


@cache
def zones() -> frozenset[str]:
    """Return the names of all time zones. Cached, because this reads hundreds of files."""
    return frozenset(available_timezones() - OF_THE_MACHINE)
