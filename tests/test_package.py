"""What one gets who installs it: the wheel, and on a site that is not ours the README's steps."""

import ast
import re
import subprocess
import sys
import tarfile
import time
import tomllib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from importlib.metadata import packages_distributions
from pathlib import Path
from zipfile import ZipFile

import pytest
from django.conf import settings
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from project.probe import Answer, ask
from project.processes import free_port
from tests.helpers.services import require
from tests.helpers.stranger import Stranger, first_steps
from tests.helpers.times import SECOND

pytestmark = pytest.mark.slow

ROOT = Path(settings.BASE_DIR)
APP = ROOT / "maintenance_windows"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
PATIENCE = 30.0  # seconds
PLANNING = 3 * SECOND  # which a machine takes to start Python, at the most
PAGE = """
from django.http import HttpResponse

urlpatterns += [path("", lambda request: HttpResponse("Hello"))]
"""


@pytest.fixture(scope="module")
def dist(tmp_path_factory) -> Path:
    """The folder with the wheel and the source distribution."""
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "hatchling", "build", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    return folder


@pytest.fixture(scope="module")
def wheel(dist) -> Path:
    (wheel,) = dist.glob("*.whl")
    return wheel


@pytest.fixture(scope="module")
def stranger(tmp_path_factory, wheel) -> Stranger:
    """Whoever has a page, and has followed the README up to where it takes the site down."""
    stranger = Stranger(tmp_path_factory.mktemp("stranger"), wheel)
    install, *steps = first_steps()
    stranger.type(install.text, where=stranger.folder)
    stranger.type("django-admin startproject yourproject", where=stranger.folder)
    stranger.write(PAGE)
    for language, text in steps:
        if "maintenance on" in text:
            break
        if language == "python":
            stranger.write(text)
        elif "manage.py check" in text:
            assert "no issues (0 silenced)" in stranger.type(text)
    return stranger


@pytest.fixture(scope="module")
def visit(stranger) -> Iterator[Callable[[], Answer]]:
    """Asks for the first page of the running site."""
    port = free_port()
    with stranger.running(f"python manage.py runserver --noreload {port}") as log:
        until(lambda: ask(port, "localhost").status, log)
        yield lambda: ask(port, "localhost")


def until(condition: Callable[[], object], log: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.1)


def step_with(text: str) -> list[str]:
    (found,) = (block.text.splitlines() for block in first_steps() if text in block.text)
    return found


def plan(stranger: Stranger) -> tuple[datetime, datetime]:
    """A window of two seconds that opens soon."""
    start = datetime.now(UTC) + PLANNING
    end = start + 2 * SECOND
    stranger.type(
        "python manage.py maintenance schedule example.com"
        f" --start {start.isoformat()} --end {end.isoformat()}"
    )
    return start, end


def files_of_the_app() -> set[str]:
    """All that git has, or is about to be given."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", APP.name]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return {name for name in listed.splitlines() if (ROOT / name).exists()}


def test_the_wheel_holds_the_app_alone(wheel):
    names = set(ZipFile(wheel).namelist())
    assert {name for name in names if ".dist-info/" not in name} == files_of_the_app()
    assert "maintenance_windows/py.typed" in names
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in names)


def test_the_source_distribution_has_the_tests_too(dist):
    (sdist,) = dist.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {*files_of_the_app(), "tests/conftest.py", "noxfile.py", "docs/contributing.md"} <= names


def test_each_import_is_of_a_declared_dependency():
    imported = set()
    for module in APP.rglob("*.py"):
        for node in ast.walk(ast.parse(module.read_text())):
            if isinstance(node, ast.Import):
                imported |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                imported.add(node.module.partition(".")[0])
    others = imported - sys.stdlib_module_names - {APP.name}
    distribution = packages_distributions()
    declared = {canonicalize_name(Requirement(line).name) for line in PROJECT["dependencies"]}
    assert {canonicalize_name(distribution[name][0]) for name in others} == declared


def test_the_changelog_ends_at_the_version():
    changelog = (ROOT / "CHANGELOG.md").read_text()
    unreleased, *released = re.findall(r"^## \[(.+?)\]", changelog, re.MULTILINE)
    assert unreleased == "Unreleased"
    assert released[:1] in ([], [PROJECT["version"]])


def test_a_stranger_can_import_all_of_it(stranger):
    stranger.type(
        "python manage.py shell --verbosity 0 --command '"
        "import maintenance_windows as app; from pkgutil import walk_packages;"
        ' [__import__(found.name) for found in walk_packages(app.__path__, "maintenance_windows.")]'
        "'"
    )


def test_a_strangers_site_goes_down_and_up(stranger, visit):
    assert visit().status == 200
    down, up = step_with("maintenance on")
    stranger.type(down)
    until(lambda: visit().status == 503, stranger.log)
    assert 500 < int(visit().retry_after) <= 600
    stranger.type(up)
    until(lambda: visit().status == 200, stranger.log)


def test_a_strangers_window_opens_and_closes_by_itself(stranger, visit):
    start, end = plan(stranger)
    answers = [visit()]
    while answers[-1].sent < end + SECOND:
        time.sleep(0.05)
        answers.append(visit())
    assert {answer.status for answer in answers} == {200, 503}
    assert max(answer.off_by(start, end) for answer in answers) == 0 * SECOND


def test_a_strangers_celery_keeps_the_flag(stranger):
    """With an app as Celery's own first steps have it."""
    stranger.env["BROKER"] = require("REDIS_URL")
    (install,) = step_with("celery[redis]")
    stranger.type(install)
    (stranger.site / "yourproject/celery.py").write_text(
        "import os\n"
        "from celery import Celery\n"
        'os.environ.setdefault("DJANGO_SETTINGS_MODULE", "yourproject.settings")\n'
        'app = Celery("yourproject", broker=os.environ["BROKER"])\n'
        "app.autodiscover_tasks()\n"
    )
    is_kept = "python manage.py maintenance status --check && echo kept || true"
    with stranger.running(*step_with("celery -A")) as log:
        until(lambda: "kept" in stranger.type(is_kept), log)


def test_a_stranger_without_celery_keeps_the_flag_by_cron(stranger):
    settings = stranger.site / "yourproject/settings.py"
    settings.write_text(settings.read_text().replace("'django_celery_beat', ", ""))
    stranger.write("\n".join(step_with("MAINTENANCE_TICK_MAX_AGE")))
    assert "no issues" in stranger.type("python manage.py check --database default")
    (tick,) = step_with("maintenance tick")
    stranger.type(f"{tick} && python manage.py maintenance status --check")
