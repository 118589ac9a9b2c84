"""Programs that others made and a machine may lack."""

import os
import shutil

import pytest


def require_program(name: str) -> str:
    """Where a program is; without it a laptop skips and CI fails, as in conftest.require()."""
    found = shutil.which(name, path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin")
    if found is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(f"{name} is not installed")
    return found
