"""`setmaintenance on|off [ids]`, for scripts of django-maintenancemode-2."""

import pytest
from django.contrib.sites.models import Site
from django.core.management import CommandError, call_command

from maintenance_windows.models import MaintenanceWindow, SiteMaintenance, Transition
from tests.helpers.times import TWO


@pytest.fixture
def setmaintenance(at, capsys):
    """Run the command at one o'clock; return its output and its errors."""

    def run(*arguments: object) -> tuple[str, str]:
        capsys.readouterr()
        call_command("setmaintenance", *map(str, arguments))
        return capsys.readouterr()

    return run


def sites_down() -> set[str]:
    on = SiteMaintenance.objects.filter(in_maintenance=True)
    return set(on.values_list("site__domain", flat=True))


def test_on_and_off_accept_ids(acme, globex, setmaintenance):
    line = "down since 2029-11-04 01:00:00 UTC, until further notice\n"
    printed = f"acme.example: {line}globex.example: {line}"
    assert setmaintenance("on", acme.pk, globex.pk) == (printed, "")
    assert sites_down() == {"acme.example", "globex.example"}
    assert Transition.objects.first().actor.endswith("(shell)")
    assert setmaintenance("off", acme.pk, acme.pk) == ("acme.example: up\n", "")
    assert sites_down() == {"globex.example"}


def test_site_id_is_the_default(acme, globex, setmaintenance, settings):
    settings.SITE_ID = globex.pk
    setmaintenance("on")
    assert sites_down() == {"globex.example"}
    setmaintenance("off")
    assert sites_down() == set()


def test_off_ends_window_in_progress(acme, plan, setmaintenance, at):
    window = plan(acme)
    at(TWO)
    assert setmaintenance("off", acme.pk) == (f"acme.example: up, ended window {window.pk}\n", "")
    assert MaintenanceWindow.objects.get().ended_at == TWO


def test_ignore_missing_skips_unknown_ids(acme, setmaintenance):
    with pytest.raises(CommandError, match=r"^Site '4711' does not exist\.$"):
        setmaintenance("on", acme.pk, 4711)
    assert sites_down() == set()
    for option in ("-i", "--ignore-missing"):
        out, err = setmaintenance("on", 4711, acme.pk, option)
        assert out.startswith("acme.example: down since ")
        assert err == "Site '4711' does not exist. Skipped.\n"
    assert sites_down() == {"acme.example"}
    assert setmaintenance("-i", "on", 4711) == ("", "Site '4711' does not exist. Skipped.\n")


def test_verbosity_zero_prints_nothing(acme, setmaintenance):
    assert setmaintenance("-v0", "-i", "on", acme.pk, 4711) == ("", "")
    assert sites_down() == {"acme.example"}


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((), "the following arguments are required: status"),
        (("perhaps",), "invalid choice: 'perhaps'"),
        (("on", "acme.example"), "invalid int value: 'acme.example'"),
        (("on",), "Specify the id of a site: SITE_ID is not set."),
    ],
)
def test_invalid_arguments_change_nothing(acme, setmaintenance, arguments, sentence):
    with pytest.raises(CommandError) as refusal:
        setmaintenance(*arguments)
    assert sentence in str(refusal.value)
    assert sites_down() == set()
    assert Site.objects.count() == 2
