"""URL patterns: which are rejected, and the time limit of matching."""

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest
from django.conf import settings as project
from django.contrib.sites.models import Site
from django.urls import register_converter

from maintenance_windows.core.state import PatternKind
from maintenance_windows.models import IgnoredURL
from maintenance_windows.patterns import matching
from maintenance_windows.patterns.engine import compile_pattern
from maintenance_windows.patterns.faults import fault, slowness
from maintenance_windows.patterns.matching import Matchers, any_matches
from tests.helpers.runaways import BOMBS, BULKY, RUNAWAYS, TEXTS
from tests.helpers.times import TWO

pytestmark = pytest.mark.any_database

ROUTE, REGEX = PatternKind.ROUTE, PatternKind.REGEX


@pytest.mark.parametrize(
    ("kind", "pattern", "words"),
    [
        (ROUTE, "", "an empty one"),
        (REGEX, "   ", "an empty one"),
        (ROUTE, "/contact/", "leading slash"),
        (REGEX, "^/contact/$", "leading slash"),
        (REGEX, "(", "is invalid"),
        (REGEX, "a{99999999999999999999}", "is invalid"),
        (REGEX, "(?P<x>a)(?P<x>b)", "is invalid"),
        (ROUTE, "<nosuch:x>/", "is invalid"),
        (ROUTE, "<int:1x>/", "is invalid"),
        (ROUTE, "<int: x>/", "is invalid"),
        (ROUTE, "<int:x>/<int:x>/", "is invalid"),
        (REGEX, ".*", "everything"),
        (REGEX, "^", "everything"),
        (REGEX, "$|x", "everything"),
        (REGEX, "(?i).?", "everything"),
        (ROUTE, "<path:anything>", "everything"),
        (ROUTE, "<path:anything>/", "everything"),
        (REGEX, ".+/$", "everything"),
        (REGEX, "a{4294967294}", "too large"),
        (REGEX, "(?x) ^ a b", "the flag x"),
        (REGEX, "^a(?# why)b", "the flag x"),
        (REGEX, "^(?i-s:a(?sx:b))", "the flag x"),
    ],
)
def test_fault_describes_invalid_patterns(kind, pattern, words):
    sentence = fault(kind, pattern)
    assert sentence is not None
    assert words in sentence
    assert "\n" not in sentence


