"""The steps of the README's quick start, as they stand there."""

INSTALL = "python -m pip install django-maintenance-windows"

SETTINGS = """
INSTALLED_APPS = [
    "django.contrib.sites",
    "maintenance_windows",
]

MIDDLEWARE = [
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "maintenance_windows.middleware.MaintenanceModeMiddleware",
]
"""

SITE_ID = "SITE_ID = 1\n"
SQLITE = """
DATABASES["default"]["OPTIONS"] = {"transaction_mode": "IMMEDIATE", "timeout": 20}
"""

URLS = """
from django.urls import include, path

from maintenance_windows import health

urlpatterns = [
    path("maintenance/", include("maintenance_windows.urls")),
    path("healthz", health.live),
    path("readyz", health.ready),
    *urlpatterns,
]
"""

MIGRATE = "python manage.py migrate --verbosity 0"
CHECK = "python manage.py check --database default"
DOWN = "python manage.py maintenance down {site} --for 10m"
UP = "python manage.py maintenance up {site}"
SCHEDULER = "python manage.py maintenance scheduler"
