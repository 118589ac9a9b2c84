"""docs/reference.md lists exactly the names that the code has."""

import inspect
import json
import re
from argparse import SUPPRESS, ArgumentParser
from collections.abc import Callable, Iterator
from datetime import timedelta
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from django.dispatch import Signal
from django.template import engines
from django.test.signals import template_rendered
from django.utils import timezone
from django.utils.module_loading import import_string

from maintenance_windows import signals, urls
from maintenance_windows.conf import conf
from maintenance_windows.context_processors import maintenance as context_processor
from maintenance_windows.management.parser import add_verbs
from maintenance_windows.permissions import ALL_RIGHTS
from tests.helpers.markdown import blocks
from tests.helpers.reference import REFERENCE, TABLE, settings_table
from tests.helpers.times import FOUR, TWO

pytestmark = pytest.mark.any_database

ROOT = Path(__file__).parents[1]
TEXT = REFERENCE.read_text()
ROW = re.compile(r"^\| (`.*?) \|(.*)\|$", re.MULTILINE)
NAME = re.compile(r"`([^`]*)`")


def rows(after: str) -> Iterator[tuple[list[str], str]]:
    """The names in each row of the first table after `after`, with the rest of the row."""
    table = re.search(r"(?:^\|.*\n)+", TEXT[TEXT.index(after) :], re.MULTILINE)
    for first, rest in ROW.findall(table[0]):
        yield NAME.findall(first), rest


def names(after: str) -> set[str]:
    return {name for found, _ in rows(after) for name in found}


def test_settings():
    assert TABLE.findall(TEXT) == [settings_table()], "`nox -s reference` writes it"


def test_reference_lists_all_settings():
    read = {
        name
        for path in (ROOT / "maintenance_windows").rglob("*.py")
        if "checks" not in path.parts  # the checks also name settings of other packages
        for name in re.findall(r"MAINTENANCE_[A-Z0-9_]+", path.read_text())
    }
    assert read == names("## Settings") == set(re.findall(r"MAINTENANCE_[A-Z0-9_]+", TEXT))


def options(parser: ArgumentParser) -> set[str]:
    shown = [action for action in parser._actions if action.help is not SUPPRESS]
    found = {name for action in shown for name in action.option_strings}
    return found - {"-h", "--help"}


def test_commands():
    parser = ArgumentParser()
    add_verbs(parser)
    verbs = parser._subparsers._group_actions[0].choices
    assert names("## Commands") == verbs.keys()
    for found, rest in rows("## Commands"):
        for verb in found:
            takes = rest.split(" | ")[0]
            assert options(verbs[verb]) == set(re.findall(r"--[a-z-]+", takes)), verb


def ask(*arguments: str) -> object:
    said = StringIO()
    call_command("maintenance", *arguments, "--json", stdout=said)
    return json.loads(said.getvalue())


@pytest.mark.django_db
def test_json_of_the_command(acme, plan, at, settings):
    settings.MAINTENANCE_FORCE = "off"
    plan(acme)
    at(TWO)
    status = ask("status")
    assert names("`status --json`") == status.keys()
    assert names("Each site of it") == status["sites"][0].keys()
    assert names("Each window of") == ask("list")[0].keys()
    preview = ask(
        "repeat", "acme.example", "--rule", "FREQ=DAILY", "--start", "2029-12-01T02:00",
        "--zone", "UTC", "--for", "1h", "--preview", "1",
    )  # fmt: skip
    assert names("Each occurrence of") == preview[0].keys()


def test_json_of_the_answers(acme, plan, at, visit):
    plan(acme)
    plan(acme, FOUR + timedelta(hours=1), FOUR + timedelta(hours=2))
    at(TWO)
    problem = visit(accept="application/json")
    assert names("The 503 as") == json.loads(problem.content).keys()
    public = json.loads(visit("/maintenance/status.json").content)
    assert names("`/maintenance/status.json`:") == public.keys()
    coming = next(rest for found, rest in rows("`/maintenance/status.json`:") if "coming" in found)
    assert set(NAME.findall(coming)) == public["coming"][0].keys()


