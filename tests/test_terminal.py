"""`status` and `list` in a terminal: tables, colours and `--watch`."""

import fcntl
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from itertools import chain
from select import select
from urllib.parse import urlsplit

import pytest
from django.conf import settings as project
from django.contrib.sites.models import Site
from django.core.management import CommandError, call_command
from django.core.management.base import OutputWrapper
from django.db import connection

from maintenance_windows.core.state import Level
from maintenance_windows.management.terminal import Cell, Table, lines
from maintenance_windows.models import WindowSeries
from maintenance_windows.planning import series
from maintenance_windows.planning.freezes import freeze
from maintenance_windows.planning.sites import bring_up, take_down
from maintenance_windows.reconcile.tick import tick
from tests.helpers.times import FOUR, HOUR, MINUTE, SECOND, TWO

pytestmark = pytest.mark.slow

ESCAPE = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
BOLD, RED, GREEN, YELLOW = "\x1b[1m", "\x1b[31;1m", "\x1b[32;1m", "\x1b[33;1m"


@pytest.fixture
def maintenance(at, capsys):
    """Run the command at one o'clock, an hour before the windows; return its lines."""

    def run(*arguments: object) -> list[str]:
        capsys.readouterr()
        call_command("maintenance", *map(str, arguments))
        return capsys.readouterr().out.splitlines()

    return run


