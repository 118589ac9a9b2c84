import os
import signal
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextvars import copy_context
from datetime import datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import time_machine
from asgiref.sync import async_to_sync
from django.contrib.auth.models import User
from django.contrib.sites.models import Site
from django.core.cache import DEFAULT_CACHE_ALIAS, caches
from django.http import HttpResponse
from django.http.request import HttpHeaders
from django.test import AsyncClient, Client

from maintenance_windows.decorators import maintenance_exempt
from maintenance_windows.http.marks import View, marked
from maintenance_windows.models import MaintenanceWindow
from maintenance_windows.planning import windows
from maintenance_windows.snapshot import refresher, runtime
from maintenance_windows.testing import as_in_production, hosts_clock
from tests.helpers.services import require_program
from tests.helpers.times import FOUR, HOUR, TWO

# What may be missing, and the modules that are about nothing else.
OPTIONAL = {
    "celery": ["test_demo.py", "test_fleet.py", "test_queue.py"],
    "django_celery_beat": ["test_beat.py"],
}
MISSING = {package for package in OPTIONAL if find_spec(package) is None}
collect_ignore = [module for package in MISSING for module in OPTIONAL[package]]


def pytest_configure() -> None:
    """See that only that is missing which this environment is meant to go without.

    A cell of the matrix names it in TESTED_WITHOUT; in CI nothing else is. A laptop names nothing,
    and leaves out what cannot be tried.
    """
    meant = os.environ.get("TESTED_WITHOUT", os.environ.get("CI") and "")
    if meant is not None and set(meant.split()) != MISSING:
        raise pytest.UsageError(f"without {sorted(MISSING)}, meant to be without {meant.split()}")
    # A shell's job in the background ignores Ctrl-C, and so would each program that it starts.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def in_own_context(run: Callable[[], None]) -> Callable[[], None]:
    """Drop the context variables that a test has made, which asgiref copies at each request.

    Django makes one for each URL resolver, and those of earlier tests would never go away. The
    cache is of all contexts, because nothing would close its connections.
    """

    def run_apart() -> None:
        caches[DEFAULT_CACHE_ALIAS]
        copy_context().run(run)

    return run_apart


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if "PYTEST_XDIST_WORKER" in os.environ:  # with the longest at the end, one half would wait
        items.sort(key=lambda item: item.get_closest_marker("slow") is None)
    for item in items:
        item.runtest = in_own_context(item.runtest)  # type: ignore[method-assign]
        for marker in item.iter_markers("needs"):
            if missing := MISSING.intersection(marker.args):
                item.add_marker(pytest.mark.skip(f"{', '.join(missing)} is not installed"))


def pytest_make_parametrize_id(val: object) -> str | None:
    """Name functions without their address, so that all processes collect equal names."""
    return getattr(val, "__name__", None) if callable(val) and not isinstance(val, type) else None


PATIENCE = 10.0  # seconds


@pytest.fixture(autouse=True)
def _as_in_production(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As in production, but for the first reading, which takes a busy machine its time."""
    monkeypatch.setattr(refresher, "FIRST_WAIT", PATIENCE)
    monkeypatch.setattr(runtime, "INTERVAL", PATIENCE)  # how long publish() waits
    with as_in_production():
        yield


@pytest.fixture
def beside_replica(settings: Any) -> None:
    """Refuses what Django's router would read from a replica inside one of our transactions."""
    settings.DATABASE_ROUTERS = ["tests.helpers.routers.NoReadsInTransactions"]


@pytest.fixture
def acme(transactional_db: None) -> Site:
    return Site.objects.create(domain="acme.example", name="Acme")


@pytest.fixture
def globex(transactional_db: None) -> Site:
    return Site.objects.create(domain="globex.example", name="Globex")


@pytest.fixture
def alice(transactional_db: None) -> User:
    return User.objects.create_superuser("alice", password="secret")


@pytest.fixture
def at() -> Iterator[Callable[[datetime], None]]:
    """Moves the clock and stops it."""
    with hosts_clock(), time_machine.travel(TWO - HOUR, tick=False) as traveller:
        yield traveller.move_to


@pytest.fixture
def browser(client: Client, alice: User, at: Callable[[datetime], None]) -> Client:
    """Alice in the admin, an hour before two o'clock."""
    client.force_login(alice)
    return client


@pytest.fixture
def plan() -> Callable[..., MaintenanceWindow]:
    """Schedules a window at one o'clock, by default from two to four."""

    def plan(site: Site, starts_at: datetime = TWO, ends_at: datetime = FOUR, **texts: Any):
        clock = lambda: TWO - HOUR  # noqa: E731
        (window,) = windows.schedule(
            [site], starts_at=starts_at, ends_at=ends_at, clock=clock, **texts
        )
        return window

    return plan


ARABIC = """
msgid ""
msgstr "Content-Type: text/plain; charset=UTF-8"

msgid "Down for maintenance"
msgstr "مغلق للصيانة"
"""


@pytest.fixture
def arabic(settings: Any, tmp_path: Path) -> str:
    """Adds an Arabic translation of the 503's title to the project; returns the title."""
    folder = tmp_path / "ar/LC_MESSAGES"
    folder.mkdir(parents=True)
    (folder / "django.po").write_text(ARABIC)
    compiler = require_program("msgfmt")
    subprocess.run([compiler, "django.po", "-o", "django.mo"], cwd=folder, check=True)
    settings.LOCALE_PATHS = [tmp_path]
    return ARABIC.split('"')[-2]


@pytest.fixture
def of_project() -> Iterator[Callable[[View], View]]:
    """Marks a function with @maintenance_exempt, as one in a module of the project."""
    made = []

    def of_project(view: View) -> View:
        view.__module__ = "project.views"
        made.append(maintenance_exempt(view))
        return made[-1]

    yield of_project
    marked.difference_update(made)


@pytest.fixture(params=["sync", "async"])
def visit(request: pytest.FixtureRequest) -> Callable[..., HttpResponse]:
    """Sends a request to acme.example through the whole stack, once sync and once async."""
    client = Client() if request.param == "sync" else AsyncClient()

    def visit(
        path: str = "/",
        *,
        host: str = "acme.example",
        method: str = "GET",
        user: User | None = None,
        address: str = "203.0.113.9",
        scheme: str = "http",
        cookies: Mapping[str, str] | None = None,
        **headers: str,
    ) -> HttpResponse:
        """Headers are keywords such as `accept_language`; cookies persist."""
        if user:
            client.force_login(user)
        client.cookies.load(dict(cookies or {}))
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        # Below get() and generic(), which rewrite paths that start with two slashes.
        if request.param == "sync":
            meta = HttpHeaders.to_wsgi_names({"host": host, **given})
            return client.request(
                PATH_INFO=path,
                REQUEST_METHOD=method,
                REMOTE_ADDR=address,
                **(meta | {"wsgi.url_scheme": scheme}),
            )

        async def ask() -> HttpResponse:
            return await client.request(
                path=path,
                method=method,
                scheme=scheme,
                query_string="",
                server=("127.0.0.1", "80"),
                client=(address, 50000),
                headers=[
                    (name.encode(), value.encode())
                    for name, value in {"host": host, **given}.items()
                ],
            )

        return async_to_sync(ask)()

    visit.is_async = request.param == "async"
    return visit
