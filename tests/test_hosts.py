"""A host in any of its spellings is the site: case, final dot, port, Unicode and Punycode."""

import pytest
from django.contrib.sites.models import Site
from django.core.management import call_command

from maintenance_windows.checks.sites import check_hosts
from maintenance_windows.core.hosts import canonical, spellings
from maintenance_windows.planning import bypass, windows
from tests.helpers.times import FOUR, TWO

PUNYCODE = "xn--mnchen-3ya.example"
DOMAINS = ["münchen.example", "MÜNCHEN.example", "München.Example", PUNYCODE, PUNYCODE.upper()]
HOSTS = [PUNYCODE, PUNYCODE.upper(), f"{PUNYCODE}.", f"{PUNYCODE}:8000", f"{PUNYCODE}.:8000"]
PUBLIC = ["", "status.json", "calendar.ics", "feed.atom"]


@pytest.fixture(params=DOMAINS)
def munich(request, acme, visit, at, settings) -> Site:
    """A site that is down from two to four, which it is."""
    settings.ALLOWED_HOSTS = ["*"]
    site = Site.objects.create(domain=request.param)
    windows.schedule([site], starts_at=TWO, ends_at=FOUR)
    at(TWO)
    return site


@pytest.mark.parametrize("host", HOSTS)
def test_any_spelling_is_the_site(munich, visit, host):
    assert visit(host=host).status_code == 503
    assert visit(host="xn--mnchn-mva.example").status_code == 200  # münchn
    for name in PUBLIC:
        assert visit(f"/maintenance/{name}", host=host).status_code == 200, name


def test_bypass_link_has_the_host_that_browsers_send(munich, visit):
    link = bypass.make(munich)
    assert link.url(secure=True).startswith(f"https://{PUNYCODE}/maintenance/bypass/")
    answer = visit(link.path, host=PUNYCODE)
    assert answer.status_code in {302, 303}
    assert answer.cookies


@pytest.mark.parametrize("name", ["münchen.example", PUNYCODE])
def test_shell_and_check_know_any_spelling(munich, settings, capsys, name):
    call_command("maintenance", "status", name)
    assert munich.domain in capsys.readouterr().out
    settings.ALLOWED_HOSTS = [name]
    assert check_hosts(databases=["default"]) == []


def test_domain_with_port_is_known_in_any_spelling(acme, at, visit, settings):
    settings.ALLOWED_HOSTS = ["*"]
    site = Site.objects.create(domain="MÜNCHEN.example:8000")
    windows.schedule([site], starts_at=TWO, ends_at=FOUR)
    at(TWO)
    for host in (f"{PUNYCODE}:8000", f"{PUNYCODE}.:8000"):
        assert visit(host=host).status_code == 503
        assert visit("/maintenance/", host=host).status_code == 200
    assert visit(host=PUNYCODE).status_code == 200


@pytest.mark.parametrize(
    ("host", "same"),
    [
        ("ACME.example.", "acme.example"),
        ("acme.example.:80", "acme.example:80"),
        ("[::1]:8000", "[::1]:8000"),
        ("straße.example", "xn--strae-oqa.example"),  # as browsers: not strasse
        ("\uff4dünchen\u3002example", "xn--mnchen-3ya.example"),
        ("mu\u0308nchen.example", "xn--mnchen-3ya.example"),
        ("日本.example:80", "xn--wgv71a.example:80"),
        ("", ""),
        (".", ""),
        ("é:", "xn--9ca:"),
    ],
)
def test_canonical(host, same):
    assert canonical(host) == same
    assert canonical(same) == same
    assert {canonical(one) for one in spellings(host)} == {same}


@pytest.mark.parametrize(
    "host", ["xn--.example", "xn--\x7f", "xn--99999999999", "xn--a-", "xn--ls8h="]
)
def test_no_punycode_is_left_as_it_is(host):
    assert canonical(host) == host
    assert spellings(host)[0] == host
