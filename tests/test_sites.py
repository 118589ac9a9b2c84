"""Sites that are deleted and renamed while others change their maintenance."""

import random
import time
from collections.abc import Callable
from threading import Lock, Thread
from typing import Any

import pytest
from django.contrib.sites.models import Site
from django.db import connection, transaction
from django.test import Client
from django.urls import reverse

from maintenance_windows.exceptions import Refused
from maintenance_windows.models import MaintenanceWindow, SiteMaintenance
from maintenance_windows.planning import bypass, windows
from maintenance_windows.planning.sites import bring_up, take_down
from maintenance_windows.reconcile.lock import locked
from tests.helpers.pages import fill
from tests.helpers.times import FOUR, HOUR, TWO
from tests.helpers.waiting import until
from tests.helpers.writers import (
    assert_consistent,
    change_something,
    press_something,
    write_together,
)

making = Lock()
GONE = r"Site acme\.example no longer exists\."


def delete_something(choices: random.Random, sites: list[Site], client: Client) -> None:
    """Delete a site in one of Django's ways, rename one, or make one again with its id."""
    site = choices.choice(sites)
    copy = Site(pk=site.pk, domain=site.domain, name=site.name)
    selected = {"action": "delete_selected", "_selected_action": str(site.pk), "post": "yes"}
    page = reverse("admin:sites_site_delete", args=[site.pk])
    changelist = reverse("admin:sites_site_changelist")
    choices.choice(
        [
            copy.delete,
            lambda: Site.objects.filter(pk=site.pk).delete(),
            lambda: client.post(changelist, selected),
            lambda: client.post(page, {"post": "yes"}),
            lambda: rename(site, choices),
            *[lambda: make_again(copy)] * 3,
        ]
    )()


def make_again(site: Site) -> None:
    with making:  # two INSERTs with one id are an error of Django's own
        site.save()


def rename(site: Site, choices: random.Random) -> None:
    with transaction.atomic():
        for found in Site.objects.filter(pk=site.pk):
            found.domain = f"{choices.random()}.example"
            found.save()
            found.domain = site.domain
            found.save()


@pytest.mark.slow
def test_concurrent_deletions_and_verbs_meet_no_error(transactional_db, alice):
    sites = [Site.objects.create(domain=f"s{n}.example") for n in range(3)]
    clients = [Client(), Client()]
    for client in clients:
        client.force_login(alice)
    write_together(
        lambda choices: change_something(choices, sites),
        lambda choices: press_something(choices, sites, clients[0]),
        lambda choices: delete_something(choices, sites, clients[1]),
        lambda choices: delete_something(choices, sites, clients[1]),
    )
    assert_consistent()


@pytest.mark.parametrize(
    "verb",
    [
        lambda site: windows.schedule([site], starts_at=TWO, ends_at=FOUR),
        lambda site: take_down([site]),
        lambda site: bring_up([site]),
        lambda site: bypass.make(site, length=HOUR),
        lambda site: bypass.revoke([site]),
    ],
)
def test_verb_refuses_site_that_was_deleted(acme, verb):
    gone = Site(pk=acme.pk, domain=acme.domain)
    acme.delete()
    with pytest.raises(Refused, match=GONE):
        verb(gone)
    assert not SiteMaintenance.objects.filter(pk=gone.pk).exists()


def meanwhile(function: Callable[[], object], before: str) -> Any:
    """Call a function, once, before the first statement that contains a text."""
    waiting = iter([function])

    def wrapper(execute, sql, params, many, context):
        if before in sql.replace('"', "").replace("`", ""):
            for waits in waiting:
                waits()
        return execute(sql, params, many, context)

    return connection.execute_wrapper(wrapper)


LOCK = "pg_advisory_xact_lock" if connection.vendor == "postgresql" else "maintenance_windows_sched"


def test_deletion_includes_rows_created_after_it_began(acme, globex, plan):
    """The window is scheduled between Django's collection of the site's rows and the lock."""
    plan(globex)
    with meanwhile(lambda: plan(acme), before=LOCK):
        acme.delete()
    assert MaintenanceWindow.objects.get().site == globex
    assert not Site.objects.filter(domain="acme.example").exists()


@pytest.mark.parametrize("page", ["operate", "links", "change"])
def test_admin_shows_sentence_if_site_is_deleted_first(acme, browser, page):
    names = {"operate": [], "links": [acme.pk], "change": [acme.pk]}
    url = reverse(f"admin:maintenance_windows_sitemaintenance_{page}", args=names[page])
    sent = {"site": acme.pk, "verb": "down", "length": "open", "revoke": "1"}
    if page == "change":
        sent = fill(browser.get(url).text, in_maintenance="on")
    with meanwhile(Site.objects.filter(pk=acme.pk).delete, before=LOCK):
        response = browser.post(url, sent, follow=True)
    assert response.status_code in {200, 404}
    if page != "change":  # there Django has a sentence of its own
        assert "Site acme.example no longer exists." in response.text
    else:
        assert "Perhaps it was deleted?" in response.text


