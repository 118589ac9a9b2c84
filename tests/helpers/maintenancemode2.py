"""A site with django-maintenancemode-2, in a Python without this package.

Creates the SQLite database of the first argument with the tables of the migration in the second;
reads patterns and paths as JSON from standard input, and prints the site's responses.
"""

import json
import sys

import django
from django.conf import settings

DATABASE, MIGRATION = sys.argv[1:]
GIVEN = json.load(sys.stdin)

settings.configure(
    ALLOWED_HOSTS=["*"],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": DATABASE}},
    DEFAULT_AUTO_FIELD="django.db.models.AutoField",
    INSTALLED_APPS=[
        f"django.contrib.{app}" for app in ("auth", "contenttypes", "sessions", "sites")
    ]
    + ["maintenancemode"],
    MIDDLEWARE=[
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "maintenancemode.middleware.MaintenanceModeMiddleware",
    ],
    ROOT_URLCONF="__main__",
    SECRET_KEY="x",
    SITE_ID=1,
    TEMPLATES=[
        {
            "BACKEND": "django.template.backends.django.DjangoTemplates",
            "OPTIONS": {
                "loaders": [("django.template.loaders.locmem.Loader", {"503.html": "Closed."})]
            },
        }
    ],
    INTERNAL_IPS=["192.0.2.7"],
    MAINTENANCE_ADMIN_IGNORED_URLS=["^backstage/"],
    MAINTENANCE_BLOCK_STAFF=True,
)
django.setup()

from django.contrib.auth.models import User  # noqa: E402
from django.contrib.sites.models import Site  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.http import HttpResponse  # noqa: E402
from django.test import Client  # noqa: E402
from django.urls import re_path  # noqa: E402
from maintenancemode.models import IgnoredURL, Maintenance  # noqa: E402

urlpatterns = [re_path("", lambda _: HttpResponse("open"))]

call_command("migrate", verbosity=0)
if MIGRATION:
    call_command("migrate", "maintenancemode", MIGRATION, verbosity=0)
Site.objects.update(domain="acme.example")
for pk, domain in ((2, "globex.example"), (3, "initech.example"), (4, "gone.example")):
    Site.objects.create(pk=pk, domain=domain)
call_command("setmaintenance", "on", 1, 4, verbosity=0)
call_command("setmaintenance", "off", 2, 3, verbosity=0)
for site, patterns in ((1, GIVEN["good"]), (2, GIVEN["bad"]), (4, ["^kept/"])):
    maintenance = Maintenance.objects.get(site=site)
    for pattern in patterns:
        IgnoredURL.objects.create(maintenance=maintenance, pattern=pattern, description="Why")
if MIGRATION:  # whose tables take several rows for a site
    second = Maintenance.objects.create(site_id=3, is_being_performed=True)
    IgnoredURL.objects.create(maintenance=second, pattern="^second/", description="")


def ask(path, user=None, address="203.0.113.9"):
    client = Client()
    if user:
        client.force_login(user)
    return client.get(path, REMOTE_ADDR=address).status_code


bob = User.objects.create_user("bob", is_staff=True)
alice = User.objects.create_superuser("alice")
answers = {
    "paths": {path: ask(path) for path in GIVEN["paths"]},
    "people": {
        "visitor": ask("/closed/"),
        "at the office": ask("/closed/", address="192.0.2.7"),
        "staff": ask("/closed/", bob),
        "superuser": ask("/closed/", alice),
        "backstage": ask("/backstage/x"),
    },
}
print(json.dumps(answers))