GOOD = [
    (ROUTE, "contact/"),
    (ROUTE, "api/<path:rest>"),
    (ROUTE, "<slug:page>/"),
    (ROUTE, "<int:year>/<int:month>/<slug:name>/"),
    (ROUTE, "<path:folder>/<path:file>/raw/"),
    (REGEX, "^$"),
    (REGEX, r"^item/\d+/$"),
    (REGEX, "health"),
    (REGEX, r"^(?P<year>[0-9]{4})/(?P<month>[0-9]{2})/$"),
    (REGEX, r"^blog/[\w-]+/$"),
    (REGEX, r"^(?:api|feeds?)/v\d+/.*$"),
    (REGEX, r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/$"),
    (REGEX, "[a-z-]+/feed/$"),
    (REGEX, "^(?:[a-z-]+/)+feed/$"),
    (REGEX, "^(?!private)[a-z]+/$"),
    (REGEX, ".*/edit/.*$"),
    (REGEX, r"\.(css|js|png|jpg|svg|woff2?)$"),
    (REGEX, r"^users/(?P<name>[\w.@+-]+)/photo\.(jpe?g|png|gif)$"),
]


@pytest.mark.parametrize(("kind", "pattern"), GOOD)
def test_fault_accepts_valid_patterns(kind, pattern):
    assert fault(kind, pattern) is None


def seconds(kind: PatternKind, pattern: str, path: str) -> float:
    """CPU seconds of one match."""
    matches = compile_pattern(kind, pattern)
    start = time.thread_time()
    with suppress(TimeoutError):
        matches(path, False)
    return time.thread_time() - start


@pytest.mark.parametrize("pattern", RUNAWAYS)
def test_catastrophic_expressions_stop_at_time_limit(pattern):
    """The limit is 5 ms, and the engine checks the clock only now and then."""
    assert max(seconds(REGEX, pattern, text) for text in TEXTS) < 0.25


def test_catastrophic_expressions_backtrack_in_python_re():
    """Proves that the test above means something: each further `a` doubles the time."""

    def seconds(length: int) -> float:
        start = time.perf_counter()
        assert re.search(r"^(a+)+$", "a" * length + "!") is None
        return time.perf_counter() - start

    seconds(10)
    assert seconds(20) > 50 * seconds(10)


def slow_here() -> list[str]:
    """The expressions for which `regex` has no optimization."""
    return [p for p in RUNAWAYS if fault(REGEX, p) is None and slowness(REGEX, p)]


def test_slowness_describes_slow_expressions():
    assert len(slow_here()) > 20
    for pattern in ["^(a|aa)+$", "^shop/(a|aa)+$", r"^(shop|blog)/\d+/([a-z]|\w\w)+$"]:
        assert "takes too long" in slowness(REGEX, pattern), pattern


@pytest.mark.parametrize(("kind", "pattern"), GOOD)
def test_slowness_accepts_ordinary_patterns(kind, pattern):
    assert slowness(kind, pattern) is None


# Seconds and MiB that each of these takes to be judged.
JUDGE = """
import json, resource, sys, time
import django
django.setup()
from maintenance_windows.core.state import PatternKind
from maintenance_windows.patterns.faults import fault
for pattern in json.load(sys.stdin):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.thread_time()
    sentence = fault(PatternKind.REGEX, pattern)
    taken = time.thread_time() - start
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    print(json.dumps([sentence, taken, grown]))
"""


def run(code: str, *arguments: str, given: str = "", **env: str) -> str:
    """Run code in a process with the project's settings and a database in memory."""
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=project.BASE_DIR,
        env={
            "PATH": os.environ["PATH"],
            "DJANGO_SETTINGS_MODULE": "project.settings",
            "SECRET_KEY": "x" * 50,
            "DATABASE_URL": "sqlite://:memory:",
            "ALLOWED_HOSTS": "acme.example",
            **env,
        },
        input=given,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
def test_large_expressions_compile_in_bounded_memory():
    judged = map(json.loads, run(JUDGE, given=json.dumps([*BOMBS, *BULKY])).splitlines())
    for pattern, (sentence, taken, grown) in zip([*BOMBS, *BULKY], judged, strict=True):
        assert ("too large" in (sentence or "")) == (pattern in BOMBS), pattern
        assert taken < 2, pattern
        assert grown < 64, pattern


@pytest.mark.filterwarnings("ignore:Possible nested set:FutureWarning")
@pytest.mark.parametrize(
    ("pattern", "path", "matches"),
    [
        ("^a{e}$", "b", False),  # about the same text, to `regex`
        ("^a{e}$", "a{e}", True),
        ("^a{e<=1}x", "b", False),
        ("^a{e<=1}x", "a{e<=1}x", True),
        ("^a{,2}$", "aa", True),
        ("^a{}", "a{}", True),
        (r"^[a[:alpha:]]x", "b]x", False),  # letters, to `regex`
        (r"^[a[:alpha:]]x", ":]x", True),
        (r"^[\[]x", "[x", True),
        (r"^[]a[]x", "]x", True),
        (r"^[^]a[]x", "[x", False),
        (r"^(?a:\w)x", "éx", False),
        (r"^\wx", "éx", True),
        (r"^\N{LATIN SMALL LETTER A}x", "ax", True),
        (r"^(?!private)[a-z]+/$", "public/", True),
        (r"^(?!private)[a-z]+/$", "private/", False),
        (r"^(\w)\1/$", "aa/", True),
        (r"^(\w)\1/$", "ab/", False),
    ],
)
def test_expressions_match_as_in_urls_py(pattern, path, matches):
    assert fault(REGEX, pattern) is None
    assert bool(re.search(pattern, path)) == matches
    assert compile_pattern(REGEX, pattern)(path, False) == matches


# Routes with and without ambiguous converters.
ROUTES = [
    "<path:rest>/x/",
    "a/<path:rest>/<int:number>/x/",
    "/".join(f"<str:p{n}>" for n in range(25)) + "/x/",
    "".join(f"<path:p{n}>/" for n in range(12)) + "x/",
    "".join(f"<str:p{n}>" for n in range(12)) + "/x/",
    "-".join(f"<slug:p{n}>" for n in range(12)) + "/x/",
    "<runaway:name>/x/",
]


class Runaway:
    regex = "(?:a|aa|-)+"

    def to_python(self, value: str) -> str:
        raise AssertionError("A request waits for no converter.")

    def to_url(self, value: str) -> str:
        return value


register_converter(Runaway, "runaway")


@pytest.mark.parametrize("route", ROUTES)
def test_routes_stop_at_time_limit(route):
    texts = [*TEXTS, "-" * 4000, "a-" * 2000]
    assert max(seconds(ROUTE, route, text) for text in texts) < 0.25


def test_custom_converter_matches_without_call(acme, plan, at, visit):
    IgnoredURL.objects.create(maintenance=acme.maintenance, pattern="x/<runaway:name>/")
    plan(acme)
    at(TWO)
    assert visit("/x/a-aa/").status_code == 404
    assert visit("/x/b/").status_code == 503


def ignore(site: Site, *patterns: str) -> None:
    rows = (IgnoredURL(maintenance=site.maintenance, kind="regex", pattern=p) for p in patterns)
    IgnoredURL.objects.bulk_create(rows)


@pytest.fixture
def pattern_log(caplog, monkeypatch) -> Iterator[Callable[[], list[str]]]:
    """The log messages about patterns, with the caches of a new process."""
    monkeypatch.setattr(matching, "ready", Matchers())
    matching.warn.cache_clear()
    yield lambda: [one.getMessage() for one in caplog.records if one.name == matching.__name__]
    matching.warn.cache_clear()


def test_slow_patterns_share_time_limit_of_request(acme, plan, at, visit, pattern_log):
    slow = [f"^(?:x{n}y|a|aa)+$" for n in range(400)]
    ignore(acme, "^first/", *slow, "^last/|^a+!!$")
    plan(acme)
    at(TWO)
    evil = "/" + "a" * 4000
    for _ in range(5):  # each makes patterns ready for a quarter of a second at most
        visit("/nothing/")
    start = time.process_time()
    assert visit(f"{evil}!").status_code == 503
    assert visit(f"{evil}!!").status_code == 503  # the limit skips the last pattern
    assert time.process_time() - start < 1
    assert visit("/first/").status_code == visit("/last/").status_code == 404
    assert len(pattern_log()) == len(set(pattern_log())) < 40
    assert "The URL patterns of acme.example take too long; some" in " ".join(pattern_log())


def test_slow_pattern_is_skipped_and_logged_once(acme, plan, at, visit, pattern_log):
    ignore(acme, "^(a|aa)+$", "!$")
    plan(acme)
    at(TWO)
    for _ in range(3):
        assert visit("/" + "a" * 50 + "?").status_code == 503
        assert visit("/" + "a" * 50 + "!").status_code == 404  # the other pattern still matches
        assert visit("/" + "a" * 50).status_code == 404
    assert pattern_log() == [
        "The URL pattern '^(a|aa)+$' takes too long on some paths; it is ignored there."
    ]


def test_invalid_patterns_in_database_leave_others_working(acme, plan, at, visit, pattern_log):
    ignore(acme, "(", "a{4294967294}", ".*", "^open/")
    plan(acme)
    at(TWO)
    for _ in range(2):
        assert visit("/").status_code == 503
        assert visit("/open/").status_code == 404
    assert sorted(pattern_log()) == [
        f"Ignoring the URL pattern {pattern!r}: the admin would refuse it."
        for pattern in ("(", ".*", "a{4294967294}")
    ]


def test_very_long_path_matches_no_pattern(acme, plan, at, visit):
    ignore(acme, "^open/")
    plan(acme)
    at(TWO)
    assert visit("/open/" + "x" * 4000).status_code == 404
    assert visit("/open/" + "x" * 5000).status_code == 503


def test_matching_time_grows_linearly_with_patterns():
    """An LRU cache of 1,024 patterns would compile all of them anew for each request."""

    def cost(number: int) -> float:
        patterns = [(ROUTE, f"page-{number}-{n}/<int:id>/") for n in range(number)]
        for _ in range(9):  # until all are ready
            any_matches("x", patterns)
        start = time.thread_time()
        for _ in range(5):
            assert not any_matches("x", patterns)
        return time.thread_time() - start

    assert cost(4000) < 20 * cost(800)


def test_unused_patterns_leave_memory(monkeypatch):
    matchers = Matchers()
    monkeypatch.setattr(matching, "TURN", 0.0)
    matchers.make((ROUTE, "old/"))
    for n in range(3):
        matchers.make((ROUTE, f"new-{n}/"))
    assert matchers.find((ROUTE, "old/")) is None
    assert matchers.find((ROUTE, "new-2/"))


# Prints whether `regex` is there at the start, with a site that is up, with routes, with a regex.
LAZY = """
import os, sys, tempfile
import django
folder = tempfile.TemporaryDirectory()
os.environ["DATABASE_URL"] = f"sqlite:///{folder.name}/db.sqlite3"
django.setup()
from django.contrib.sites.models import Site
from django.core.management import call_command
from django.test import Client
from maintenance_windows.models import IgnoredURL
from maintenance_windows.planning import sites
seen = ["regex" in sys.modules]
call_command("migrate", verbosity=0)
site = Site.objects.create(domain="acme.example", name="Acme")
ask = lambda path: Client().get(path, HTTP_HOST="acme.example").status_code
open_ = IgnoredURL.objects.create
open_(maintenance=site.maintenance, pattern="open/<int:year>/<slug:name>/")
answers = [ask("/nowhere/")]
seen.append("regex" in sys.modules)
sites.take_down([site])
answers += [ask("/nowhere/"), ask("/open/1/a/")]
seen.append("regex" in sys.modules)
sites.bring_up([site])
open_(maintenance=site.maintenance, kind="regex", pattern="^late/(?!x)")
sites.take_down([site])
answers += [ask("/late/x"), ask("/late/y")]
seen.append("regex" in sys.modules)
print(seen, answers)
"""
LOADED = "[False, False, False, True] [404, 503, 404, 503, 404]\n"


@pytest.mark.slow
def test_engine_loads_at_first_regex_match():
    assert run(LAZY) == LOADED


# Twice, as two virtual hosts of mod_wsgi have it, and to the end of the process.
INSIDE = """
import os, sys
try:
    import _interpreters as interpreters
    create = lambda: interpreters.create("legacy")
except ImportError:
    import _xxsubinterpreters as interpreters
    create = lambda: interpreters.create(isolated=False)
code = f"import sys; sys.path[:] = {sys.path!r}" + sys.argv[1]
both = [create(), create()]
for one in both:
    failed = interpreters.run_string(one, code)
    assert failed is None, failed
os._exit(0)
"""


@pytest.mark.slow
def test_matching_works_in_sub_interpreter():
    """Extension modules may hang in sub-interpreters, which mod_wsgi uses."""
    assert run(INSIDE, f"{LAZY}\nsys.stdout.flush()") == LOADED * 2