@pytest.fixture
def rendered() -> Iterator[dict[str, set[str]]]:
    """The context variables of each template that a test renders."""
    given: dict[str, set[str]] = {}

    def note(template, context, **_):
        given.setdefault(template.name, set()).update(
            key for layer in context.dicts for key in layer
        )

    template_rendered.connect(note)
    yield given
    template_rendered.disconnect(note)


BY_OTHERS = {"True", "False", "None", "forloop", "request", "user", "perms", "messages"}
BY_OTHERS |= {"DEFAULT_MESSAGE_LEVELS", "csrf_token"}


def test_context_of_the_pages(acme, plan, at, visit, rendered):
    plan(acme)
    at(TWO)
    visit(accept="text/html")
    visit("/maintenance/")
    assert names("`503.html`, or") == rendered["maintenance_windows/503.html"] - BY_OTHERS
    assert names("`maintenance_windows/public.html`") == (
        rendered["maintenance_windows/public.html"] - BY_OTHERS
    )


@pytest.mark.django_db
def test_context_of_the_banner(rf, rendered):
    request = rf.get("/", headers={"host": "acme.example"})
    page = engines["django"].from_string("{% load maintenance %}{% maintenance_banner %}")
    page.render({}, request)
    banner = rendered["maintenance_windows/banner.html"] - BY_OTHERS
    assert names("`maintenance_windows/banner.html`") == banner
    assert names("The context processor") == context_processor(request).keys()


def test_signals():
    ours = {name for name, value in vars(signals).items() if isinstance(value, Signal)}
    assert names("## Signals") == ours


def test_urls():
    paths = {pattern.name: str(pattern.pattern) for pattern in urls.urlpatterns if pattern.name}
    listed = {name: NAME.search(rest) for (name,), rest in rows("## URLs")}
    assert listed.keys() == paths.keys()
    for name, found in listed.items():
        assert (found[1] if found else "") == paths[name]


@pytest.mark.needs("celery")  # for tasks
def test_names_in_code():
    for found, rest in rows("## In code"):
        for name in found:
            if name.startswith("maintenance_windows.planning."):
                for verb in NAME.findall(rest):
                    assert callable(import_string(f"{name}.{verb}"))
            else:
                assert callable(import_string(name)), name


def test_signatures():
    found = [
        block.text for block in blocks(TEXT) if block.text.startswith("# maintenance_windows.")
    ]
    listed: dict[str, list[str]] = {}
    for line in "".join(found).splitlines():
        if line.startswith("# "):
            module = line.removeprefix("# ")
        elif line:
            name, _, rest = line.partition("(")
            listed[f"{module}.{name}"] = [one for one in rest.partition(")")[0].split(", ") if one]
    assert len(listed) == 26
    for verb, parameters in listed.items():
        assert parameters == list(documented(import_string(verb))), verb


def documented(verb: Callable[..., object]) -> Iterator[str]:
    kind, starred = inspect.Parameter, False
    for name, given in inspect.signature(verb).parameters.items():
        if given.kind is kind.KEYWORD_ONLY and not starred:
            starred = True
            yield "*"
        default = "now" if given.default is timezone.now else json.dumps(given.default, default=str)
        default = {"null": "None", "false": "False"}.get(default, default)
        default = "ALL_RIGHTS" if given.default is ALL_RIGHTS else default
        marks = {kind.VAR_KEYWORD: "**"}.get(given.kind, "")
        yield f"{marks}{name}" + ("" if given.default is kind.empty else f"={default}")


def test_environment():
    code = (ROOT / "project" / "settings.py").read_text()
    read = set(re.findall(r"(?:env_\w+\(|environ\.get\()\"(\w+)\"", code))
    assert names("## Environment") == read


def test_conf_follows_changed_setting(settings):
    assert conf.MAINTENANCE_RETRY_AFTER == 300
    settings.MAINTENANCE_RETRY_AFTER = 60
    assert conf.MAINTENANCE_RETRY_AFTER == 60
