"""The tests of that project, for pytest-django, in the order in which they stand."""

import threading
from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.sites.models import Site
from django.test import Client

from maintenance_windows.planning.sites import take_down
from maintenance_windows.testing import maintenance


def make_site() -> Site:
    return Site.objects.create(domain="testserver", name="")


def status() -> int:
    return Client().get("/").status_code


@pytest.fixture(autouse=True)
def _no_threads():
    yield
    assert not [one for one in threading.enumerate() if one.name.startswith("maintenance")]


def test_without_database():
    assert status() == 200


async def test_async_without_database(async_client):
    assert (await async_client.get("/")).status_code == 200


def test_uncommitted(db, django_assert_num_queries):
    with django_assert_num_queries(0):
        assert status() == 200
    take_down([make_site()])
    assert status() == 503


def test_after_uncommitted(db):
    make_site()
    assert status() == 200


def test_on_commit(db, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        take_down([make_site()])
    assert status() == 503


def test_after_on_commit():
    assert status() == 200


def test_committed(transactional_db):
    take_down([make_site()], until=datetime.now(UTC) + timedelta(hours=1))
    assert status() == 503


def test_after_committed():
    assert status() == 200


@pytest.fixture
def down(transactional_db):
    take_down([make_site()])


async def test_async_committed(down, async_client):
    """The thread that reads must not keep a connection: the database could not be dropped."""
    assert (await async_client.get("/")).status_code == 503


def test_after_async_committed(db):
    make_site()
    assert status() == 200


def test_committed_elsewhere(transactional_db):
    """Some fixtures write in a thread of their own."""
    take_down([make_site()])
    seen: list[int] = []
    other = threading.Thread(target=lambda: seen.append(status()))
    other.start()
    other.join()
    assert seen == [503]


def test_after_committed_elsewhere():
    assert status() == 200


@maintenance("testserver")
def test_asked_for():
    assert status() == 503


@maintenance("testserver")
async def test_asked_for_async(async_client):
    assert (await async_client.get("/")).status_code == 503


def test_live_server(live_server, transactional_db):
    from urllib.error import HTTPError
    from urllib.request import urlopen

    site = Site.objects.create(domain="localhost", name="")
    with urlopen(live_server.url) as answer:
        assert answer.status == 200
    take_down([site])
    with pytest.raises(HTTPError, match="503"):
        urlopen(live_server.url)


def test_after_live_server():
    assert status() == 200
