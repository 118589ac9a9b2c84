"""The one site in its variants: without a package that takes it down, and with each of them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

UP, ELSEWHERE, CLOSED = "up", "another site closed", "in maintenance"


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """A variant of the site; `put` sets one of the states.

    The middleware comes last, after AuthenticationMiddleware, as all packages require.
    """

    middleware: str = ""
    app: str = ""
    settings: Mapping[str, object] = field(default_factory=dict)
    states: tuple[str, ...] = (UP, CLOSED)
    put: Callable[[str], None]


def nothing(state: str) -> None:
    pass


def flag(state: str) -> None:
    """The row of django-maintenancemode-2; its admin creates one for sites that are up too."""
    from maintenancemode.models import Maintenance

    Maintenance.objects.create(site_id=1, is_being_performed=state == CLOSED)


def lock_file(state: str) -> None:
    """The lock file of django-maintenancemode."""
    from maintenancemode.utils import activate

    if state == CLOSED:
        activate()


def file_or_cache(state: str) -> None:
    """The state of django-maintenance-mode, for any backend."""
    from maintenance_mode.core import set_maintenance_mode

    set_maintenance_mode(state == CLOSED)


def window(state: str) -> None:
    """A window of this package, with an end."""
    from django.contrib.sites.models import Site
    from django.utils import timezone

    from maintenance_windows.planning.sites import take_down

    if domain := {ELSEWHERE: "globex.example", CLOSED: "acme.example"}.get(state):
        sites = Site.objects.filter(domain=domain)
        take_down(sites, until=timezone.now() + timedelta(days=1))


NONE, EMPTY, OURS = "no middleware", "an empty middleware", "django-maintenance-windows"
MAINTENANCEMODE_2 = "django-maintenancemode-2 2.0"
CLASS = "middleware.MaintenanceModeMiddleware"

VARIANTS = {
    NONE: Variant(states=(UP,), put=nothing),
    EMPTY: Variant(middleware="tests.benchmarks.site.empty.middleware", states=(UP,), put=nothing),
    MAINTENANCEMODE_2: Variant(
        app="maintenancemode",
        middleware=f"maintenancemode.{CLASS}",
        settings={"SITE_ID": 1},
        put=flag,
    ),
    "django-maintenancemode 0.11": Variant(
        app="maintenancemode", middleware=f"maintenancemode.{CLASS}", put=lock_file
    ),
    "django-maintenance-mode 0.23, file": Variant(
        app="maintenance_mode", middleware=f"maintenance_mode.{CLASS}", put=file_or_cache
    ),
    "django-maintenance-mode 0.23, cache": Variant(
        app="maintenance_mode",
        middleware=f"maintenance_mode.{CLASS}",
        settings={"MAINTENANCE_MODE_STATE_BACKEND": "maintenance_mode.backends.CacheBackend"},
        put=file_or_cache,
    ),
    OURS: Variant(
        app="maintenance_windows",
        middleware=f"maintenance_windows.{CLASS}",
        states=(UP, ELSEWHERE, CLOSED),
        put=window,
    ),
}
