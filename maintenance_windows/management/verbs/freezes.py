"""The verbs for freezes."""

from argparse import Namespace
from datetime import UTC, datetime
from pathlib import Path

from django.contrib.sites.models import Site
from django.core.management import BaseCommand, CommandError
from django.utils import timezone

from maintenance_windows.core.intervals import from_local
from maintenance_windows.core.lines import printable
from maintenance_windows.exceptions import AmbiguousTime, RuleError
from maintenance_windows.importer import holidays as files
from maintenance_windows.management import arguments, output, tables
from maintenance_windows.models import Freeze
from maintenance_windows.models.series import zone
from maintenance_windows.overview import status
from maintenance_windows.planning import freezes, holidays, rules
from maintenance_windows.planning.freezes import FreezeChange
from maintenance_windows.planning.series.apply import SeriesChange
from maintenance_windows.snapshot import clock


def freeze(command: BaseCommand, given: Namespace) -> None:
    """Forbid planning for a time, once or by a rule."""
    if given.zone and not given.rule:
        raise CommandError("--zone is only for --rule.")
    zone_name = given.zone or timezone.get_default_timezone_name()
    starts_at, ends_at = _by_rule(given, zone_name) if given.rule else _once(given)
    change = freezes.freeze(
        _sites(given),
        starts_at=starts_at,
        ends_at=ends_at,
        reason=given.reason,
        rule=given.rule,
        zone=zone_name if given.rule else "",
        actor=arguments.actor(),
    )
    _print(command, change, as_json=given.json)


def show_freezes(command: BaseCommand, given: Namespace) -> None:
    """List current and upcoming freezes."""
    now = clock.now()
    found = Freeze.objects.order_by("starts_at", "pk")
    if not given.past:
        found = found.live(now)
    records = status.freezes(list(found), now)
    if given.json:
        output.print_json(command, records)
    elif records:
        output.print_tables(command, tables.freeze_table(records, command.style))
    else:
        command.stdout.write("No freezes." if given.past else "No current or upcoming freezes.")


def unfreeze(command: BaseCommand, given: Namespace) -> None:
    """End a freeze before its time."""
    change = freezes.unfreeze(given.freeze, actor=arguments.actor())
    _print(command, change)


def import_freezes(command: BaseCommand, given: Namespace) -> None:
    """Freeze the events of an iCalendar file, such as one of holidays."""
    sites = _sites(given)
    try:
        content = Path(given.file).read_bytes()
    except OSError as error:
        raise CommandError(f"{printable(given.file)}: {error.strerror}.") from None
    events = files.read(content, given.reason)
    outcome = holidays.follow(events, sites, actor=arguments.actor(), dry_run=given.dry_run)
    now = clock.now()
    for record in status.freezes(outcome.made, now) if not given.dry_run else ():
        command.stdout.write(output.freeze_line(record))
    for row in outcome.ended:
        command.stdout.write(printable(f"freeze {row.pk}: ended, {row.reason}"))
    counts = {"created": len(outcome.made), "ended": len(outcome.ended), **outcome.count}
    words = {"taken_back": "ended by hand and left so", "past": "in the past"}
    parts = [f"{number} {words.get(name, name)}" for name, number in counts.items() if number]
    noun = "event" if len(events) == 1 else "events"
    command.stdout.write(f"{len(events)} {noun}: {', '.join(parts) or 'nothing to do'}.")
    _print_series(command, outcome.series)
    if given.dry_run:
        command.stdout.write("Dry run: nothing was written.")


def _sites(given: Namespace) -> list[Site] | None:
    """Return the named sites, or None for all, also those that are created later."""
    if given.everyone and not given.sites:
        return None
    return arguments.sites(given.sites, everyone=given.everyone)


def _once(given: Namespace) -> tuple[datetime, datetime]:
    now = clock.now()
    starts_at = arguments.moment(given.start, now)
    return starts_at, arguments.end(given, starts_at, now)


def _by_rule(given: Namespace, zone_name: str) -> tuple[datetime, datetime]:
    """Return start and end of the first freeze, which are local times."""
    start = arguments.wall_clock(given.start)
    if given.until is not None:
        end = arguments.wall_clock(given.until)
    else:
        end = rules.add(start.replace(tzinfo=UTC), arguments.length(given.length))
    try:
        where = zone(zone_name)
        return from_local(start, where), from_local(end.replace(tzinfo=None), where)
    except (AmbiguousTime, RuleError) as error:
        raise CommandError(str(error)) from None
    except OverflowError:
        raise CommandError("The date is out of range.") from None


def _print(command: BaseCommand, change: FreezeChange, *, as_json: bool = False) -> None:
    (record,) = status.freezes([change.freeze], clock.now())
    if as_json:
        output.print_json(command, [record | {"windows": [window.pk for window in change.kept]}])
    else:
        command.stdout.write(output.freeze_line(record))
    for window in change.kept:
        text = f"Note: window {window.pk} is planned in this freeze and stays: {window}"
        command.stderr.write(printable(text), style_func=str)
    _print_series(command, change.series)


def _print_series(command: BaseCommand, changes: list[SeriesChange]) -> None:
    for change in changes:
        words = [f"{len(change.cancelled)} cancelled"] if change.cancelled else []
        words += [f"{len(change.made)} created"] if change.made else []
        words += [f"{len(change.restored)} restored"] if change.restored else []
        words += output.skipped_notes(change)
        series = change.series
        text = f"Note: series {series.pk} of {series.site.domain}: {', '.join(words)}"
        command.stderr.write(printable(text), style_func=str)
