"""The tests of a project that has this app installed, run as the project runs them."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection

from tests.helpers.services import require_package

pytestmark = pytest.mark.slow

UNITTEST = ["-W", "error::ResourceWarning", "-m", "django", "test", "tests.host"]
UNITTEST += ["--pattern=suite.py", "--noinput", "--verbosity=0"]
PYTEST = ["-m", "pytest", "-q", "-W", "error", "-c", os.devnull, "-p", "no:cacheprovider"]
PYTEST += ["-o", "asyncio_mode=auto", "-o", "asyncio_default_fixture_loop_scope=function"]
PYTEST += ["--noconftest", "--rootdir=.", "tests/host/pytest_suite.py"]
# What Django's runner says if all is well, but for MariaDB's checks of models.
SAID = re.compile(r"-+\nRan \d+ tests in [\d.]+s\n\nOK\n")


def run(*arguments: str, flushes: int = 3) -> subprocess.CompletedProcess[str]:
    """Run the tests of that project, on a test database of its own."""
    name = "" if connection.vendor == "sqlite" else f"{connection.settings_dict['NAME']}_host"
    env = {
        "DJANGO_SETTINGS_MODULE": "tests.host.settings",
        "FLUSHES": str(flushes),
        "HOST_TEST_DATABASE": name,
    }
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=Path(settings.BASE_DIR),
        env=os.environ | env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done


@pytest.mark.nightly
def test_unittest_meets_neither_deadlock_nor_warning():
    done = run(*UNITTEST, flushes=150 if connection.vendor == "postgresql" else 3)
    stderr = done.stderr
    if connection.vendor == "mysql":
        stderr = stderr[stderr.index("-----") :]
    assert SAID.fullmatch(stderr), stderr


def test_unittest_in_parallel():
    run(*UNITTEST, "--parallel=2")


def test_pytest():
    assert not run(*PYTEST).stderr


def test_pytest_in_parallel():
    require_package("xdist")
    run(*PYTEST, "-n2")
