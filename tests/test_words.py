"""What people read uses the words of the interface: messages, help, checks and their hints."""

import ast
import re
from argparse import ArgumentParser, _SubParsersAction
from collections.abc import Iterator
from gettext import GNUTranslations
from pathlib import Path

import pytest
from django.core.management import load_command_class

import maintenance_windows

APP = Path(maintenance_windows.__file__).parent
ROOT = APP.parent

# Each banned word or phrase, and what stands in its place.
INSTEAD = {
    "switched on": "down",
    "switched off": "up; until further notice",
    "switch on": "take down",
    "switch off": "bring up",
    "closed": "down",
    "open-ended": "until further notice",
    "call off": "cancel",
    "called off": "cancelled",
    "is over": "has ended",
    "was over": "ended",
    "is running": "is in progress",
    "windows that run": "windows in progress",
    "is on": "is in progress",
    "what is on": "the state of each site",
    "is to come": "is upcoming",
    "are to come": "are upcoming",
    "whole run": "outage",
    "series of windows": "recurring window",
    "take over": "import",
    "takes over": "imports",
    "taken over": "imported",
    "is not taken": "skipped",
    "leave out": "skip, omit",
    "left out": "ignored, skipped",
    "useless": "revoked",
    "by the clock": "local time",
    "clock changes": "DST change",
    "change of clock": "DST change",
    "cannot read": "invalid",
    "last tick": "last run",
    "ticked": "ran",
    "is told by": "follows from",
    "says so": "has an offset",
    "whoever": "anyone who",
    "whatever": "regardless of",
    "amiss": "wrong",
    "spoilt": "invalid",
    "lest": "so that",
    "mend": "repair",
    "for ever": "indefinitely",
    "at the most": "at most",
    "meanwhile": "since then",
}
BANNED = re.compile(rf"\b(?:{'|'.join(map(re.escape, INSTEAD))})\b", re.IGNORECASE)
# Names that stand in a sentence as such: of a setting, its value, or the terms of another package.
NAMES = re.compile(r"MAINTENANCE_[A-Z_]+ is (?:on|off)|'open' or 'closed'")


def banned(texts: list[str]) -> list[str]:
    return [f"{found[0]!r} in {text!r}" for text in texts if (found := _first(text))]


def _first(text: str) -> re.Match[str] | None:
    return BANNED.search(NAMES.sub("", " ".join(text.split())))


def msgids() -> list[str]:
    """The texts that are translated; another test compares the catalogue with the source."""
    with (APP / "locale/de/LC_MESSAGES/django.mo").open("rb") as file:
        keys = GNUTranslations(file)._catalog
    ids = {key[0] if isinstance(key, tuple) else key for key in keys}
    return sorted(text.rpartition("\x04")[2] for text in ids)


def help_texts(parser: ArgumentParser) -> Iterator[str]:
    """The help of a parser, and of each verb."""
    yield parser.format_help()
    for action in parser._actions:
        if isinstance(action, _SubParsersAction):
            for verb in action.choices.values():
                yield from help_texts(verb)


def literals(path: Path) -> list[str]:
    """The texts in a module, other than docstrings and names. Parts in braces are `{}`."""
    tree = ast.parse(path.read_text())
    inner = {
        id(part)
        for node in ast.walk(tree)
        if isinstance(node, ast.JoinedStr)
        for part in ast.walk(node)
        if part is not node
    }
    docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    found = []
    for node in ast.walk(tree):
        if id(node) in inner | docstrings:
            continue
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            found.append(node.value)
        elif isinstance(node, ast.JoinedStr):
            parts = (part.value if isinstance(part, ast.Constant) else "{}" for part in node.values)
            found.append("".join(map(str, parts)))
    return [text for text in found if " " in text]


def modules(*names: str) -> list[Path]:
    return sorted(path for name in names for path in (APP / name).rglob("*.py"))


def test_translated_texts_use_words_of_interface():
    texts = msgids()
    assert len(texts) > 200
    assert banned(texts) == []


@pytest.mark.parametrize(
    ("app", "name"),
    [
        ("maintenance_windows", "maintenance"),
        ("maintenance_windows", "setmaintenance"),
        ("project", "demo"),
    ],
)
def test_help_uses_words_of_interface(app, name):
    parser = load_command_class(app, name).create_parser("manage.py", name)
    texts = list(help_texts(parser))
    assert (len(texts) > 10) == (name == "maintenance")
    assert banned(texts) == []


@pytest.mark.parametrize(
    "path",
    modules("checks", "core", "forms", "importer", "management", "models", "planning"),
    ids=lambda path: str(path.relative_to(APP)),
)
def test_messages_use_words_of_interface(path):
    assert banned(literals(path)) == []
