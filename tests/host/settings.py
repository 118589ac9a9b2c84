"""A project whose tests are tried by tests/test_host_tests.py."""

import os

import dj_database_url

SECRET_KEY = "only-for-tests-" + "x" * 40
ROOT_URLCONF = "tests.host.urls"
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.sites",
    "maintenance_windows",
]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "maintenance_windows.middleware.MaintenanceModeMiddleware",
]
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}]
STATIC_URL = "static/"
USE_TZ = True
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

DATABASES = {"default": dj_database_url.config(default="sqlite:///host.sqlite3")}
DATABASES["default"]["TEST"] = {
    "NAME": os.environ.get("HOST_TEST_DATABASE") or None,  # SQLite's is in memory then
    "CHARSET": "utf8mb4" if DATABASES["default"]["ENGINE"].endswith("mysql") else None,
}
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
if redis := os.environ.get("REDIS_URL"):
    CACHES["default"] = {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": redis,
    }
