"""README and docs/: limits, links, words, and each code block."""

import asyncio
import configparser
import re
import subprocess
import unittest
from types import SimpleNamespace

import pytest
from django.contrib.admin import AdminSite
from django.contrib.auth.models import User
from django.db import connection
from django.template import engines

from maintenance_windows.conf import SETTINGS
from maintenance_windows.models import SiteMaintenance
from maintenance_windows.testing import maintenance
from tests.helpers import logtexts
from tests.helpers.documented import commands
from tests.helpers.markdown import (
    PAGES,
    ROOT,
    Block,
    anchors,
    blocks,
    headings,
    links,
    prose,
    section,
)
from tests.helpers.services import require_package, require_program
from tests.helpers.stranger import first_steps

pytestmark = pytest.mark.any_database

README, DOCS = ROOT / "README.md", ROOT / "docs"
MOST_LINES, MOST_WORDS = 160, 1000
BLOCKS = [(page, block) for page in PAGES for block in blocks(page.read_text())]
# test_reference.py compares these with the signatures.
SIGNATURES = "# maintenance_windows."

MARKS = {
    "from kombu": pytest.mark.needs("celery"),
    "import TestCase": pytest.mark.django_db,
}


@pytest.fixture(autouse=True)
def _as_in_production() -> None:
    """Not here: the blocks about tests are run as in a project."""


def test_readme_is_short():
    text = README.read_text()
    assert len(text.splitlines()) <= MOST_LINES
    assert len(text.split()) <= MOST_WORDS


def test_quick_start_of_readme_is_that_of_the_docs():
    """test_package.py follows the one of the docs."""
    for title in ("Quick start", "Run the scheduler"):
        found = blocks(section(README, title))
        assert found
        assert [block for block in found if block not in first_steps()] == []


