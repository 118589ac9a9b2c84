"""A project as cookiecutter-django makes them: allauth, DRF, beat with rows of its own, a user
model with UUIDs, no SITE_ID, PostgreSQL and Redis.
"""

import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager

import redis

from tests.guests import steps
from tests.guests.browser import Browser
from tests.guests.host import Host, until
from tests.guests.report import Report
from tests.helpers.fleet import new_database

HANDFUL = 5  # messages in a queue that nobody consumes
ROWS = """
from django_celery_beat.models import IntervalSchedule, PeriodicTask
equal = [IntervalSchedule.objects.create(every=1, period="seconds") for _ in range(2)]
PeriodicTask.objects.create(name="bake", task="people.tasks.bake", interval=equal[1])
"""
SAME_ROWS = """
from django_celery_beat.models import IntervalSchedule, PeriodicTask
print(IntervalSchedule.objects.filter(every=1, period="seconds").count())
print(PeriodicTask.objects.filter(name="bake", enabled=True).count())
print(PeriodicTask.objects.filter(task="maintenance_windows.tasks.tick").count())
"""
SITE = """
from django.contrib.sites.models import Site
Site.objects.update(domain="bakery.example", name="Bakery")
"""
TOKEN = """
from people.models import User
from rest_framework.authtoken.models import Token
print(Token.objects.get_or_create(user=User.objects.get(username="{user}"))[0].key)
"""


class Cookiecutter(Host):
    packages = (
        "django-allauth",
        "django-celery-beat",
        "django-environ",
        "djangorestframework",
        "celery[redis]",
        "psycopg[binary]",
    )
    domain = "bakery.example"
    admin = "/secret-admin/"
    login = "/accounts/login/"
    login_field = "login"
    office = "/"
    page = "The oven is cold"
    warned = frozenset({"W013"})
    advice = """
INTERNAL_IPS = []
MAINTENANCE_API_PREFIXES = ["/api"]
MAINTENANCE_IS_STAFF = "people.passing.is_staff"
MAINTENANCE_MAY_PASS = "people.passing.may_pass"
"""
    scheduler = (
        "celery -A yourproject worker --pool solo --hostname host@%h",
        "celery -A yourproject worker --pool solo --hostname ours@%h -Q maintenance",
        "celery -A yourproject beat",
    )

    @contextmanager
    def services(self) -> Iterator[None]:
        """A database of its own, and keys of its own in Redis."""
        prefix = f"bakery-{secrets.token_hex(4)}:"
        self.redis = redis.Redis.from_url(os.environ["REDIS_URL"])
        self.queue = f"{prefix}maintenance"
        with new_database(self.folder, os.environ["DATABASE_URL"]) as url:
            self.env |= {
                "DATABASE_URL": url,
                "PREFIX": prefix,
                "REDIS_URL": os.environ["REDIS_URL"],
                "SECRET_KEY": secrets.token_hex(32),
            }
            try:
                yield
            finally:
                for key in self.redis.scan_iter(f"{prefix}*"):
                    self.redis.delete(key)

    def make(self) -> None:
        self.copy("bakery")
        self.type("python manage.py makemigrations people --verbosity 0")

    def before(self) -> None:
        self.shell(ROWS)

    def after_migrate(self) -> None:
        self.shell(SITE)

    def people(self) -> str:
        return "editor.is_editor = True\neditor.save()"

    def keep_more(self, report: Report) -> None:
        with report.promise("the project's rows of beat are as they were, and ours are one each"):
            assert self.shell(SAME_ROWS).split()[-3:] == ["2", "1", "1"]
        with report.promise("beat goes on with the project's task, and sends ours"):
            baked = self.loaves()
            until(lambda: self.loaves() > baked, self.log)
            until(lambda: self.status()["scheduler"]["kind"] == "celery", self.log)
        with report.promise("tokens of staff pass, other tokens and none get JSON"):
            self.type(steps.DOWN.format(site=self.domain))
            api = self.browser()
            until(lambda: self.api(api) == 503)
            seen = [self.api(api, self.token(user)) for user in ("staff", "customer")]
            seen += [self.api(api, "no-such-token"), self.api(api)]
            self.type(steps.UP.format(site=self.domain))
            assert seen == [200, 503, 503, 503], seen

    def before_worker(self, report: Report) -> None:
        """Beat and the project's own worker run on, as before we came."""
        host, _, beat = self.scheduler
        with report.promise("without a worker of ours, beat leaves a handful of messages"):
            with self.running(host, beat) as log:
                until(lambda: self.redis.llen(self.queue), log)
                time.sleep(8)
                waiting = self.redis.llen(self.queue)
            assert waiting <= HANDFUL, f"{waiting} messages wait"

    def loaves(self) -> int:
        return int(self.shell("from django.core.cache import cache\nprint(cache.get('loaves', 0))"))

    def api(self, browser: Browser, token: str = "") -> int:
        headers = {"Accept": "*/*"} | ({"Authorization": f"Token {token}"} if token else {})
        answer = browser.get("/api/orders/", headers=headers)
        if answer.status_code == 503:
            assert answer.headers["Content-Type"] == "application/problem+json"
        return answer.status_code

    def token(self, user: str) -> str:
        return self.shell(TOKEN.format(user=user)).split()[-1]
