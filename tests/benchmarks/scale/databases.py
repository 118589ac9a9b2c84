"""Two databases that differ only in their history; each can become the default one."""

from datetime import datetime, timedelta

from django.contrib.sites.models import Site
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from maintenance_windows.models import MaintenanceWindow
from tests.benchmarks import population
from tests.benchmarks.scale.sizes import Size


class Database:
    """A database with `past` windows completed at `now`, the time of its creation."""

    def __init__(self, url: str, past: int) -> None:
        self.name = url.removeprefix("sqlite:///") if "sqlite" in url else url.rpartition("/")[2]
        self.past = past
        self.now = timezone.now().replace(microsecond=0)

    def use(self) -> None:
        if connection.settings_dict["NAME"] != self.name:
            connection.close()
            connection.settings_dict["NAME"] = self.name


def filled(urls: list[str], size: Size) -> list[Database]:
    """Create the smaller and the larger database; the larger is in use."""
    both = [Database(url, past) for url, past in zip(urls, (size.few, size.past), strict=True)]
    for database in both:
        database.use()
        call_command("migrate", verbosity=0)
        population.populate(size.sites, database.past, size.coming, now=database.now)
        population.analyze()
    return both


def plan(count: int, starts_at: datetime, length: timedelta, skipped: int = 0) -> None:
    """Schedule a window at that time for each of `count` sites after the first few."""
    sites = Site.objects.filter(domain__endswith=".example").order_by("pk")
    MaintenanceWindow.objects.bulk_create(
        [
            MaintenanceWindow(
                site=site,
                starts_at=starts_at,
                ends_at=starts_at + length,
                message=f"We move {site.domain} to new disks.",
            )
            for site in sites[skipped : skipped + count]
        ],
        batch_size=5000,
    )
