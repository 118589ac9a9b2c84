"""System checks in a fresh project from `startproject`."""

import os
import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import call_command

pytestmark = pytest.mark.slow

ROOT = Path(settings.BASE_DIR)
APPS = """\
    "django.contrib.sites",
    "maintenance_windows",
"""
BEAT = '    "django_celery_beat",\n' if find_spec("django_celery_beat") else ""
MIDDLEWARE = '    "maintenance_windows.middleware.MaintenanceModeMiddleware",\n'
AUTH = "    'django.contrib.auth.middleware.AuthenticationMiddleware',\n"

# In one process: each one takes a second to start.
PROGRAM = """\
import sys
from django.core.management import execute_from_command_line
for line in sys.argv[1:]:
    execute_from_command_line(["manage.py", *line.split()])
"""

Run = Callable[..., list[str]]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Run commands of a fresh project after the Quick start; return the lines they print."""
    call_command("startproject", "mysite", str(tmp_path))
    chosen = tmp_path / "mysite/settings.py"
    text = chosen.read_text().replace("INSTALLED_APPS = [\n", f"INSTALLED_APPS = [\n{BEAT}{APPS}")
    text = text.replace(AUTH, AUTH + MIDDLEWARE)
    chosen.write_text(text.replace("BASE_DIR / 'db.sqlite3'", "':memory:'"))

    def run(*commands: str, without: str = "") -> list[str]:
        chosen.write_text(chosen.read_text().replace(without, ""))
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, *commands],
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": str(ROOT), "DJANGO_SETTINGS_MODULE": "mysite.settings"},
            capture_output=True,
            text=True,
            check=False,
        )
        return (done.stdout + done.stderr).splitlines()

    return run


def test_fresh_project_gives_no_messages_around_migrate(run):
    check = "check --database default"
    lines = run(check, "migrate --verbosity 0", check, f"{check} --deploy")
    assert lines[:2] == ["System check identified no issues (0 silenced)."] * 2
    assert lines[2:]
    assert not [line for line in lines if "maintenance" in line]


def test_missing_sites_app_gives_clear_error(run):
    assert run("check", without='    "django.contrib.sites",\n')[-1] == (
        "django.core.exceptions.ImproperlyConfigured: (maintenance_windows.E006) "
        'Add "django.contrib.sites" to INSTALLED_APPS: '
        "maintenance_windows needs it."
    )