class Terminal:
    """A process in a pseudo-terminal."""

    def __init__(self, process: subprocess.Popen[bytes], screen: int) -> None:
        self.process, self.screen = process, screen
        self.shown, self.known = "", 0

    def wait_for(self, text: str, seconds: float = 20) -> None:
        """Read until the text appears after everything that earlier calls waited for."""
        deadline = time.monotonic() + seconds
        while (found := self.shown.find(text, self.known)) < 0:
            ready, _, _ = select([self.screen], [], [], max(0, deadline - time.monotonic()))
            assert ready, self.shown[-2000:]
            assert self._read(), self.shown[-2000:]
        self.known = found + len(text)

    def read_all(self) -> str:
        """Read the output until the process ends."""
        while self._read():
            pass
        return self.shown

    def _read(self) -> bool:
        try:
            read = os.read(self.screen, 65536)
        except OSError:  # on Linux: the other end is closed
            return False
        self.shown += read.decode().replace("\r\n", "\n")
        return bool(read)

    def resize(self, columns: int, rows: int) -> None:
        fcntl.ioctl(self.screen, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


def command(*arguments: str) -> list[str]:
    return [sys.executable, "manage.py", "maintenance", *arguments]


def environment() -> dict[str, str]:
    """The environment of a process that uses the test database."""
    name = str(connection.settings_dict["NAME"])
    url = f"sqlite:///{name}"
    if connection.vendor != "sqlite":
        url = urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{name}").geturl()
    unset = {"COLUMNS", "LINES", "NO_COLOR", "DJANGO_COLORS"}
    kept = {name: value for name, value in os.environ.items() if name not in unset}
    return {**kept, "DATABASE_URL": url, "TERM": "xterm", "PYTHONUTF8": "1"}


@contextmanager
def terminal(*arguments: str, columns: int = 80, rows: int = 24, **env: str) -> Iterator[Terminal]:
    screen, inside = pty.openpty()
    shown = {"stdin": inside, "stdout": inside, "stderr": inside}
    env = environment() | env
    with subprocess.Popen(command(*arguments), cwd=project.BASE_DIR, env=env, **shown) as process:
        opened = Terminal(process, screen)
        opened.resize(columns, rows)
        os.close(inside)
        try:
            yield opened
        finally:
            process.terminate()  # lets coverage write its data
            os.close(screen)


def test_status_is_a_table(acme, globex, plan, maintenance, at):
    first = plan(acme, level=Level.READ_ONLY).pk
    second = plan(acme, FOUR + HOUR, FOUR + 30 * HOUR).pk
    at(TWO - MINUTE + SECOND / 2)
    take_down([globex])
    assert maintenance("status", "acme.example", "globex.example") == [
        "SITE            STATE       UNTIL (UTC)     SINCE             NEXT",
        "globex.example  down, held  further notice  2029-11-04 01:59  -",
        "acme.example    up          -               -                 "
        f"{first}: 2029-11-04 02:00 to 04:00",
        "Access while a site is down: superusers, staff.",
        "1 down, 1 up.  Scheduler: has never run.",
    ]
    tick(lambda: TWO)
    at(TWO + 2.5 * SECOND)
    assert maintenance("status", "acme.example") == [
        "SITE          STATE      UNTIL (UTC)       SINCE             NEXT",
        "acme.example  read-only  2029-11-04 04:00  2029-11-04 02:00  "
        f"{second}: 2029-11-04 05:00 to 2029-11-05 10:00",
        "Access while a site is down: superusers, staff.",
        "1 read-only.  Scheduler: last run 2 s ago.",
    ]


def test_list_is_a_table(acme, globex, plan, maintenance):
    title = "データ\nベース\x1b[31m\x9b2J\u202e"
    other = str(plan(globex, TWO + SECOND, FOUR, title=title, level="read_only").pk)
    one = str(plan(acme, TWO - HOUR, TWO, title="long " * 30 + "cafe\u0301").pk)
    ids = max(len(one), len(other), len("ID"))
    assert maintenance("list") == [
        f"{'ID':{ids}}  SITE            STATUS       START (UTC)          END    LEVEL      "
        "SERIES  TITLE",
        f"{one:{ids}}  acme.example    in progress  2029-11-04 01:00     02:00  full       "
        "-       " + "long " * 30 + "cafe\u0301",
        f"{other:{ids}}  globex.example  scheduled    2029-11-04 02:00:01  04:00  read-only  "
        "-       データ ベース\ufffd[31m\ufffd2J\ufffd",
    ]


def test_verb_prints_title_on_one_line(acme, plan, maintenance):
    window = plan(acme, title="a\nb\x1b[2J")
    (line,) = maintenance("cancel", window.pk)
    assert line.endswith("cancelled, a b\ufffd[2J")


def test_list_times_use_zone_of_heading(acme, plan, maintenance, settings):
    settings.TIME_ZONE = "Europe/Berlin"
    # The night in which 02:30 happens twice.
    for start, end in (("00:30", "01:30"), ("01:30", "02:30")):
        plan(acme, *(datetime.fromisoformat(f"2030-10-27T{time}Z") for time in (start, end)))
    spans = [re.split("  +", line)[3:5] for line in maintenance("list")]
    assert spans == [
        ["START (Europe/Berlin)", "END"],
        ["2030-10-27 02:30 CEST", "02:30 CET"],
        ["2030-10-27 02:30 CET", "03:30"],
    ]


def test_status_reports_late_or_skewed_scheduler(acme, maintenance, at):
    tick(lambda: TWO)
    for now, said in (
        (TWO - SECOND, "last run 0 s ago."),
        (TWO + MINUTE, "last run at 2029-11-04 02:00:00 UTC, too long ago."),
        (
            TWO - MINUTE,
            "last run at 2029-11-04 02:00:00 UTC, in the future (check the clocks).",
        ),
    ):
        at(now)
        assert maintenance("status")[-1].endswith(f"Scheduler: {said}")


@pytest.mark.parametrize(
    ("text", "columns", "line"),
    [
        ("plain", None, "plain|"),
        ("データ", None, "データ|"),
        ("cafe\u0301", None, "cafe\u0301|"),
        ("👩\u200d🚒", None, "👩\u200d🚒|"),
        ("a\tb\r\nc\x85d\u2028e", None, "a b  c d e|"),
        ("\x00\x1b\x7f\x9b\u202e\u2066\ufeff", None, "\ufffd" * 7 + "|"),
        ("plain", 8, "plain|"),
        ("plain", 5, "plain"),
        ("plain", 4, "pla…"),
        ("データ", 5, "デー…"),
        ("データ", 4, "デ…"),
        ("cafe\u0301s", 4, "caf…"),
        ("ecafe\u0301", 5, "ecafe\u0301"),
        ("👩\u200d🚒ab", 3, "👩\u200d🚒…"),
        ("👩\u200d🚒ab", 2, "…"),
        ("plain", 0, ""),
    ],
)
def test_cell_fits_its_columns(text, columns, line):
    (first, *_) = lines(Table([[Cell(text), Cell("|")]]), columns)
    assert first.replace("  |", "|") == line


def test_columns_fit_their_widest_text():
    texts = ["データ", "cafe\u0301", "👩\u200d🚒", "⚠\ufe0f", "🇩🇪", "ab"]
    rows = [[Cell(text, lambda text: f"<{text}>"), Cell("x")] for text in texts]
    table = lines(Table(rows))
    assert table == [
        "<データ>  x", "<cafe\u0301>    x", "<👩\u200d🚒>      x", "<⚠\ufe0f>      x",
        "<🇩🇪>      x", "<ab>      x",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ("status --watch", "--watch requires a terminal"),
        ("status acme.example --watch 5", "--watch requires a terminal"),
        ("status --watch --json", "cannot be combined with --json or --check"),
        ("status --watch --check", "cannot be combined with --json or --check"),
        ("status --watch 0", "'0' is not a number of seconds from 0.1 to 3600"),
        ("status --watch nan", "'nan' is not a number of seconds"),
        ("status --watch acme.example", "put sites before --watch"),
    ],
)
def test_invalid_watch_gives_one_sentence(acme, maintenance, arguments, sentence):
    with pytest.raises(CommandError) as refusal:
        maintenance(*arguments.split())
    assert sentence in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_terminal_output_has_colours_and_fits_width(acme, globex, plan):
    plan(acme)
    take_down([globex], level=Level.READ_ONLY)
    take_down([Site.objects.get(domain="example.com")])
    with terminal("status", columns=75) as screen:
        heading, *sites, _passing, scheduler = screen.read_all().splitlines()
        assert screen.process.wait(5) == 0
    assert heading.startswith(f"{BOLD}SITE\x1b[0m")
    states = (f"{RED}down, held", f"{YELLOW}read-only, held", f"{GREEN}up")
    for line, state in zip(sites, states, strict=True):
        assert f"{state}\x1b[0m" in line
    assert scheduler == f"1 down, 1 read-only, 1 up.  {RED}Scheduler: has never run.\x1b[0m"
    assert ESCAPE.sub("", sites[2]).endswith("…")
    assert max(len(ESCAPE.sub("", line)) for line in sites) == 75
    with terminal("status", columns=200, NO_COLOR="1") as screen:
        plain = screen.read_all()
    assert "2029-11-04 02:00 to 04:00" in plain
    assert "\x1b" not in plain


