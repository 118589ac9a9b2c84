"""No domain, title, message or name controls a terminal or a log, or begins another line."""

import ast
import logging
from io import StringIO
from pathlib import Path

import pytest
from django.contrib.sites.models import Site
from django.core.checks import run_checks
from django.core.management import CommandError, call_command

import maintenance_windows
from maintenance_windows.checks import TAG
from maintenance_windows.logonce import LogOnce, get_logger
from maintenance_windows.management import arguments
from maintenance_windows.models import Freeze, MaintenanceWindow, WindowSeries
from maintenance_windows.reconcile.tick import tick
from tests.helpers.times import FOUR

# Colour, bell, CSI in one byte, right-to-left override, isolate, and line ends.
NASTY = "\x1b[31m\x07\x9b2J\u202e\u2066\r\n\u2028\x85"
DOMAIN = f"a{NASTY}.example"
ROOT = Path(maintenance_windows.__file__).parent


def is_safe(text: str) -> bool:
    return not set(NASTY) & set(text) - set("[31m2J")


@pytest.fixture
def nasty(transactional_db, at, monkeypatch) -> Site:
    monkeypatch.setattr(arguments, "actor", lambda: f"bob{NASTY}")
    return Site.objects.create(domain=DOMAIN, name="Nasty")


@pytest.fixture
def logged():
    """A handler that writes lines as a project's does."""
    out = StringIO()
    handler = logging.StreamHandler(out)
    get_logger().addHandler(handler)
    yield lambda: out.getvalue().splitlines(keepends=True)
    get_logger().removeHandler(handler)


@pytest.fixture
def maintenance(nasty, capsys):
    """Run a verb; return its lines and those of its refusal, each of which is safe."""

    def run(*given: object) -> list[str]:
        out, err = StringIO(), StringIO()
        try:
            call_command("maintenance", *map(str, given), stdout=out, stderr=err)
        except CommandError as error:
            err.write(f"{error}\n")
        lines = [text for stream in (out, err) for text in stream.getvalue().split("\n") if text]
        assert lines
        assert [text for text in lines if not is_safe(text)] == []
        return lines

    return run


def test_every_verb_and_its_log_lines_are_safe(nasty, maintenance, logged, at):
    title, pk, zone = f"t{NASTY}", nasty.pk, "--zone=UTC"
    texts = (f"--title={title}", f"--message={title}")
    maintenance("schedule", pk, "--start=2029-11-04T02:00Z", "--for=2h", *texts)
    maintenance("schedule", pk, "--start=2029-11-04T03:00Z", "--for=2h", *texts)  # overlaps
    first, second = MaintenanceWindow.objects.values_list("pk", flat=True).order_by("pk")
    rule = ("--rule=FREQ=DAILY", "--start=2029-11-05T02:00", zone, "--for=1h")
    maintenance("repeat", pk, *rule, "--preview=2")
    maintenance("repeat", pk, *rule, *texts)
    begun = WindowSeries.objects.get().pk
    maintenance("freeze", pk, "--start=2029-11-06T00:00Z", "--for=1d", f"--reason=r{NASTY}")
    maintenance("freeze", "--all", "--start=2029-11-04T00:00Z", "--for=2d", f"--reason=r{NASTY}")
    for verb in ("status", "list", "series", "freezes", "log"):
        maintenance(verb)
        maintenance(verb, "--json")
        maintenance(verb, DOMAIN) if verb != "freezes" else None
    maintenance("list", "--past")
    maintenance("extend", first, "--by=1h")
    maintenance("move", second, "--start=2029-11-08T02:00Z", "--for=1h")
    maintenance("start", first)
    maintenance("end", first)
    maintenance("cancel", second)
    maintenance("restore", second)
    maintenance("skip", begun, "2029-11-09")
    maintenance("unskip", begun, "2029-11-09")
    maintenance("series-end", begun)
    maintenance("down", pk, f"--message={title}", "--for=10m")
    maintenance("down", pk)
    maintenance("up", pk)
    for row in Freeze.objects.values_list("pk", flat=True):
        maintenance("unfreeze", row)
    maintenance("bypass", pk, "--revoke")
    maintenance("status", f"x{NASTY}")  # refused
    maintenance("log", f"--most={NASTY}")
    assert maintenance("prune", "--before=2029-01-01T00:00Z")
    at(FOUR)
    tick()
    lines = logged()
    assert len(lines) > 10
    assert [line for line in lines if not is_safe(line.removesuffix("\n"))] == []


def test_troubles_in_the_log_are_safe(nasty, logged):
    LogOnce(get_logger()).now({1: f"Trouble {NASTY}"})
    get_logger("maintenance_windows.http.pages").error(
        "%s %r %s", NASTY, NASTY, nasty, stacklevel=1
    )
    try:
        int(NASTY)
    except ValueError as error:
        error.add_note(NASTY)
        get_logger().exception("%(text)s", {"text": nasty})
    text = "".join(logged())
    assert text.count("Traceback") == 1
    assert is_safe(text.replace("\n", ""))
    number = logging.makeLogRecord({"msg": "%d", "args": (1,)})
    assert get_logger().filter(number)
    assert number.getMessage() == "1"


def test_checks_are_safe(nasty, settings):
    settings.ALLOWED_HOSTS = [f"b{NASTY}.example"]
    found = run_checks(tags=[TAG], databases=["default"])
    assert any("ALLOWED_HOSTS" in message.msg for message in found)
    assert [message for message in found if not is_safe(f"{message.msg}{message.hint}")] == []


def test_all_loggers_pass_the_door():
    strays = [
        path
        for path in ROOT.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute) and node.attr == "getLogger"
    ]
    assert strays == [ROOT / "logonce.py"]
