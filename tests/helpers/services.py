"""Services, programs and packages: without them a laptop skips tests and CI fails."""

import os
import shutil
from importlib.util import find_spec

import pytest


def require(name: str) -> str:
    """The URL of a service; without it a laptop skips and CI fails."""
    if not (value := os.environ.get(name, "")):
        (pytest.fail if os.environ.get("CI") else pytest.skip)(f"{name} is not set")
    return value


def require_postgresql() -> str:
    """The URL of a PostgreSQL server; see require()."""
    if not (url := require("DATABASE_URL")).startswith("postgres"):
        (pytest.fail if os.environ.get("CI") else pytest.skip)("DATABASE_URL is not PostgreSQL's")
    return url


def require_program(name: str) -> str:
    """The path of a program; see require()."""
    found = shutil.which(name, path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin")
    if found is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(f"{name} is not installed")
    return found


def require_package(name: str) -> None:
    """See that a package of the [test] extra can be imported; see require()."""
    if find_spec(name) is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(f"{name} is not installed")
