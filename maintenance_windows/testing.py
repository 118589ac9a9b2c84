"""Tools for the tests of projects that use this app.

A test needs none of them to see what it has written: under Django's test runner and pytest-django,
each request reads the database over the connection of its test, and the host's clock counts.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from itertools import count
from typing import Any

from django.contrib.sites.models import Site
from django.test.utils import TestContextDecorator
from django.utils import timezone

from maintenance_windows.conf import conf
from maintenance_windows.core.intervals import Span
from maintenance_windows.core.state import Closure, Level, SiteState, Snapshot
from maintenance_windows.snapshot import clock, runtime, threads
from maintenance_windows.snapshot.clock import hosts_clock
from maintenance_windows.snapshot.inline import InlineReader

__all__ = ["as_in_production", "hosts_clock", "maintenance"]

_nobodys_ids = count(-1, -1)


class FixedReader(InlineReader):
    """Knows the given sites and reads nothing."""

    def __init__(self, states: Iterable[SiteState]) -> None:
        super().__init__()
        self.snapshot: Snapshot = Snapshot(states)


class maintenance(TestContextDecorator):  # noqa: N801 (used like a function)
    """Take a site down for a block, a test or a test class, sync or async.

        with maintenance(site, until=datetime(2029, 11, 4, 4, tzinfo=UTC)):
            assert client.get("/").status_code == 503

    `site` is a Site, or the host of the requests, such as "testserver". The maintenance starts now
    or at `since`. Only requests in this process see it. It needs no database, and windows in the
    database are ignored inside the block.
    """

    def __init__(
        self,
        site: Site | str,
        *,
        until: datetime | None = None,
        since: datetime | None = None,
        level: Level = Level.FULL,
        message: str = "",
    ) -> None:
        super().__init__()
        if any(moment and timezone.is_naive(moment) for moment in (since, until)):
            raise ValueError("Give aware times, such as datetime(2029, 11, 4, 4, tzinfo=UTC).")
        self.site, self.since, self.until = site, since, until
        self.level, self.message = Level(level), message
        self._before: Any = None
        self._reader: FixedReader | None = None

    def enable(self) -> None:
        span = Span(self.since or clock.now(), self.until)
        closure = Closure(span=span, level=self.level, message=self.message)
        if isinstance(self.site, str):
            site_id, domain = conf.SITE_ID or next(_nobodys_ids), self.site
        else:
            site_id, domain = self.site.pk, self.site.domain
        state = SiteState(site_id=site_id, domain=domain, closures=(closure,))
        before = self._before = runtime.use(None)
        others = before.snapshot.by_id.values() if isinstance(before, FixedReader) else ()
        self._reader = FixedReader([*others, state])
        runtime.use(self._reader)

    def disable(self) -> None:
        reader = runtime.use(self._before)
        if reader is not self._reader and reader is not None:
            reader.stop()  # the block called runtime.forget(), and a request started a refresher

    async def __aenter__(self) -> None:
        self.enable()

    async def __aexit__(self, *_: Any) -> None:
        self.disable()


@contextmanager
def as_in_production() -> Iterator[None]:
    """Read in a thread, with deadlines and by the database's clock, in a block or a test.

    Requests then see what is committed, and PostgreSQL's or MariaDB's clock counts instead of one
    that the test has stopped; hosts_clock() inside the block lets that one count.
    """
    before = threads.wanted_in_tests
    runtime.forget()
    threads.wanted_in_tests = True
    try:
        yield
    finally:
        runtime.forget()
        clock.forget()
        threads.wanted_in_tests = before
