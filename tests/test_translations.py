"""The catalogues: complete, without obsolete strings, and compiled from their source."""

import os
import re
import shutil
import subprocess
from contextlib import chdir
from gettext import GNUTranslations
from pathlib import Path

import pytest
from django.core.management import call_command

import maintenance_windows
from tests.helpers.times import TWO

pytestmark = pytest.mark.slow

APP = Path(maintenance_windows.__file__).parent
LANGUAGES = sorted(folder.name for folder in (APP / "locale").iterdir())
PLACEHOLDER = re.compile(r"%\(\w+\)[a-z]|%[a-z]|\{[^{}]*\}")

of_each_language = pytest.mark.parametrize("language", LANGUAGES)


def run(tool: str, *arguments: str | Path) -> str:
    """The output of a gettext tool; without it a laptop skips and CI fails."""
    if shutil.which(tool) is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(f"{tool} is not installed")
    done = subprocess.run([tool, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def compare(whole: Path, part: Path) -> None:
    """Check that the first catalogue has each string of the second."""
    run("msgcmp", "--no-fuzzy-matching", "--use-untranslated", "--use-fuzzy", whole, part)


def po(language: str) -> Path:
    return APP / "locale" / language / "LC_MESSAGES/django.po"


def catalogue(mo: Path) -> dict:
    with mo.open("rb") as file:
        return GNUTranslations(file)._catalog


@pytest.fixture(scope="module")
def template(tmp_path_factory) -> Path:
    """The current strings of code and templates, extracted from a copy of the app."""
    run("xgettext", "--version")
    copy = tmp_path_factory.mktemp("copy") / APP.name
    shutil.copytree(APP, copy, ignore=shutil.ignore_patterns("__pycache__", "locale"))
    (copy / "locale").mkdir()
    with chdir(copy):
        call_command("makemessages", locale=["de"], keep_pot=True, no_location=True, verbosity=0)
    return copy / "locale/django.pot"


def test_package_contains_german_spanish_and_french():
    assert {"de", "es", "fr"} <= set(LANGUAGES)


@of_each_language
def test_catalogue_contains_every_string(template, language):
    compare(po(language), template)


@of_each_language
def test_catalogue_contains_no_obsolete_string(template, language):
    compare(template, po(language))
    assert run("msgattrib", "--only-obsolete", po(language)) == ""


@of_each_language
def test_catalogue_is_complete_without_fuzzy_entries(language):
    assert run("msgattrib", "--untranslated", po(language)) == ""
    assert run("msgattrib", "--only-fuzzy", po(language)) == ""


@of_each_language
def test_translations_keep_placeholders(language, tmp_path):
    run("msgfmt", "--check", po(language), "-o", tmp_path / "django.mo")
    # msgfmt checks only strings that xgettext marked as formats, and not every pair of braces.
    for text, translation in catalogue(tmp_path / "django.mo").items():
        if text and isinstance(text, str):
            assert set(PLACEHOLDER.findall(translation)) == set(PLACEHOLDER.findall(text)), text


@of_each_language
def test_compiled_catalogue_matches_source(language, tmp_path):
    run("msgfmt", po(language), "-o", tmp_path / "django.mo")
    assert catalogue(po(language).with_suffix(".mo")) == catalogue(tmp_path / "django.mo")


def test_503_uses_language_of_visitor(acme, plan, at, visit):
    plan(acme)
    at(TWO)
    answer = visit(accept_language="de-AT, de;q=0.9, en;q=0.5")
    assert answer.status_code == 503
    assert answer.headers["Content-Language"] == "de"
    assert '<html lang="de"' in answer.text
    assert "Wegen Wartungsarbeiten nicht erreichbar" in answer.text
    assert "Zurück am 4. November 2029 04:00</time>" in answer.text
    assert "Jetzt versuchen" in answer.text
    assert "Down for maintenance" in visit().text
