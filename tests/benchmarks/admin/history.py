"""Rows that years of use leave besides windows, and current maintenance."""

from collections.abc import Iterator
from datetime import date, time, timedelta

from django.apps import apps
from django.contrib.auth.models import Permission, User
from django.contrib.sites.models import Site
from django.db import connection
from django.utils import timezone

from maintenance_windows.core.state import Level
from maintenance_windows.models import MaintenanceWindow, WindowSeries
from maintenance_windows.planning import series, windows
from maintenance_windows.planning.sites import bring_up, take_down
from maintenance_windows.reconcile.tick import tick

MINUTE = timedelta(minutes=1)
SERIES, NEAR = 300, 50  # sites; with few sites a third of them has series, and so on
PLANNER = ("add_maintenancewindow", "change_maintenancewindow", "add_windowseries", "view_site")
# Of each fifth window somebody changed the title, and Django's own log has a line of each tenth.
CHANGES = """
INSERT INTO maintenance_windows_change (window_id, at, actor, changes)
SELECT id, created_at, 'alice', '{"title": ["Disks", "New disks"]}'
FROM maintenance_windows_maintenancewindow WHERE id % 5 = 0
"""
LOG = """
INSERT INTO django_admin_log
    (action_time, object_id, object_repr, action_flag, change_message, content_type_id, user_id)
SELECT w.created_at, CAST(w.id AS varchar(20)), 'a window', 1, '[]', t.id, u.id
FROM maintenance_windows_maintenancewindow w, django_content_type t, auth_user u
WHERE w.id % 10 = 0 AND t.model = 'maintenancewindow' AND u.username = 'alice'
"""


def add() -> None:
    """Add all rows, and the users `alice` (superuser), `planner` and `viewer`."""
    User.objects.bulk_create(User(username=f"user{n}", is_staff=True) for n in range(200))
    User.objects.create(username="alice", is_staff=True, is_superuser=True)
    views = Permission.objects.filter(
        content_type__app_label="maintenance_windows", codename__startswith="view_"
    )
    for name, more in (("viewer", ()), ("planner", PLANNER)):
        user = User.objects.create(username=name, is_staff=True)
        user.user_permissions.set(views | Permission.objects.filter(codename__in=more))
    with connection.cursor() as cursor:
        cursor.execute(CHANGES)
        cursor.execute(LOG)
    repeat()
    switch()
    tick()


def repeat() -> None:
    """Add series of all kinds, with their windows."""
    template = {"starts_on": date(2024, 3, 4), "length": timedelta(hours=2), "title": "Nightly"}
    rules = ("FREQ=DAILY", "FREQ=WEEKLY;BYDAY=SU", "FREQ=MONTHLY;BYDAY=2TU")
    chosen = list(Site.objects.order_by("pk")[: min(SERIES, Site.objects.count() // 3)])
    for n, rule in enumerate(rules):
        one = WindowSeries(
            rule=rule, start_time=time(2 + n), zone="Europe/Berlin", level=Level.FULL, **template
        )
        series.repeat(chosen[n :: len(rules)], one, start_now=True, actor="alice")


def switch() -> None:
    """Add sites that are down, soon down, recently up, and held."""
    sites = list(Site.objects.order_by("-pk")[: 4 * NEAR])
    now = timezone.now()
    on, soon, over, held = (sites[n::4] for n in range(4))
    times = {"ends_at": now + 120 * MINUTE, "start_now": True, "actor": "alice"}
    windows.schedule(on, starts_at=now - 30 * MINUTE, title="Disks", message="New.", **times)
    windows.schedule(soon, starts_at=now + 20 * MINUTE, **times)
    windows.schedule(over, starts_at=now - 40 * MINUTE, **times)
    bring_up(over, actor="alice")
    take_down(held, level=Level.READ_ONLY, message="By hand.", actor="alice")


def one_of_each() -> dict[str, MaintenanceWindow]:
    """One of each kind."""
    own = MaintenanceWindow.objects.select_related("site")
    return {
        "past": own.exclude(ended_at=None).earliest("pk"),
        "coming": own.waiting().filter(series=None).latest("starts_at", "pk"),
        "running": own.running().latest("pk"),
        "of a series": own.waiting().exclude(series=None).latest("starts_at", "pk"),
    }


def sizes() -> str:
    return ", ".join(f"{count:,} {name}" for name, count in _counts())


def _counts() -> Iterator[tuple[str, int]]:
    yield "sites", Site.objects.count()
    for name in ("maintenancewindow", "windowseries", "transition", "change"):
        model = apps.get_model("maintenance_windows", name)
        yield str(model._meta.verbose_name_plural), model._default_manager.count()
