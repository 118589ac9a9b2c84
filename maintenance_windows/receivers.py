"""Create rows after migrate and after a Site is saved, and log signals."""

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

from django.apps import AppConfig, apps
from django.contrib.sites.models import Site
from django.db import connections, router, transaction
from django.db.models import Q
from django.db.models.signals import post_migrate, post_save, pre_delete, pre_save
from django.dispatch import Signal

from maintenance_windows.beat import BEAT_ENTRIES, QUEUE
from maintenance_windows.logonce import get_logger
from maintenance_windows.models import (
    BypassLink,
    Freeze,
    MaintenanceWindow,
    Scheduler,
    SiteMaintenance,
    Transition,
    WindowSeries,
)
from maintenance_windows.reconcile.lock import lock_transaction
from maintenance_windows.signals import (
    maintenance_ended,
    maintenance_started,
    window_cancelled,
    window_changed,
    window_scheduled,
)
from maintenance_windows.snapshot import runtime

logger = get_logger()


def make_row(instance: Site, using: str, **_: Any) -> None:
    """Create the flag of a saved Site, unless its table does not exist yet.

    The lock keeps off whoever deletes the Site. Within a transaction of the project, which would
    keep the lock for too long, the Site's own row is locked.
    """
    connection = connections[using]
    table = SiteMaintenance._meta.db_table  # noqa: SLF001 (public, as the documentation says)
    if table not in connection.introspection.table_names():
        return
    flags = SiteMaintenance.objects.using(using)
    if connection.in_atomic_block or not _is_here(using):
        flags.get_or_create(site=instance)
    elif not flags.filter(site=instance).exists():
        with transaction.atomic(using=using):
            lock_transaction(using)
            if Site.objects.using(using).filter(pk=instance.pk).exists():
                flags.get_or_create(site=instance)


def lock_for_new_domain(instance: Any, using: str, **_: Any) -> None:
    """Take the lock before a Site gets another domain, until its transaction ends.

    Verbs refer to the Site's row while they hold the lock. If they took it after the row was
    locked, both would wait for each other.
    """
    if instance.pk is None or not _is_here(using):
        return
    stored = Site.objects.using(using).filter(pk=instance.pk).values_list("domain", flat=True)
    has_new_domain = stored.first() not in {None, instance.domain}
    vars(instance)["_has_new_domain"] = has_new_domain  # for publish_new_domain()
    if has_new_domain and connections[using].in_atomic_block:
        lock_transaction(using)


def publish_new_domain(instance: Site, using: str, **_: Any) -> None:
    """Show visitors the new domain of a saved Site once its transaction commits."""
    if vars(instance).pop("_has_new_domain", False):
        runtime.publish_on_commit(using)


def lock_for_deletion(using: str, **_: Any) -> None:
    """Take the lock before a flag is deleted, and its Site after it.

    Django sends this before the Site's own signal, and so before the first statement of a deletion
    that is its transaction's first work.
    """
    if using == router.db_for_write(SiteMaintenance):
        lock_transaction(using)


def delete_rows(instance: Site, using: str, **_: Any) -> None:
    """Delete the rows that were created after Django collected those of a Site to delete."""
    if not _is_here(using):
        return
    lock_transaction(using)
    for model in (
        Transition,
        MaintenanceWindow,
        WindowSeries,
        Freeze.sites.through,
        BypassLink,
        SiteMaintenance,
    ):
        model.objects.using(using).filter(site=instance).delete()
    runtime.publish_on_commit(using)


def _is_here(using: str) -> bool:
    """Return whether the lock, which a Site may be changed without, is in this database."""
    if using != router.db_for_write(SiteMaintenance):
        return False
    table = Scheduler._meta.db_table  # noqa: SLF001 (public, as the documentation says)
    return table in connections[using].introspection.table_names()


