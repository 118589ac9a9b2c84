"""The project's settings without this package: Django, its admin, and django-celery-beat."""

from project.settings import *  # noqa: F403
from project.settings import INSTALLED_APPS, MIDDLEWARE

OURS = ("maintenance_windows", "project")
INSTALLED_APPS = [name for name in INSTALLED_APPS if not name.startswith(OURS)]
MIDDLEWARE = [name for name in MIDDLEWARE if not name.startswith(OURS)]
ROOT_URLCONF = "tests.benchmarks.bare_urls"