LONG = f"{'a' * 60}.maintenance.example"  # 80 characters and more
NASTY = "\x1b[31m\x07\u202e"


def nightly() -> WindowSeries:
    start = {"starts_on": TWO.date(), "start_time": TWO.time(), "zone": "UTC"}
    return WindowSeries(rule="FREQ=DAILY", length=HOUR, title="S" * 90, **start)


@pytest.fixture
def long_site(globex):
    Site.objects.filter(pk=globex.pk).update(domain=LONG)
    return Site.objects.get(pk=globex.pk)


def columns_80(monkeypatch):
    """What a terminal of 80 columns shows, without a terminal."""
    size = os.terminal_size((80, 24))
    monkeypatch.setattr("shutil.get_terminal_size", lambda *_: size)
    monkeypatch.setattr(OutputWrapper, "isatty", lambda _: True)


@pytest.mark.parametrize("zone", ["UTC", "America/Argentina/Buenos_Aires"])
def test_state_and_time_survive_80_columns(
    long_site, acme, plan, maintenance, monkeypatch, settings, zone
):
    settings.TIME_ZONE = zone
    window = plan(long_site, title="T" * 90).pk
    freeze([long_site], starts_at=FOUR, ends_at=FOUR + HOUR, reason="R" * 90)
    series.repeat([long_site], nightly())
    take_down([long_site], level=Level.READ_ONLY, message="M")
    columns_80(monkeypatch)
    shown = {verb: maintenance(verb) for verb in ("status", "list", "series", "freezes", "log")}
    shown = {verb: [ESCAPE.sub("", line) for line in lines] for verb, lines in shown.items()}
    assert max(map(len, chain(*shown.values()))) <= 80
    of_site = shown["status"][1]
    assert re.match(r"a{8}….{7}  read-only, held  further notice +20\d\d", of_site)
    (of_window,) = (line for line in shown["list"] if line.startswith(f"{window} "))
    assert re.search(
        r"aaaaaaaa….{7}  scheduled +20\d\d-\d\d-\d\d \d\d:\d\d +(20[-\d]+ )?\d\d:\d\d", of_window
    )
    assert re.search(r"20\d\d-\d\d-\d\d \d\d:\d\d to (20[-\d]+ )?\d\d:\d\d", shown["series"][1])
    assert re.search(r"20\d\d-\d\d-\d\d \d\d:\d\d +(20[-\d]+ )?\d\d:\d\d", shown["freezes"][1])
    assert all("(shell)" in line or "-" in line for line in shown["log"][1:])