@pytest.mark.parametrize("page", [*PAGES, *ROOT.glob("[CS]*.md")], ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    for link in links(page):
        if not link.startswith("https://"):
            path, _, anchor = link.partition("#")
            target = page.parent / path if path else page
            assert target.is_file(), link
            assert not anchor or anchor in anchors(target), link


def test_pictures_are_those_of_the_browser_test():
    made = re.findall(r"picture\(.*, \"(.+)\"\)", (ROOT / "tests/test_browser.py").read_text())
    shown = {link for page in PAGES for link in links(page) if link.endswith(".png")}
    assert {path.stem for path in DOCS.glob("*.png")} == set(made)
    assert {link.removeprefix("docs/") for link in shown} == {f"{name}.png" for name in made}


def words_to_avoid() -> set[str]:
    """The last column of the glossary's tables."""
    rows = re.findall(r"^\| .* \| ([^|]*) \|$", (DOCS / "glossary.md").read_text(), re.MULTILINE)
    return {word for row in rows for word in row.split(", ") if row != "not"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_page_uses_the_terms_of_the_glossary(page):
    avoided = words_to_avoid()
    assert len(avoided) > 50
    text = re.sub(r"^### .*$", "", prose(page), flags=re.MULTILINE)  # these may quote the log
    if page.name == "glossary.md":
        text = text.partition("|")[0]
    text = " ".join(text.split())
    pattern = "|".join(map(re.escape, sorted(avoided)))
    assert re.findall(rf"\b(?:{pattern})\b", text, re.IGNORECASE) == []


def test_alarms_have_headings():
    """So that a pasted log line finds what to do."""
    alarms = section(DOCS / "operations.md", "Alarms")
    titles = [title for title in headings(DOCS / "operations.md") if f"### {title}\n" in alarms]
    starts = tuple(title.replace("`", "").rstrip(" .…") for title in titles)
    assert all(starts)
    texts = logtexts.alarms()
    assert len(texts) > 25
    missing = {text for text in texts if not text.replace("`", "").startswith(starts)}
    assert missing == set(), "describe these below Alarms in docs/operations.md"
    said = " ".join(alarms.split())
    assert {text for text in logtexts.recoveries() if f'"{text}"' not in said} == set()


def test_each_block_has_a_language_that_is_tested():
    assert {block.language for _, block in BLOCKS} == {
        "html", "ini", "js", "nginx", "python", "sh", "sql", "text",
    }  # fmt: skip


def in_language(language: str) -> list[object]:
    return [
        pytest.param(
            block,
            id=f"{page.name}-{number}",
            marks=[mark for text, mark in MARKS.items() if text in block.text],
        )
        for number, (page, block) in enumerate(BLOCKS)
        if block.language == language and not block.text.startswith(SIGNATURES)
    ]


def names_of_the_project() -> dict[str, object]:
    """What the modules that the blocks are for have already."""
    names: dict[str, object] = {
        "DATABASES": {"default": {}},
        "LOGGING": {"loggers": {}},
        "app": SimpleNamespace(conf=SimpleNamespace(beat_schedule={})),
        "backstage": AdminSite("backstage"),
        "urlpatterns": [],
        "wagtail_urls": [],
        "wagtailadmin_urls": [],
        "JWTAuthentication": lambda: SimpleNamespace(
            authenticate=lambda request: (User(is_staff=True), request)
        ),
    }
    exec("from django.contrib import admin\nfrom django.urls import include, path", names)
    return names


# Those that only read come first.
GRAPHQL: list[object] = [
    {"query": "{ hello }"},
    {"query": 'query { search(text: "mutation") { id } }', "operationName": None},
    {"query": "query a { hello } mutation b { write }", "operationName": "a"},
    {"query": "query a { hello } mutation b { write }", "operationName": "b"},
    {"query": "query a { hello } mutation b { write }"},
    {"query": "mutation { write }"},
    {"query": "subscription { news }"},
    {"query": "{"},
    {"query": None},
    [{"query": "mutation { write }"}],
]


def graphql(rf, asked, path="/graphql/"):
    return rf.post(path, asked, content_type="application/json")


def accepts(connect) -> bool:
    """Whether a consumer of Django Channels accepts a socket."""
    heard = []

    async def accept():
        heard.append(True)

    async def close(code):
        heard.append(False)

    scope = {"headers": [(b"host", b"testserver")]}
    asyncio.run(connect(SimpleNamespace(scope=scope, accept=accept, close=close)))
    return heard == [True]


@pytest.mark.parametrize("block", in_language("python"))
def test_python_runs(block, rf):
    if "from graphql import" in block.text:
        require_package("graphql")
    names = names_of_the_project()
    exec(block.text, names)
    for name, value in names.items():
        if name.startswith("MAINTENANCE_"):
            assert SETTINGS[name].kind.fits(value), name
    for function, argument in (("is_staff", User(is_staff=True)), ("may_pass", rf.get("/"))):
        if function in names:
            assert names[function](argument) is True
    if upload := names.get("upload"):
        with maintenance("testserver", level="read_only"):
            assert "disabled" in upload(rf.post("/"))
    if only_reads := names.get("only_reads"):
        assert [asked for asked in GRAPHQL if only_reads(graphql(rf, asked))] == GRAPHQL[:3]
        assert not only_reads(graphql(rf, GRAPHQL[0], "/other/"))
        assert not only_reads(rf.post("/graphql/", "{", content_type="application/json"))
    if connect := names.get("connect"):
        assert accepts(connect)
        with maintenance("testserver"):
            assert not accepts(connect)
    if tests := names.get("Tests"):
        suite = unittest.TestLoader().loadTestsFromTestCase(tests)
        outcome = unittest.TestResult()
        suite.run(outcome)
        assert outcome.testsRun == 1
        assert outcome.wasSuccessful(), outcome.failures + outcome.errors


def is_run(line: str) -> bool:
    """Whether another test runs a line of shell, or whether what it names exists."""
    if line.startswith("python manage.py"):
        line = line.removeprefix("python manage.py ").replace("acme.example", "example.com")
        return line in commands()  # test_package.py
    if line.startswith(("pip install", "celery -A")):
        return any(line in block.text.splitlines() for block in first_steps())  # test_package.py
    if line.startswith(".venv/bin/nox"):
        chosen = re.findall(r"-s (\w+)", line)
        return all(f"\ndef {name}(" in (ROOT / "noxfile.py").read_text() for name in chosen)
    if line.startswith(".venv/bin/python -m pytest"):
        return all((ROOT / path).exists() for path in re.findall(r"\S+\.py", line))
    if "pre-commit install" in line:
        return (ROOT / ".pre-commit-config.yaml").exists()
    # The demo is that of test_demo.py; `nox -s readme` runs the tests as this says, in CI.
    made = r"python3 -m venv \.venv && \.venv/bin/pip install -e '\.\[service(,test)?\]'"
    return re.match(made, line) is not None


@pytest.mark.parametrize("block", in_language("sh"))
def test_shell_is_run(block):
    lines = block.text.replace("\\\n", " ").splitlines()
    assert [line for line in lines if not is_run(line)] == []


@pytest.mark.parametrize("block", in_language("sql"))
def test_sql_runs(block, acme):
    with connection.cursor() as cursor:
        for table in re.findall(r"DROP TABLE (\w+)", block.text):
            cursor.execute(f"CREATE TABLE {table} (id integer)")
        for statement in filter(str.strip, block.text.split(";")):
            cursor.execute(statement.replace("site_id = 1", f"site_id = {acme.pk}"))
    assert "UPDATE" not in block.text or SiteMaintenance.objects.get(pk=acme.pk).held


@pytest.mark.parametrize("block", in_language("ini"))
def test_unit_starts_what_exists(block):
    text = block.text if "[Service]" in block.text else f"[Service]\n{block.text}"
    unit = configparser.ConfigParser(interpolation=None)
    unit.optionxform = str  # type: ignore[assignment, method-assign]
    unit.read_string(text)
    command = unit["Service"]["ExecStart"].removeprefix("/srv/site/.venv/bin/")
    in_procfile = command.partition(" --workers")[0] in (ROOT / "Procfile").read_text()
    assert in_procfile or command.removeprefix("python manage.py ") in commands()


@pytest.mark.slow
@pytest.mark.parametrize("block", in_language("nginx"))
def test_nginx_takes_its_directives(block, tmp_path):
    site = f"server {{ location / {{ proxy_pass http://127.0.0.1:9;\n{block.text} }} }}"
    chosen = tmp_path / "nginx.conf"
    chosen.write_text(f"pid {tmp_path}/pid; events {{}} http {{ access_log off; {site} }}")
    command = [require_program("nginx"), "-t", "-e", tmp_path / "log", "-c", chosen]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "syntax is ok" in done.stderr, done.stderr


@pytest.mark.parametrize("block", in_language("html"))
def test_template_renders(block, acme, rf):
    request = rf.get("/", headers={"host": "acme.example"})
    with maintenance(acme, level="read_only", message="New disks."):
        assert "New disks." in engines["django"].from_string(block.text).render({}, request)


@pytest.mark.parametrize("block", in_language("text"))
def test_cron_line_is_shell(block: Block):
    if block.text.startswith("* * * * * "):
        _, _, _, _, _, _, command = block.text.split(" ", 6)
        subprocess.run(["/bin/sh", "-n", "-c", command], check=True)
        assert "manage.py maintenance tick\n" in command
