"""Writers that run at the same time, and what must hold after them."""

import random
import time
from collections.abc import Callable
from contextlib import suppress
from threading import Thread

from django.contrib.sites.models import Site
from django.db import connections
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from maintenance_windows.exceptions import Refused
from maintenance_windows.models import MaintenanceWindow, SiteMaintenance, Transition
from maintenance_windows.planning import bypass, standing, windows
from maintenance_windows.planning.sites import bring_up, extend, take_down
from maintenance_windows.reconcile.tick import tick
from tests.helpers.pages import fill, times
from tests.helpers.times import SECOND

LASTS = 2.0  # seconds
BUTTONS = ["down", "up", "extend", "action", "add", "change", "site", "revoke"]
ADMIN = "admin:maintenance_windows_"
Writer = Callable[[random.Random], object]


def write_together(*writers: Writer) -> None:
    """Call each writer again and again, each in a thread. Raise the first error but refusals."""
    errors: list[BaseException] = []
    stop = time.monotonic() + LASTS

    def run(number: int, writer: Writer) -> None:
        choices = random.Random(number)
        try:
            while time.monotonic() < stop and not errors:
                with suppress(Refused):
                    writer(choices)
        except BaseException as error:  # noqa: BLE001 (raised again below)
            errors.append(error)
        finally:
            connections.close_all()

    threads = [Thread(target=run, args=item) for item in enumerate(writers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


def some_window(choices: random.Random, site: Site) -> int:
    live = MaintenanceWindow.objects.filter(site=site, ended_at=None, cancelled_at=None)
    return choices.choice([*live.order_by("-pk").values_list("pk", flat=True)[:5], 0])


def change_something(choices: random.Random, sites: list[Site]) -> None:
    """Call a verb, or tick."""
    site, now = choices.choice(sites), timezone.now()
    pk = some_window(choices, site)
    start = now + choices.uniform(-1, 1) * SECOND
    choices.choice(
        [
            lambda: windows.schedule([site], starts_at=start, ends_at=now + 2 * SECOND),
            lambda: windows.extend(pk, by=SECOND),
            lambda: windows.start(pk),
            lambda: windows.end(pk),
            lambda: windows.cancel(pk),
            lambda: take_down([site], until=now + SECOND),
            lambda: take_down([site]),
            lambda: bring_up([site]),
            lambda: extend(site, by=SECOND, seen=""),
            lambda: bypass.make(site, length=SECOND),
            lambda: bypass.revoke([site]),
            tick,
        ]
    )()


def press_something(choices: random.Random, sites: list[Site], client: Client) -> None:
    """Use a page of the admin. The client raises what would be an error 500."""
    site, now = choices.choice(sites), timezone.now()
    window = some_window(choices, site)
    match verb := choices.choice(BUTTONS):
        case "action":
            names = ["start_now", "extend_15", "end_now", "cancel"]
            action = {"action": choices.choice(names), "_selected_action": str(window)}
            client.post(reverse(f"{ADMIN}maintenancewindow_changelist"), action)
        case "add":
            form = {"sites": str(site.pk), "zone": "UTC", "level": "full"}
            span = times("starts_at", now) | times("ends_at", now + 2 * SECOND)
            client.post(reverse(f"{ADMIN}maintenancewindow_add"), form | span)
        case "change" | "site":
            of_site = verb == "site"
            model = "sitemaintenance" if of_site else "maintenancewindow"
            url = reverse(f"{ADMIN}{model}_change", args=[site.pk if of_site else window])
            if (page := client.get(url)).status_code == 200:
                on = choices.choice(["on", None])
                changes = {"in_maintenance": on} if of_site else {"title": str(now)}
                client.post(url, fill(page.text, **changes))
        case "revoke":
            client.post(reverse(f"{ADMIN}sitemaintenance_links", args=[site.pk]), {"revoke": "1"})
        case _:
            url = reverse(f"{ADMIN}sitemaintenance_operate")
            shown = standing.read([site], now)[site.pk].mark
            sent = {"verb": verb, "minutes": "15", "length": "open", "shown": shown}
            client.post(url, {"site": str(site.pk), **sent})


def assert_consistent() -> None:
    """Flags agree with their windows, and status changes alternate."""
    now = timezone.now()
    tick(lambda: now)
    for flag in SiteMaintenance.objects.all():
        in_progress = MaintenanceWindow.objects.filter(site=flag.pk).with_status("active", now)
        assert flag.in_maintenance == (flag.held or in_progress.exists())
        assert (flag.since is not None) is flag.in_maintenance
        rows = Transition.objects.filter(site=flag.pk).order_by("pk")
        states = list(rows.values_list("in_maintenance", flat=True))
        assert states == [number % 2 == 0 for number in range(len(states))]
        assert bool(len(states) % 2) is flag.in_maintenance
