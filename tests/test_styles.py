"""The style sheets of our admin pages, which themes surround with rules of their own."""

import re
from pathlib import Path

import pytest

import maintenance_windows

pytestmark = pytest.mark.any_database

STATIC = Path(maintenance_windows.__file__).parent / "static" / "maintenance_windows"


def test_styles_need_no_variable_of_a_theme():
    """Themes lack the variables of Django's own admin: each use of one has a substitute."""
    sheets = {file.name: file.read_text() for file in STATIC.glob("*.css")}
    ours = set(re.findall(r"(--[\w-]+)\s*:", "".join(sheets.values())))
    bare = {
        (name, variable)
        for name, text in sheets.items()
        for variable in re.findall(r"var\((--[\w-]+)\)", text)
        if variable not in ours
    }
    assert sheets
    assert not bare


def test_scripts_need_no_markup_of_a_theme():
    """Themes rename the classes of rows, and have no `django.jQuery` or another one."""
    scripts = "".join(file.read_text() for file in STATIC.glob("*.js"))
    assert scripts
    assert not re.findall(r"\.form-row|\.fieldBox|\.field-|(?<!\?\.)django\.jQuery", scripts)
