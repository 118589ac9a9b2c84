"""Settings of the measured site; the environment names its variant and folder."""

import os
from pathlib import Path

from tests.benchmarks.site.variants import VARIANTS

HERE = Path(__file__).resolve().parent
BASE_DIR = HERE.parents[2]
FOLDER = Path(os.environ["BENCHMARK_FOLDER"])
VARIANT = VARIANTS[os.environ["BENCHMARK_VARIANT"]]

SECRET_KEY = "only-for-benchmarks-" + "x" * 40
ALLOWED_HOSTS = [".example"]
ROOT_URLCONF = "tests.benchmarks.site.urls"
USE_TZ = True

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.sites",
    *filter(None, [VARIANT.app]),
]
COMMON = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
]
OWN = list(filter(None, [VARIANT.middleware]))
MIDDLEWARE = [*COMMON, *OWN]
# Ours has a page of its own for a closed site; the others get the shortest.
CLOSED_PAGE = [] if VARIANT.app == "maintenance_windows" else [HERE / "closed"]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "DIRS": [HERE / "templates", *CLOSED_PAGE],
    }
]
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": FOLDER / "db.sqlite3",
        "CONN_MAX_AGE": None,  # who asks with each request should not have to connect, too
        "OPTIONS": {"transaction_mode": "IMMEDIATE", "timeout": 20},
    }
}

# Files that two peers keep beside their own code, or beside this file, where nobody says otherwise.
MAINTENANCE_LOCKFILE_PATH = str(FOLDER / "maintenance.lock")
MAINTENANCE_MODE_STATE_FILE_PATH = str(FOLDER / "maintenance_mode_state.txt")
globals().update(VARIANT.settings)
