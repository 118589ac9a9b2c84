"""Exempt addresses and networks, and headers that try to spoof them."""

import pytest
from django.http import HttpResponse
from django.urls import path

from tests.helpers.times import TWO

pytestmark = pytest.mark.any_database

CLIENT, FRIEND = "203.0.113.9", "198.51.100.7"
NEAR, FAR = "10.0.0.2", "10.0.0.1"  # proxies: FAR sends requests to NEAR, and NEAR to us


@pytest.fixture
def acme_down(acme, plan, at, settings):
    settings.MAINTENANCE_EXEMPT_NETWORKS = ["198.51.100.0/24", "2001:db8::/32", "192.0.2.7"]
    plan(acme)
    at(TWO)


@pytest.mark.parametrize(
    ("address", "status"),
    [
        (FRIEND, 200),
        ("198.51.101.7", 503),
        ("192.0.2.7", 200),
        ("192.0.2.70", 503),
        ("::ffff:198.51.100.7", 200),
        ("::ffff:c633:6407", 200),
        ("::ffff:203.0.113.9", 503),
        ("2001:db8::1", 200),
        ("2001:db9::1", 503),
        ("::198.51.100.7", 503),
        ("64:ff9b::198.51.100.7", 503),
        ("198.51.100.07", 503),
        ("localhost", 503),
        ("", 503),
    ],
)
def test_exempt_networks_match_client_address(acme_down, visit, address, status):
    assert visit(address=address).status_code == status


def test_ipv4_mapped_network_matches_ipv4_clients(acme_down, visit, settings):
    settings.MAINTENANCE_EXEMPT_NETWORKS = ["::ffff:198.51.100.0/120"]
    assert visit(address=FRIEND).status_code == 200
    assert visit(address=CLIENT).status_code == 503


class Anywhere:
    def __contains__(self, address: str) -> bool:
        return address.startswith("203.0.")


def test_internal_ips_accepts_any_container(acme_down, visit, settings):
    settings.INTERNAL_IPS = Anywhere()
    assert visit(address=CLIENT).status_code == 200
    assert visit(address="::ffff:203.0.113.9").status_code == 200
    assert visit(address="203.1.0.1").status_code == 503
    assert visit(address="").status_code == 503


