"""The import from django-maintenancemode-2: from plain tables and from a real site."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as project
from django.contrib.auth.models import User
from django.contrib.sites.models import Site
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from maintenance_windows.core.state import Level, PatternKind
from maintenance_windows.importer.expressions import rewritten
from maintenance_windows.models import IgnoredURL, SiteMaintenance, Transition
from maintenance_windows.patterns.engine import UNREADABLE, Unusable, compile_pattern
from maintenance_windows.planning.sites import bring_up, take_down
from tests.helpers.times import HOUR, TWO

# Patterns as people write them there, with their rewritten form here.
GOOD = {
    "^$": "^$",
    "^contact/$": "^contact/$",
    "help/": "^help/",
    "^a1/|^b1/$": "^(?:^a1/|^b1/$)",
    "news/|blog/": "^(?:news/|blog/)",
    "(?i)^Press/": "(?i)^Press/",
    "(?i)Jobs/": "(?i)^Jobs/",
    "^shop/(cart|pay)/": "^shop/(cart|pay)/",
    r"^item/\d+/$": r"^item/\d+/$",
    "^[|]pipe/": "^[|]pipe/",
    r"pipe\|d/": r"^pipe\|d/",
    "[]|]set/": "^[]|]set/",
    "[0-9]+/": "^[0-9]+/",
    "(?m)^lines$": r"(?m)\A^lines$",
    "^(?!private)p": "^(?!private)p",
    "(?<!x)wiki/(?=new)": "^(?<!x)wiki/(?=new)",
    r"(\w)\1/$": r"^(\w)\1/$",
    r"^blog/[\w-]+/\Z": r"^blog/[\w-]+/\Z",
    "^x{,3}/$": "^x{,3}/$",
    "^{e}/$": "^{e}/$",
    "^([a-z]+-?)+/slow$": "^([a-z]+-?)+/slow$",
}
BAD = {
    "(": "This pattern is invalid: missing ), unterminated subpattern at position 0",
    "a)|(b": "This pattern is invalid: unbalanced parenthesis at position 1",
    "^(?!private)": "This pattern matches everything",
    "(?x)^a b": "Remove comments and the flag x",
    "a{4294967294}": "This pattern is too large",
    "": "This pattern matches everything",
    "^": "This pattern matches everything",
    "x|": "This pattern matches everything",
    "/slash/": "Omit the leading slash",
    "a" * 255: "Ensure this value has at most 255 characters (it has 256).",
}
PATHS = [
    "/", "/contact/", "/contact/x", "/x/contact/", "/help/me", "/x/help/", "/a1/x", "/x/a1/",
    "/b1/", "/b1/x", "/x/b1/", "/blog/1", "/x/blog/", "/PRESS/", "/x/press/", "/jobs/", "/x/jobs/",
    "/shop/pay/", "/shop/", "/x/shop/pay/", "/item/7/", "/item/x/", "/|pipe/", "/pipe/",
    "/pipe|d/", "/d/", "/]set/", "/|set/", "/set/", "/77/x", "/x/77/", "/lines", "/lines/",
    "/p", "/private", "/public", "/wiki/new", "/wiki/old", "/x/wiki/new", "/zz/", "/zy/",
    "/blog/über/", "/xx/", "/xxxx/", "/{e}/", "/f/", "/ab-cd/slow",
]  # fmt: skip
NOT_WRITTEN = "Dry run: nothing was written.\n"
NOTHING = "Nothing to import: everything is already here.\n"

Tables = Callable[..., None]


@pytest.fixture
def tables(transactional_db: None) -> Iterator[Tables]:
    """Create the two tables in the test database; return a function that fills them."""
    columns = {
        "maintenance": "id integer, site_id integer, is_being_performed boolean",
        "ignoredurl": "id integer, maintenance_id integer, pattern text, description text",
    }
    with connection.cursor() as cursor:
        for table, definition in columns.items():
            cursor.execute(f"CREATE TABLE maintenancemode_{table} ({definition})")

        ids = count(1)

        def fill(site: int, flag: bool, *patterns: str) -> None:
            row = next(ids)
            sql = "INSERT INTO maintenancemode_maintenance VALUES (%s, %s, %s)"
            cursor.execute(sql, [row, site, flag])
            sql = "INSERT INTO maintenancemode_ignoredurl VALUES (%s, %s, %s, %s)"
            cursor.executemany(sql, [(next(ids), row, pattern, "Why") for pattern in patterns])

        yield fill
        for table in columns:
            cursor.execute(f"DROP TABLE maintenancemode_{table}")


@pytest.fixture
def move_in(at, capsys) -> Callable[..., tuple[str, str]]:
    """Run the command at one o'clock; return its output and its errors."""

    def move_in(*arguments: str) -> tuple[str, str]:
        capsys.readouterr()
        call_command("maintenance", "import-maintenancemode2", *arguments)
        return capsys.readouterr()

    return move_in


