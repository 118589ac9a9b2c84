"""Creates the site's database: `python -m tests.benchmarks.site.making STATE`."""

import sys

import django
from django.conf import settings
from django.core.management import call_command


def make(state: str) -> None:
    """Create the sites acme.example, which gets the requests, and globex.example."""
    django.setup()
    call_command("migrate", verbosity=0)
    from django.contrib.sites.models import Site

    Site.objects.filter(pk=1).update(domain="acme.example", name="Acme")
    Site.objects.create(domain="globex.example", name="Globex")
    settings.VARIANT.put(state)


if __name__ == "__main__":
    make(sys.argv[1])