@pytest.mark.parametrize(
    ("trusted", "peer", "forwarded", "status"),
    [
        # No proxy is trusted: the header is not read.
        ([], CLIENT, None, 503),
        ([], CLIENT, FRIEND, 503),
        ([], CLIENT, "127.0.0.1", 503),
        ([], NEAR, FRIEND, 503),
        ([], FRIEND, CLIENT, 200),
        # One is trusted: it appends the address of its peer; the client may have written the rest.
        ([NEAR], NEAR, FRIEND, 200),
        ([NEAR], NEAR, CLIENT, 503),
        ([NEAR], NEAR, f"{FRIEND}, {CLIENT}", 503),
        ([NEAR], NEAR, f"{FRIEND},{FRIEND},{CLIENT}", 503),
        ([NEAR], NEAR, f"{CLIENT}, {FRIEND}", 200),
        ([NEAR], NEAR, f"{NEAR}, {CLIENT}", 503),
        ([NEAR], NEAR, f"{FRIEND}, {FAR}", 503),
        ([NEAR], CLIENT, FRIEND, 503),
        ([NEAR], CLIENT, f"{FRIEND}, {NEAR}", 503),
        ([NEAR], NEAR, None, 503),
        ([NEAR], NEAR, "", 503),
        ([NEAR], NEAR, f"{FRIEND},", 503),
        ([NEAR], NEAR, f"{FRIEND}, unknown", 503),
        ([NEAR], NEAR, f"{FRIEND}, _hidden", 503),
        ([NEAR], NEAR, f'{FRIEND}, "{FRIEND}"', 503),
        ([NEAR], NEAR, f"{FRIEND}:4711", 200),
        ([NEAR], NEAR, "[2001:db8::1]:4711", 200),
        ([NEAR], NEAR, "2001:db8::1", 200),
        ([NEAR], NEAR, f"::ffff:{FRIEND}", 200),
        ([NEAR], f"::ffff:{NEAR}", FRIEND, 200),
        # Two are trusted, by address or by network.
        ([NEAR, FAR], NEAR, f"{FRIEND}, {FAR}", 200),
        (["10.0.0.0/30"], NEAR, f"{FRIEND}, {FAR}", 200),
        ([NEAR, FAR], NEAR, f"{CLIENT}, {FAR}", 503),
        ([NEAR, FAR], NEAR, f"{FRIEND}, {CLIENT}, {FAR}", 503),
        ([NEAR, FAR], NEAR, f"{FRIEND}, {FAR}, {CLIENT}", 503),
        ([NEAR, FAR], NEAR, f"{FRIEND}, {CLIENT}", 503),
        ([NEAR, FAR], NEAR, FRIEND, 200),
        ([NEAR, FAR], NEAR, f"{FAR}, {FAR}, {FAR}", 503),
        ([NEAR, FAR], CLIENT, f"{FRIEND}, {FAR}", 503),
        # A proxy that connects over a Unix socket.
        (["unix"], "", FRIEND, 200),
        (["unix"], "", f"{FRIEND}, {CLIENT}", 503),
        (["unix", FAR], "", f"{FRIEND}, {FAR}", 200),
        (["unix"], CLIENT, FRIEND, 503),
        ([NEAR], "", FRIEND, 503),
        ([NEAR], "", f"{FRIEND}, {NEAR}", 503),
        # Invalid values match no address.
        (["10.0.0.300", "10.0.0.5/8"], NEAR, FRIEND, 503),
        (["10.0.0.300", NEAR], NEAR, FRIEND, 200),
    ],
)
def test_forwarded_for_counts_from_trusted_proxies_only(
    acme_down, visit, settings, trusted, peer, forwarded, status
):
    settings.MAINTENANCE_TRUSTED_PROXIES = trusted
    headers = {} if forwarded is None else {"x_forwarded_for": forwarded}
    assert visit(address=peer, **headers).status_code == status


@pytest.mark.parametrize("header", ["x_real_ip", "forwarded", "client_ip", "x_client_ip", "via"])
def test_middleware_ignores_other_forwarding_headers(acme_down, visit, settings, header):
    settings.MAINTENANCE_TRUSTED_PROXIES = [NEAR]
    value = f"for={FRIEND}" if header == "forwarded" else FRIEND
    assert visit(address=NEAR, **{header: value}).status_code == 503


def test_internal_ips_match_client_behind_trusted_proxy(acme_down, visit, settings):
    """A proxy on the same machine has an internal address, which must not exempt its clients."""
    settings.INTERNAL_IPS = ["127.0.0.1"]
    settings.MAINTENANCE_TRUSTED_PROXIES = ["127.0.0.1"]
    assert visit(address="127.0.0.1", x_forwarded_for=CLIENT).status_code == 503
    assert visit(address="127.0.0.1", x_forwarded_for=f"127.0.0.1, {CLIENT}").status_code == 503


def test_single_network_string_counts_as_list(acme_down, visit, settings):
    settings.MAINTENANCE_EXEMPT_NETWORKS = "203.0.113.0/24"
    assert visit(address=CLIENT).status_code == 200


def test_exempt_client_response_disables_caching(acme_down, visit, settings):
    settings.ROOT_URLCONF = __name__
    answer = visit("/cdn", address=FRIEND)
    assert answer.headers["Cache-Control"] == "private, no-store"
    assert {"CDN-Cache-Control", "Expires", "Surrogate-Control"}.isdisjoint(answer.headers)
    assert visit("/healthz", address=CLIENT).headers["CDN-Cache-Control"] == "max-age=600"


def cacheable(request):
    kept_by = {"CDN-Cache-Control": "max-age=600", "Surrogate-Control": "max-age=600"}
    return HttpResponse(headers={"Cache-Control": "public", "Expires": "tomorrow", **kept_by})


urlpatterns = [path("cdn", cacheable), path("healthz", cacheable)]
