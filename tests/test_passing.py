"""`on`, `status` and the overview say who passes while a site is down."""

import json
from io import StringIO

import pytest
from django.core.management import call_command

pytestmark = pytest.mark.any_database


def may_pass(request) -> bool:
    return False


class Everybody:
    """Some projects have an INTERNAL_IPS that only answers `in`."""

    def __contains__(self, address: str) -> bool:
        return True

    def __repr__(self) -> str:
        return "Everybody()"


@pytest.mark.parametrize(
    ("given", "who"),
    [
        ({}, "superusers, staff"),
        ({"MAINTENANCE_BLOCK_STAFF": True}, "superusers"),
        (
            {"INTERNAL_IPS": ["127.0.0.1", "::1"], "MAINTENANCE_EXEMPT_NETWORKS": "10.0.0.0/8"},
            "superusers, staff, 127.0.0.1, ::1 (INTERNAL_IPS), "
            "10.0.0.0/8 (MAINTENANCE_EXEMPT_NETWORKS)",
        ),
        (
            {"INTERNAL_IPS": [f"10.0.0.{n}" for n in range(1, 255)]},
            "superusers, staff, 10.0.0.1, 10.0.0.2, 10.0.0.3, 251 more (INTERNAL_IPS)",
        ),
        ({"INTERNAL_IPS": Everybody()}, "superusers, staff, Everybody() (INTERNAL_IPS)"),
        (
            {"MAINTENANCE_IS_STAFF": "shop.is_staff", "MAINTENANCE_MAY_PASS": may_pass},
            "superusers, staff, according to shop.is_staff, requests that "
            f"{__name__}.may_pass accepts",
        ),
    ],
)
def test_commands_and_overview_say_who_passes(acme, browser, settings, given, who):
    settings.LANGUAGE_CODE = "de"  # the command is English
    for name, value in given.items():
        setattr(settings, name, value)
    sentence = f"Access while a site is down: {who}."
    out, errors = StringIO(), StringIO()
    call_command("maintenance", "on", "acme.example", stdout=out, stderr=errors)
    assert errors.getvalue() == f"{sentence}\n"
    assert len(out.getvalue().splitlines()) == 1  # one line a site, as scripts read it
    out = StringIO()
    call_command("maintenance", "status", stdout=out)
    assert out.getvalue().splitlines()[-2] == sentence  # above the scheduler
    page = browser.get("/admin/maintenance_windows/", headers={"accept-language": "en"}).text
    assert f'<p class="quiet">{sentence}</p>' in page


def test_status_as_json_says_who_passes(acme, settings):
    settings.MAINTENANCE_BLOCK_STAFF = True
    settings.INTERNAL_IPS = ["127.0.0.1"]
    settings.MAINTENANCE_EXEMPT_NETWORKS = ["10.0.0.0/8"]
    settings.MAINTENANCE_MAY_PASS = may_pass
    out = StringIO()
    call_command("maintenance", "status", "--json", stdout=out)
    assert json.loads(out.getvalue())["passes"] == {
        "superusers": True,
        "staff": False,
        "is_staff": None,
        "internal_ips": ["127.0.0.1"],
        "networks": ["10.0.0.0/8"],
        "may_pass": f"{__name__}.may_pass",
    }
