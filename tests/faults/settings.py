"""The project's settings with a failing 503 template and a failing receiver."""

import os

from project.settings import *  # noqa: F403
from project.settings import INSTALLED_APPS, TEMPLATES

TEMPLATES = [TEMPLATES[0] | {"DIRS": [os.environ["FAULTS_TEMPLATES"]]}]
MAINTENANCE_503_TEMPLATE = os.environ.get("FAULTS_503_TEMPLATE") or None
INSTALLED_APPS = [*INSTALLED_APPS, "tests.faults.receiver.Failing"]
