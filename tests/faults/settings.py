"""The project's settings, with a 503 page and a receiver that fail as the line wants them to."""

import os

from project.settings import *  # noqa: F403
from project.settings import INSTALLED_APPS, TEMPLATES

TEMPLATES = [TEMPLATES[0] | {"DIRS": [os.environ["FAULTS_TEMPLATES"]]}]
MAINTENANCE_503_TEMPLATE = os.environ.get("FAULTS_503_TEMPLATE") or None
INSTALLED_APPS = [*INSTALLED_APPS, "tests.faults.receiver.Failing"]
