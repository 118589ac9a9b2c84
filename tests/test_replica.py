"""Projects whose reads go to a replica, by Django's own router: see also `beside_replica`."""

import os
import subprocess
import sys

import pytest
from django.conf import settings

ASK = (
    "from django.test import Client\n"
    "print(Client(headers={'host': 'acme.example'}).get('/').status_code)"
)
RENAME = (
    "from django.contrib.sites.models import Site\n"
    "Site.objects.using('{}').update(domain='acme.example')"
)


@pytest.mark.slow
def test_verbs_pages_and_visitors_follow_beside_a_replica_that_never_does(tmp_path):
    environ = {
        **os.environ,
        "DATABASE_URL": f"sqlite:///{tmp_path}/primary.sqlite3",
        "DEBUG": "1",
        "DJANGO_SETTINGS_MODULE": "tests.settings",
        "REPLICA_URL": f"sqlite:///{tmp_path}/replica.sqlite3",
        "DATABASE_ROUTER": "tests.helpers.routers.StaleReplica",
    }

    def manage(*arguments: str) -> str:
        return subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=settings.BASE_DIR,
            env=environ,
            capture_output=True,
            text=True,
            check=True,
        ).stdout

    for alias in ("default", "replica"):
        manage("migrate", "--verbosity=0", f"--database={alias}")
        manage("shell", "--command", RENAME.format(alias))
    site = "acme.example"
    assert manage("maintenance", "down", site, "--for", "10m").startswith(f"{site}: down since")
    assert manage("maintenance", "up", site).startswith(f"{site}: up, ended window")
    planned = manage("maintenance", "schedule", site, "--start", "2029-11-04T02:00", "--for", "2h")
    window = planned.partition("window ")[2].partition(",")[0]
    moved = manage("maintenance", "move", window, "--start", "2029-11-05T02:00", "--for", "1h")
    assert f"window {window}, 2029-11-05 02:00:00" in moved
    assert "cancelled" in manage("maintenance", "cancel", window)
    manage("maintenance", "down", site)
    assert "down, held" in manage("maintenance", "status", site)
    assert manage("shell", "--command", ASK).split()[-1] == "503"
    manage("maintenance", "up", site)
    assert manage("shell", "--command", ASK).split()[-1] == "200"
