"""The tests of that project, for Django's test runner.

`test_1...` leaves a site down, and `test_2...` of the same class, and all classes, expect it up.
"""

# ruff: noqa: PT009, PT027 (written for unittest)

import threading
from datetime import UTC, datetime, timedelta
from os import environ
from urllib.error import HTTPError
from urllib.request import urlopen

import time_machine
from asgiref.sync import sync_to_async
from django.contrib.auth.models import User
from django.contrib.sites.models import Site
from django.db import IntegrityError, connection, transaction
from django.test import (
    LiveServerTestCase,
    SimpleTestCase,
    TestCase,
    TransactionTestCase,
    override_settings,
)

from maintenance_windows.core.state import Level
from maintenance_windows.models import MaintenanceWindow, SiteMaintenance
from maintenance_windows.planning.sites import bring_up, take_down
from maintenance_windows.planning.windows import schedule
from maintenance_windows.testing import maintenance

TWO = datetime(2029, 11, 4, 2, tzinfo=UTC)
HOUR = timedelta(hours=1)
FLUSHES = int(environ.get("FLUSHES", "3"))


def make_site(domain: str = "testserver") -> Site:
    return Site.objects.create(domain=domain, name="")


class Checks:
    def status(self) -> int:
        return self.client.get("/").status_code

    async def astatus(self) -> int:
        return (await self.async_client.get("/asites")).status_code

    def tearDown(self) -> None:
        ours = [one.name for one in threading.enumerate() if one.name.startswith("maintenance")]
        assert not ours, ours


class InTestCase(Checks, TestCase):
    def test_1_verbs_are_seen(self):
        site = make_site()
        take_down([site])
        self.assertEqual(self.status(), 503)
        bring_up([site])
        self.assertEqual(self.status(), 200)
        take_down([site], level=Level.READ_ONLY)
        self.assertEqual((self.status(), self.client.post("/").status_code), (200, 503))

    def test_1_rows_are_seen(self):
        site = make_site()
        SiteMaintenance.objects.filter(site=site).update(in_maintenance=True)
        self.assertEqual(self.status(), 503)
        SiteMaintenance.objects.filter(site=site).update(in_maintenance=False)
        self.assertEqual(self.status(), 200)
        now = datetime.now(UTC)
        MaintenanceWindow.objects.create(site=site, starts_at=now - HOUR, ends_at=now + HOUR)
        self.assertEqual(self.status(), 503)

    def test_1_on_commit_callbacks(self):
        with self.captureOnCommitCallbacks(execute=True):
            take_down([make_site()])
        self.assertEqual(self.status(), 503)

    async def test_1_async(self):
        await sync_to_async(lambda: take_down([make_site()]))()
        self.assertEqual(await self.astatus(), 503)

    def test_2_is_up(self):
        make_site()
        self.assertEqual(self.status(), 200)

    async def test_2_async_is_up(self):
        self.assertEqual(await self.astatus(), 200)

    def test_what_is_rolled_back_is_forgotten(self):
        site = make_site()
        with self.assertRaises(LookupError), transaction.atomic():
            take_down([site])
            self.assertEqual(self.status(), 503)
            raise LookupError
        self.assertEqual(self.status(), 200)

    def test_queries_are_not_ours(self):
        calls = []

        def note(execute, *arguments):
            calls.append(arguments[0])
            return execute(*arguments)

        for domain in ("down.example", "other.example"):
            with self.assertNumQueries(0), connection.execute_wrapper(note):
                self.client.get("/")
            with self.assertNumQueries(1):
                self.client.get("/sites")
            with self.settings(DEBUG=True), self.assertNumQueries(1):
                self.client.get("/sites")
            take_down([make_site(domain)])
        self.assertEqual(calls, [])

    def test_transaction_survives_what_fails(self):
        make_site()
        with self.assertRaises(IntegrityError), transaction.atomic():
            make_site()
        self.assertEqual(self.status(), 200)
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("ALTER TABLE maintenance_windows_scheduler RENAME TO elsewhere")
            self.assertEqual(self.status(), 200)
            self.assertTrue(Site.objects.exists())

    def test_aborted_transaction_is_left_alone(self):
        with transaction.atomic():
            transaction.set_rollback(True)
            self.assertEqual(self.status(), 200)

    def test_staff_pass(self):
        take_down([make_site()])
        self.client.force_login(User.objects.create_user("bob", is_staff=True))
        self.assertEqual(self.status(), 200)
        self.client.force_login(User.objects.create_user("eve"))
        self.assertEqual(self.status(), 503)

    def test_stopped_clock_counts(self):
        with time_machine.travel(TWO - HOUR, tick=False) as clock:
            schedule([make_site()], starts_at=TWO, ends_at=TWO + HOUR)
            self.assertEqual(self.status(), 200)
            clock.move_to(TWO)
            self.assertEqual(self.client.get("/").headers["Retry-After"], "3600")
            clock.move_to(TWO + HOUR)
            self.assertEqual(self.status(), 200)

    @override_settings(MAINTENANCE_FORCE="on")
    def test_force(self):
        self.assertEqual(self.status(), 503)


class FromSetUpTestData(Checks, TestCase):
    @classmethod
    def setUpTestData(cls):
        take_down([make_site()])

    def test_is_down(self):
        self.assertEqual(self.status(), 503)

    def test_is_down_again(self):
        self.assertEqual(self.status(), 503)


class WithoutDatabase(Checks, SimpleTestCase):
    def test_is_up(self):
        self.assertEqual(self.status(), 200)

    async def test_async_is_up(self):
        self.assertEqual((await self.async_client.get("/")).status_code, 200)

    def test_maintenance(self):
        with time_machine.travel(TWO, tick=False), maintenance("testserver", until=TWO + HOUR):
            self.assertEqual(self.client.get("/").headers["Retry-After"], "3600")

    @override_settings(MAINTENANCE_WHEN_UNKNOWN="closed")
    def test_is_up_where_ignorance_closes(self):
        self.assertEqual(self.status(), 200)


class Committed(Checks, TransactionTestCase):
    def test_1_verbs_are_seen(self):
        take_down([make_site()])
        self.assertEqual(self.status(), 503)
        self.client.force_login(User.objects.create_user("bob", is_staff=True))
        self.assertEqual(self.status(), 200)

    async def test_1_async(self):
        await sync_to_async(lambda: take_down([make_site()]))()
        self.assertEqual(await self.astatus(), 503)

    def test_2_is_up(self):
        make_site()
        self.assertEqual(self.status(), 200)

    def test_queries_are_not_ours(self):
        with self.assertNumQueries(0):
            self.client.get("/")
        with self.assertNumQueries(1):
            self.client.get("/sites")


class Flushes(Checks, TransactionTestCase):
    """A flush after each: a thread that reads meanwhile can end in a deadlock with it."""


def test_flush(self):
    for number in range(3):
        make_site(f"s{number}.example")
    self.assertEqual(self.status(), 200)


for number in range(FLUSHES):
    setattr(Flushes, f"test_{number}", test_flush)


class Live(LiveServerTestCase):
    def live_status(self) -> int:
        try:
            with urlopen(f"{self.live_server_url}/sites") as answer:
                return answer.status
        except HTTPError as error:
            return error.code

    def test_1_verbs_are_seen(self):
        site = make_site("localhost")
        self.assertEqual(self.live_status(), 200)
        take_down([site])
        self.assertEqual(self.live_status(), 503)

    def test_2_is_up(self):
        make_site("localhost")
        self.assertEqual(self.live_status(), 200)