def test_forced_state_is_the_one_that_visitors_see(acme, globex, maintenance, settings):
    take_down([globex])
    settings.MAINTENANCE_FORCE = "off"
    assert maintenance("status")[-1].startswith("3 up.")
    settings.MAINTENANCE_FORCE = "on"
    shown = maintenance("status")
    assert shown[-1].startswith("3 down.")
    assert sum("down, forced" in line for line in shown) == 3


@pytest.mark.parametrize("verb", ["status", "list", "series", "freezes", "log", "down", "bypass"])
def test_texts_of_people_do_not_control_the_terminal_or_the_log(
    globex, plan, maintenance, capsys, caplog, verb
):
    Site.objects.filter(pk=globex.pk).update(domain=f"globex{NASTY}.example")
    site = Site.objects.get(pk=globex.pk)
    caplog.set_level("INFO")
    plan(site, title=NASTY, actor=NASTY)
    freeze([site], starts_at=FOUR, ends_at=FOUR + HOUR, reason=NASTY, actor=NASTY)
    series.repeat([site], nightly(), actor=NASTY)
    take_down([site], actor=NASTY)
    bring_up([site], actor=NASTY)
    call_command("maintenance", verb, *([str(site.pk)] if verb in {"down", "bypass"} else []))
    captured = capsys.readouterr()
    told = [*captured.out.split("\n"), *captured.err.split("\n")]
    told += [record.getMessage() for record in caplog.records]
    assert any("globex" in line for line in told)
    assert [line for line in told if set("\x1b\x07\u202e") & set(line)] == []


def test_watch_shows_changes_until_interrupt(acme):
    with terminal("status", "acme.example", "--watch", "0.1") as screen:
        screen.wait_for("up\x1b")
        take_down([acme])
        screen.wait_for("down, held")
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE django_site RENAME TO elsewhere")
            try:
                screen.wait_for("The database does not answer as it should: ")
            finally:
                cursor.execute("ALTER TABLE elsewhere RENAME TO django_site")
        screen.wait_for("down, held")
        screen.process.send_signal(signal.SIGINT)
        shown = screen.read_all()
        assert screen.process.wait(5) == 0
    # The table is painted in place, at the top of the screen.
    assert set(re.findall(r"\x1b\[[^A-Za-z]*[A-Za-z]", shown)) == {
        "\x1b[H", "\x1b[J", "\x1b[K", "\x1b[0m", BOLD, RED, GREEN,
    }  # fmt: skip
    before, *frames = shown.split("\x1b[H")
    assert before == "\n" * 23
    assert all(frame.endswith("\n\x1b[J") for frame in frames[:-1])
    assert frames[-1].endswith("\n\x1b[J\n")
    assert {frame.count("\n") for frame in frames[:-1]} == {3, 5}  # without and with the database


def test_watch_follows_terminal_size(acme):
    with terminal("status", "acme.example", "--watch", "3600") as screen:
        screen.wait_for("Scheduler: has never run.")
        screen.resize(30, 4)
        screen.wait_for("Scheduler: has never r…", seconds=5)
        *_, frame = screen.shown.split("\x1b[H")
    head, more, scheduler = ESCAPE.sub("", frame).splitlines()
    assert (len(head), more, scheduler) == (30, "… 3 more", "1 up.  Scheduler: has never r…")


def test_closed_pipe_gives_no_traceback(acme):
    arguments = {"cwd": project.BASE_DIR, "env": environment(), "stderr": subprocess.PIPE}
    with subprocess.Popen(command("list"), stdout=subprocess.PIPE, **arguments) as process:
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(20) == 141


def test_limited_encoding_gives_no_traceback(acme, plan):
    plan(acme, title="データ")
    done = subprocess.run(
        command("list"),
        cwd=project.BASE_DIR,
        env=environment() | {"PYTHONIOENCODING": "ascii"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.endswith(r"\u30c7\u30fc\u30bf" + "\n")