def test_admin_page_of_site_that_is_deleted_meanwhile_says_so(acme, browser):
    url = reverse("admin:maintenance_windows_sitemaintenance_change", args=[acme.pk])
    with meanwhile(Site.objects.filter(pk=acme.pk).delete, before="FROM django_site WHERE"):
        response = browser.get(url, follow=True)
    assert "Perhaps it was deleted?" in response.text


def test_site_that_is_deleted_while_it_is_saved_raises_nothing(transactional_db):
    site = Site(domain="acme.example")
    delete = lambda: Site.objects.filter(domain="acme.example").delete()  # noqa: E731
    with meanwhile(delete, before="FROM maintenance_windows_sitemaintenance"):
        site.save()
    assert not SiteMaintenance.objects.filter(site__domain="acme.example").exists()


def test_deleted_site_comes_up_at_once(acme, visit):
    take_down([acme])
    assert visit().status_code == 503
    acme.delete()
    assert visit().status_code != 503


def test_bypass_links_of_several_sites_are_revoked_together(acme, globex):
    gone = Site(pk=999, domain="gone.example")
    rows = SiteMaintenance.objects.order_by("pk").values_list("pk", "bypass")
    before = list(rows)
    with pytest.raises(Refused):
        bypass.revoke([acme, globex, gone])
    assert list(rows.all()) == before
    SiteMaintenance.objects.all().delete()
    bypass.revoke([acme, globex])
    after = dict(rows.all())
    assert len(after) == 2
    assert all(number > dict(before)[pk] for pk, number in after.items())


def swap_with_save(one: Site, other: Site) -> None:
    domain, one.domain = one.domain, "meanwhile.example"
    one.save()
    one.domain, other.domain = other.domain, domain
    other.save()
    one.save()


def swap_with_update(one: Site, other: Site) -> None:
    for pk, domain in (
        (one.pk, "meanwhile.example"),
        (other.pk, one.domain),
        (one.pk, other.domain),
    ):
        Site.objects.filter(pk=pk).update(domain=domain)


@pytest.mark.parametrize("swap", [swap_with_save, swap_with_update])
def test_visitors_follow_swapped_domains(acme, globex, visit, swap):
    """An update sends no signal, as if another process had swapped them."""
    take_down([acme])
    assert visit(host="acme.example").status_code == 503
    assert visit(host="globex.example").status_code == 200
    with transaction.atomic():
        swap(acme, globex)
        assert visit(host="acme.example").status_code == 503  # not committed
    until(lambda: visit(host="acme.example").status_code == 200)
    assert visit(host="globex.example").status_code == 503


def test_saved_domain_counts_for_next_request(acme, visit):
    take_down([acme])
    assert visit(host="acme.example").status_code == 503
    acme.domain = "new.example"
    acme.save()
    assert visit(host="acme.example").status_code != 503
    assert visit(host="new.example").status_code == 503


def test_new_domain_waits_for_the_lock(acme):
    """Its transaction waits before it locks the row of the site, which a verb needs."""
    done = []

    def rename_in_transaction() -> None:
        with transaction.atomic():
            site = Site.objects.get(pk=acme.pk)
            site.domain = "new.example"
            site.save()
        done.append(True)
        connection.close()

    thread = Thread(target=rename_in_transaction)
    with locked():
        thread.start()
        time.sleep(0.3)
        take_down([acme])
        assert not done
    thread.join()
    assert done
    assert Site.objects.get(pk=acme.pk).domain == "new.example"


def test_unchanged_domain_takes_no_lock(acme):
    with meanwhile(lambda: pytest.fail("the lock"), before=LOCK), transaction.atomic():
        acme.name = "Acme, Inc."
        acme.save()


class SitesElsewhere:
    """A router whose sites are in another database than our tables."""

    def db_for_write(self, model: Any, **hints: Any) -> str | None:
        return "elsewhere" if model._meta.app_label == "maintenance_windows" else None


def test_sites_of_other_database_take_no_lock(acme, settings):
    settings.DATABASE_ROUTERS = [f"{__name__}.SitesElsewhere"]
    acme.domain = "new.example"
    with meanwhile(lambda: pytest.fail("the lock"), before=LOCK):
        with transaction.atomic():
            acme.save()
        acme.delete()
    assert not Site.objects.filter(domain="new.example").exists()