def patterns(site: Site) -> list[str]:
    rows = IgnoredURL.objects.filter(maintenance=site.pk, kind=PatternKind.REGEX)
    return list(rows.order_by("pk").values_list("pattern", flat=True))


def everything() -> list[object]:
    models = (SiteMaintenance, IgnoredURL, Transition)
    return [list(model.objects.order_by("pk").values()) for model in models]


def test_import_creates_flags_and_patterns(acme, globex, tables, move_in):
    tables(acme.pk, True, "^contact/$", "help/")
    tables(globex.pk, False, "a|b")
    assert move_in() == (
        "acme.example: down until further notice\n"
        "acme.example: ^contact/$ is exempt\n"
        "acme.example: ^help/ is exempt (imported from help/)\n"
        "globex.example: ^(?:a|b) is exempt (imported from a|b)\n",
        "",
    )
    held = SiteMaintenance.objects.get(pk=acme.pk)
    assert (held.held, held.level, held.since) == (True, Level.FULL, TWO - HOUR)
    assert Transition.objects.get().actor.endswith(", from django-maintenancemode-2")
    assert not SiteMaintenance.objects.get(pk=globex.pk).in_maintenance
    assert patterns(acme) == ["^contact/$", "^help/"]
    assert set(IgnoredURL.objects.values_list("description", flat=True)) == {"Why"}


def test_import_takes_effect_immediately(acme, tables, move_in, visit):
    tables(acme.pk, True, "^healthz/deep$")
    assert visit("/").status_code == 200
    move_in()
    assert visit("/").status_code == 503
    assert visit("/healthz/deep").status_code == 404  # exempt, but there is no such page


def test_second_import_changes_nothing(acme, tables, move_in):
    tables(acme.pk, True, "^contact/$", "help/")
    move_in()
    before = everything()
    assert move_in() == (NOTHING, "")
    assert everything() == before


def test_second_import_skips_flag(acme, tables, move_in):
    tables(acme.pk, True)
    move_in()
    bring_up([acme])
    before = everything()
    said = "acme.example: skipped its flag: the site was brought up after a previous import.\n"
    assert move_in() == (NOTHING, said)
    assert everything() == before


def test_dry_run_writes_nothing(acme, globex, tables, move_in):
    tables(acme.pk, True, "help/")
    tables(globex.pk, False, "(")
    before = everything()
    out, err = move_in("--dry-run")
    assert everything() == before
    assert out.endswith(f"\n{NOT_WRITTEN}")
    assert move_in() == (out.removesuffix(NOT_WRITTEN), err)


def test_import_reports_invalid_patterns_and_continues(acme, tables, move_in):
    tables(acme.pk, False, *BAD, "^good/")
    out, err = move_in()
    assert out == "acme.example: ^good/ is exempt\n"
    for line, (pattern, reason) in zip(err.splitlines(), BAD.items(), strict=True):
        assert line.startswith(f"acme.example: skipped {pattern!r}. ")
        assert reason in line
    assert patterns(acme) == ["^good/"]
    assert move_in() == (NOTHING, err)


def test_import_reports_rows_without_site(acme, tables, move_in):
    tables(acme.pk, False)
    tables(4711, True, "^a/", "^b/")
    tables(4712, False)
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO maintenancemode_ignoredurl VALUES (9, 99, '^c/', '')")
    assert move_in() == (
        NOTHING,
        "Skipped '^c/': it belongs to no site.\n"
        "Skipped site 4711 (flag on, patterns '^a/', '^b/'): it no longer exists.\n"
        "Skipped site 4712 (flag off, patterns none): it no longer exists.\n",
    )


def test_import_leaves_sites_that_are_down_unchanged(acme, globex, tables, move_in):
    tables(acme.pk, False)
    tables(globex.pk, True)
    clock = lambda: TWO - 2 * HOUR  # noqa: E731
    take_down([acme, globex], level=Level.READ_ONLY, message="Disks", clock=clock)
    before = everything()
    assert move_in() == (NOTHING, "")
    assert everything() == before


