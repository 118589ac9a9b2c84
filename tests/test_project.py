"""Linters, type checks and documents of the whole repository."""

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from django.conf import settings

pytestmark = pytest.mark.slow

ROOT = Path(settings.BASE_DIR)
BIN = Path(sys.executable).parent


def run(*command: str, **env: str) -> None:
    done = subprocess.run(
        [str(BIN / command[0]), *command[1:]],
        cwd=ROOT,
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    "command",
    [
        ("ruff", "check", "."),
        ("ruff", "format", "--check", "."),
        ("mypy",),
        ("lint-imports",),
        ("python", "manage.py", "makemigrations", "--check", "--dry-run"),
    ],
    ids=" ".join,
)
def test_tool_reports_no_problems(command, tmp_path):
    run(*command, DATABASE_URL=f"sqlite:///{tmp_path}/unused.sqlite3")


def test_project_passes_deployment_checks():
    command = ("python", "manage.py", "check", "--deploy", "--fail-level=WARNING")
    given = {"ALLOWED_HOSTS": "acme.example", "DEBUG": "0", "REDIS_URL": "redis://127.0.0.1/0"}
    run(*command, SECRET_KEY="p9-" + "aZ3_" * 16, **given)


def test_ci_runs_readme_test_command():
    readme, ci = (ROOT / "README.md").read_text(), (ROOT / ".ci/run").read_text()
    pattern = re.search(r"sed -n '(.*)' README.md", ci)[1]
    found = subprocess.run(
        ["sed", "-n", pattern, "README.md"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    assert [line for line in readme.splitlines() if "test]'" in line] == found


def test_contributing_docs_list_import_layers():
    page = (ROOT / "docs/contributing.md").read_text()
    table = page.partition("| rooms, highest first |")[2].partition("\n\n")[0]
    shown = [set(re.findall(r"`(\w+)`", line.split("|")[1])) for line in table.splitlines()[2:]]
    tools = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]
    (contract,) = tools["importlinter"]["contracts"]
    assert shown == [set(layer.split(" | ")) for layer in contract["layers"]]