def make_rows(using: str, apps: Any = apps, **_: Any) -> None:
    """Create flags, the scheduler's row and beat's entries after migrate.

    Requests need none of these rows. So an error here must not abort a deployment, nor block the
    post_migrate receivers of other apps.
    """
    if not router.allow_migrate_model(using, SiteMaintenance):
        return
    is_here = _has(apps, "maintenance_windows", "Scheduler")  # not after migrating to zero
    wanted: dict[str, Callable[[str], None]] = {}
    if is_here:
        wanted["the scheduler's row cannot be made"] = partial(make_scheduler, apps=apps)
        wanted["the flags of sites cannot be made"] = make_flags
    if _has(apps, "django_celery_beat", "PeriodicTask"):
        if is_here:
            wanted["beat's periodic tasks cannot be made"] = make_entries
        else:
            wanted["beat's periodic tasks cannot be deleted"] = drop_entries
    for fault, work in wanted.items():
        try:
            with transaction.atomic(using=using):
                work(using)
        except Exception as error:  # noqa: BLE001 (of any receiver in the project, see above)
            with suppress(Exception):  # such as of the project's logging filter
                logger.warning("After migrate, %s: %s", fault, error)


def make_scheduler(using: str, apps: Any) -> None:
    # Use the migrated state of the model: the target may be an older migration.
    apps.get_model("maintenance_windows", "Scheduler").objects.using(using).get_or_create(pk=1)


def make_flags(using: str) -> None:
    without = Site.objects.using(using).filter(maintenance=None)
    SiteMaintenance.objects.using(using).bulk_create(
        (SiteMaintenance(site=site) for site in without.iterator()),
        batch_size=1000,
        ignore_conflicts=True,
    )


def make_entries(using: str) -> None:
    """Create beat's entries for our tasks once; afterwards they belong to the operator.

    In beat's tables only names are unique, and a task of the project may have taken ours.
    """
    from django_celery_beat.models import IntervalSchedule, PeriodicTask  # noqa: PLC0415

    entries = PeriodicTask.objects.using(using)
    intervals = IntervalSchedule.objects.using(using)
    for task, (every, period, description) in BEAT_ENTRIES.items():
        if entries.filter(Q(task=task) | Q(name=task)).exists():
            continue
        interval = intervals.filter(every=every, period=period).order_by("pk").first()
        entries.create(
            name=task,
            task=task,
            interval=interval or intervals.create(every=every, period=period),
            queue=QUEUE,
            description=description,
        )


def drop_entries(using: str) -> None:
    """Delete beat's entries. Otherwise beat would keep sending tasks that cannot run."""
    from django_celery_beat.models import PeriodicTask  # noqa: PLC0415

    PeriodicTask.objects.using(using).filter(task__in=BEAT_ENTRIES).delete()


def _has(state: Any, app_label: str, model: str) -> bool:
    """Return whether the migrated state contains this model."""
    if not apps.is_installed(app_label):
        return False
    try:
        state.get_model(app_label, model)
    except LookupError:
        return False
    return True


def log_transition(transition: Transition, **_: Any) -> None:
    logger.info(
        "%s %s at %s, due %s, by %s",
        transition.site.domain,
        "went down" if transition.in_maintenance else "came up",
        transition.done_at.isoformat(),
        transition.due_at.isoformat(),
        transition.actor or f"window {transition.window_id}",
    )


def log_window(
    window: MaintenanceWindow,
    actor: str,
    signal: Signal,
    changes: dict[str, tuple[object, object]] | None = None,
    **_: Any,
) -> None:
    if signal is window_scheduled and window.series_id:
        return  # the series logs one line for all of them
    done = {window_scheduled: "scheduled", window_cancelled: "cancelled"}.get(signal, "updated")
    if changes and "cancelled_at" in changes:
        done = "restored"
        changes = {name: values for name, values in changes.items() if name != "cancelled_at"}
    names = f" ({', '.join(changes)})" if changes else ""
    logger.info(
        "window %s %s%s by %s: %s",
        window.pk,
        done,
        names,
        actor or "code",
        window.for_log(),
    )


def connect(sender: AppConfig) -> None:
    post_migrate.connect(make_rows, sender=sender)
    post_save.connect(make_row, sender=Site)
    pre_save.connect(lock_for_new_domain, sender=Site)
    post_save.connect(publish_new_domain, sender=Site)
    pre_delete.connect(lock_for_deletion, sender=SiteMaintenance)
    pre_delete.connect(delete_rows, sender=Site)
    maintenance_started.connect(log_transition)
    maintenance_ended.connect(log_transition)
    for signal in (window_scheduled, window_changed, window_cancelled):
        signal.connect(log_window)