def test_import_holds_site_beyond_its_window(acme, plan, tables, move_in, at):
    plan(acme)
    at(TWO + timedelta(minutes=1))
    tables(acme.pk, True)
    move_in()
    assert SiteMaintenance.objects.get(pk=acme.pk).held


def test_import_merges_rows_of_one_site(acme, tables, move_in):
    tables(acme.pk, False, "^a/", "^a/")
    tables(acme.pk, True, "^b/", "^a/")
    move_in()
    assert SiteMaintenance.objects.get(pk=acme.pk).held
    assert patterns(acme) == ["^a/", "^b/"]


def test_import_keeps_or_reports_patterns_differing_in_case(acme, tables, move_in):
    """A case-insensitive database cannot store both patterns."""
    tables(acme.pk, False, "^a/", "^A/")
    out, err = move_in()
    assert patterns(acme) == ["^a/", "^A/"] or "skipped '^A/'. The database" in err
    assert len(out.splitlines()) + len(err.splitlines()) == 2
    assert move_in() == (NOTHING, err)


def test_import_creates_missing_flag(acme, tables, move_in):
    SiteMaintenance.objects.all().delete()
    tables(acme.pk, False, "^a/")
    move_in()
    assert patterns(acme) == ["^a/"]


def test_database_error_rolls_back_import(acme, tables, move_in):
    def no_room(execute: Any, sql: str, *arguments: Any) -> Any:
        if sql.startswith("INSERT INTO") and Transition._meta.db_table in sql:
            raise DatabaseError("No more room.")
        return execute(sql, *arguments)

    tables(acme.pk, True, "^a/")
    before = everything()
    with connection.execute_wrapper(no_room), pytest.raises(CommandError, match="No more room"):
        move_in()
    assert everything() == before


def test_missing_tables_give_one_sentence(db, move_in):
    with pytest.raises(CommandError, match=r"^Table .* of django-maintenancemode-2 not found"):
        move_in()


def test_foreign_tables_give_error(acme, tables, move_in):
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE maintenancemode_maintenance RENAME COLUMN site_id TO place")
    with pytest.raises(
        CommandError, match=r"does not belong to django-maintenancemode-2: .* site_id"
    ):
        move_in()


@pytest.mark.parametrize(("there", "here"), GOOD.items())
def test_rewritten_patterns(there, here):
    assert rewritten(there) == here


@settings(max_examples=300, deadline=None)
@given(
    pattern=st.builds(
        "{}{}".format,
        st.sampled_from(["", "(?i)", "(?s)", "(?im)"]),
        st.lists(st.sampled_from([*"aB/|()^$[]\\.*?+-\n{},e1:", "(?!", "(?<=a)", r"\1", "[:"])).map(
            "".join
        ),
    ),
    path=st.text("aBb/|()^$[]\\.-\n{},e1:", max_size=8),
)
@example(pattern="^a|B", path="aB")
@example(pattern="[^]|a]B", path="aaB")
def test_rewritten_pattern_matches_same_paths(pattern, path):
    regex = PatternKind.REGEX
    try:
        compile_pattern(regex, pattern)
    except (*UNREADABLE, Unusable, FutureWarning):
        assume(False)
    # Before Python 3.14 \B found nothing in an empty text.
    assume(path or "\\B" not in pattern)
    found = bool(re.match(pattern, path))
    assert compile_pattern(regex, rewritten(pattern))(path, False) == found
    assert compile_pattern(regex, pattern)(path, True) == found


@pytest.fixture(scope="module")
def peer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python with the peer packages; without a network a laptop skips and CI fails."""
    python = tmp_path_factory.mktemp("peer") / "bin/python"
    packages = ["django-maintenancemode-2==2.0", "django-maintenance-mode==0.23", "Django<6"]
    if sys.version_info >= (3, 12):
        packages.append("setuptools<81")  # for distutils, which it imports
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", python.parents[1]], check=True)
    pip = [sys.executable, "-m", "pip", "--python", str(python), "--disable-pip-version-check"]
    done = subprocess.run([*pip, "install", "--quiet", *packages], check=False)
    if done.returncode != 0:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("pip cannot install the package")
    return python


@dataclass(frozen=True)
class FormerSite:
    """The database of the former site, and its responses."""

    database: Path
    migration: str
    paths: dict[str, int]
    people: dict[str, int]


# Releases before 1.1.8 have the tables of the first migration, which take several rows for a site.
@pytest.fixture(scope="module", params=["", "0001"], ids=["2.0", "1.x"])
def former(request: Any, peer: Path, tmp_path_factory: pytest.TempPathFactory) -> FormerSite:
    database = tmp_path_factory.mktemp("former") / "db.sqlite3"
    done = subprocess.run(
        [peer, "tests/helpers/maintenancemode2.py", str(database), request.param],
        cwd=project.BASE_DIR,
        env={"PATH": os.environ["PATH"]},
        input=json.dumps({"good": list(GOOD), "bad": list(BAD), "paths": PATHS}),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return FormerSite(database, request.param, **json.loads(done.stdout))


# Run by `manage.py shell` on that database.
MOVE_IN = """
import json, sys
from io import StringIO
from django.core.management import call_command
from django.db import DatabaseError, connection
from django.test import Client

