"""A virtual environment with the packages to compare with, created once.

pip installs them into the folder `.benchmarks`; none of their code is in this repository.
"""

import subprocess
import sys
import tomllib
import venv
from pathlib import Path

from tests.benchmarks.site.variants import MAINTENANCEMODE_2

ROOT = Path(__file__).resolve().parents[2]
# Django is what most of them were last made for; distutils, which one imports, left Python in 3.12.
PACKAGES = (
    "Django==5.2.*",
    "django-maintenancemode==0.11.7",
    "django-maintenance-mode==0.23.0",
    "setuptools<81",
)
# A package of the same name as one of those, so it is kept apart, for those who ask for it.
APART = {MAINTENANCEMODE_2: "django-maintenancemode-2==2.0"}


class NotInstalled(Exception):
    """Raised when pip fails, with its message."""


class Environment:
    folder = ROOT / ".benchmarks"
    python = folder / "bin/python"

    def install(self) -> None:
        """Install the packages. Raises NotInstalled, for example without a network."""
        ours = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
        wanted = "\n".join([sys.version, *PACKAGES, *APART.values(), *ours])
        complete = self.folder / "complete"
        if complete.exists() and complete.read_text() == wanted:
            return
        print("Installing what is compared …", file=sys.stderr, flush=True)
        venv.create(self.folder, clear=True, with_pip=True)
        self._pip(f"--editable={ROOT}", *PACKAGES)
        for package in APART.values():
            self._pip("--no-deps", f"--target={self.apart(package)}", package)
        complete.write_text(wanted)

    def apart(self, package: str) -> Path:
        return self.folder / "apart" / package

    def path(self, variant: str) -> str:
        """The PYTHONPATH for the packages."""
        return str(self.apart(APART[variant])) if variant in APART else ""

    def _pip(self, *arguments: str) -> None:
        pip = (self.python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
        done = subprocess.run((*pip, *arguments), capture_output=True, text=True, check=False)
        if done.returncode:
            said = done.stderr.splitlines()
            raise NotInstalled(next((line for line in said if "ERROR" in line), said[-1]))
