"""The project's settings for tests."""

import atexit
import os
import shutil
import tempfile

import dj_database_url

os.environ.setdefault("SECRET_KEY", "only-for-tests-" + "x" * 40)

from project.settings import *  # noqa: F403
from project.settings import DATABASES, INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "tests"]
ALLOWED_HOSTS = [".example", ".localhost", "testserver"]
TIME_ZONE = "UTC"  # independent of the environment
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
# Otherwise each test client scans all static files of the admin.
WHITENOISE_AUTOREFRESH = True

match DATABASES["default"]["ENGINE"]:
    case "django.db.backends.sqlite3":
        # Threads of a test must see one database: SQLite's in-memory ones lock whole tables.
        folder = tempfile.mkdtemp()
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        DATABASES["default"]["TEST"] = {"NAME": f"{folder}/test.sqlite3"}
        DATABASES["default"]["OPTIONS"]["init_command"] += "; PRAGMA synchronous=OFF"
    case "django.db.backends.mysql":
        DATABASES["default"]["TEST"] = {"CHARSET": "utf8mb4"}

# See tests/test_replica.py.
DATABASE_ROUTERS = list(filter(None, [os.environ.get("DATABASE_ROUTER")]))
if url := os.environ.get("REPLICA_URL"):
    DATABASES["replica"] = dj_database_url.parse(url)