def move_in(*arguments):
    out, err = StringIO(), StringIO()
    call_command("maintenance", "import-maintenancemode2", *arguments, stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()

def ask(path):
    return Client().get(path, HTTP_HOST="acme.example").status_code

call_command("migrate", verbosity=0)
with connection.constraint_checks_disabled(), connection.cursor() as cursor:
    cursor.execute("DELETE FROM django_site WHERE domain = 'gone.example'")
runs = [move_in("--dry-run"), move_in(), move_in()]
print(json.dumps({"runs": runs, "paths": {path: ask(path) for path in json.load(sys.stdin)}}))
"""


@pytest.mark.slow
def test_import_of_real_site_keeps_its_behaviour(former):
    env = {"DATABASE_URL": f"sqlite:///{former.database}", "ALLOWED_HOSTS": ".example"}
    done = subprocess.run(
        [sys.executable, "manage.py", "shell", "--verbosity=0", f"--command={MOVE_IN}"],
        cwd=project.BASE_DIR,
        env={**os.environ, **env, "DEBUG": "0"},
        input=json.dumps(PATHS),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    moved = json.loads(done.stdout)
    (would, _), (out, err), (again, still) = moved["runs"]
    assert would == f"{out}{NOT_WRITTEN}"
    assert (again, still) == (NOTHING, err)
    lines = out.splitlines()
    assert "acme.example: down until further notice" in lines
    assert ("initech.example: ^second/ is exempt" in lines) == bool(former.migration)
    assert "globex.example" not in out
    for there, here in GOOD.items():
        written = "" if here == there else f" (imported from {there})"
        assert f"acme.example: {here} is exempt{written}" in lines
    for pattern, reason in BAD.items():
        (line,) = (line for line in err.splitlines() if f"skipped {pattern!r}. " in line)
        assert reason in line
    assert "Skipped site 4 (flag on, patterns '^kept/'): it no longer exists.\n" in err
    assert unavailable(moved["paths"]) == unavailable(former.paths)
    assert 0 < sum(unavailable(former.paths).values()) < len(PATHS)


@pytest.mark.slow
def test_settings_keep_their_meaning(acme, plan, at, visit, alice, settings, former):
    settings.INTERNAL_IPS = ["192.0.2.7"]
    settings.MAINTENANCE_ADMIN_IGNORED_URLS = ["^backstage/"]
    settings.MAINTENANCE_BLOCK_STAFF = True
    bob = User.objects.create_user("bob", is_staff=True)
    take_down([acme])
    at(TWO)
    answers = {
        "visitor": visit("/closed/"),
        "at the office": visit("/closed/", address="192.0.2.7"),
        "backstage": visit("/backstage/x"),
        "staff": visit("/closed/", user=bob),
        "superuser": visit("/closed/", user=alice),
    }
    codes = {who: answer.status_code for who, answer in answers.items()}
    assert unavailable(codes) == unavailable(former.people)


def unavailable(codes: dict[str, int]) -> dict[str, bool]:
    return {of: code == 503 for of, code in codes.items()}


@pytest.mark.slow
@pytest.mark.parametrize("source", ["maintenancemode/utils/settings.py", "maintenance_mode/*.py"])
def test_migration_guide_lists_each_setting(peer, source):
    files = peer.parents[1].glob(f"lib/*/site-packages/{source}")
    names = set(re.findall(r"\bMAINTENANCE_\w+", "".join(file.read_text() for file in files)))
    page = (Path(project.BASE_DIR) / "docs/migrating.md").read_text()
    assert len(names) > 2
    assert {name for name in names if f"`{name}`" not in page} == set()
