"""What we promise to each project that we move into."""

import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

from tests.guests import steps
from tests.guests.browser import Browser
from tests.guests.host import PASSWORD, Host, until
from tests.guests.report import Report
from tests.servers.uploads import upload

PEOPLE = """
from django.contrib.auth import get_user_model
User = get_user_model()
def make(name, **flags):
    return User.objects.create_user(name, f"{{name}}@example.com", "{password}", **flags)
make("operator", is_staff=True, is_superuser=True)
make("staff", is_staff=True)
make("customer")
editor = make("editor")
"""
OUR_PAGE = "<title>Down for maintenance"
UPLOADS, AT_ONCE, SIZE = 8, 4, 20_000_000
AHEAD, LASTS = timedelta(seconds=6), timedelta(seconds=10)


def try_all(host: Host, report: Report) -> None:
    with host.services():
        host.install()
        host.make()
        host.type(steps.MIGRATE)
        host.before()
        move_in(host, report)
        host.shell(PEOPLE.format(password=PASSWORD) + host.people())
        host.before_worker(report)
        with host.served():
            while_up(host, report)
            by_hand(host, report)
            by_window(host, report)
            host.keep_more(report)
        with report.promise("nothing raises"):
            log = host.log.read_text()
            assert not any(text in log for text in host.raised), log[-3000:]


def move_in(host: Host, report: Report) -> None:
    before = host.versions()
    host.type(steps.INSTALL, where=host.folder)
    with report.promise("pip install leaves what is installed"):
        assert before <= host.versions(), before - host.versions()
    host.move_in()
    with report.promise("migrate succeeds, twice"):
        said = host.type(steps.MIGRATE) + host.type(steps.MIGRATE)
        assert "After migrate" not in said, said
    host.after_migrate()
    with report.promise("makemigrations finds nothing of ours"):
        host.type("python manage.py makemigrations --check --dry-run maintenance_windows sites")
    with report.promise(f"check says {', '.join(sorted(host.warned))}"):
        assert (found := host.checked()) == host.warned, found
    host.follow_advice()
    rest = ", ".join(sorted(host.silenced)) or "nothing"
    with report.promise(f"check says {rest} once its advice is followed"):
        assert (found := host.checked()) == host.silenced, found


def while_up(host: Host, report: Report) -> None:
    visitor = host.browser()
    with report.promise("the site is up, and so are the public page and the probes"):
        for path in ("/", "/maintenance/", "/maintenance/status.json", "/healthz"):
            assert (status := visitor.status(path)) == 200, f"{path} answers {status}"
        until(lambda: visitor.status("/readyz") == 200)


def answers(visitor: Browser) -> list[int]:
    """What both servers answer, whichever nginx asks; each follows within a second."""
    return [visitor.get("/").status_code for _ in range(6)]


def by_hand(host: Host, report: Report) -> None:
    visitor, customer = host.browser(), host.browser("customer")
    with report.promise("`maintenance down` takes the site down for visitors, with Retry-After"):
        host.type(steps.DOWN.format(site=host.domain))
        until(lambda: all(status == 503 for status in answers(visitor)))
        answer = visitor.get("/")
        assert 500 < int(answer.headers["Retry-After"]) <= 600
        assert visitor.head("/").headers["Retry-After"]
        assert (host.page or OUR_PAGE) in answer.text, answer.text[:500]
    with report.promise("a logged-in customer gets the 503"):
        assert customer.status("/") == 503
    with report.promise("an API client gets problem+json"):
        answer = visitor.get("/", headers={"Accept": "application/json"})
        assert answer.status_code == 503
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert answer.json()["site"] == host.domain
    for user in ("staff", "editor"):
        with report.promise(f"{user} logs in at {host.login} and passes"):
            passes(host.browser(user), "/", host.office)
    with report.promise("our pages of the admin are open to an operator who logs in"):
        ours = f"{host.admin}maintenance_windows/"
        pages = ("", "maintenancewindow/", "maintenancewindow/add/", "windowseries/add/")
        passes(host.browser("operator"), *(ours + page for page in pages))
    with report.promise("probes and the public page stay open"):
        passes(visitor, "/healthz", "/readyz", "/maintenance/", "/maintenance/status.json")
    with report.promise(f"{UPLOADS} uploads of 20 MB get the 503 behind nginx"):
        upload_all(host, visitor)
    with report.promise("`maintenance up` brings the site up"):
        host.type(steps.UP.format(site=host.domain))
        until(lambda: 503 not in answers(visitor))
        passes(visitor, "/")


def by_window(host: Host, report: Report) -> None:
    visitor, probe = host.browser(), host.browser()
    staff, editor = host.browser("staff"), host.browser("editor")
    began = time.monotonic()
    host.status()
    slow = timedelta(seconds=2 * (time.monotonic() - began))  # a busy machine takes its time
    start = datetime.now(UTC) + max(AHEAD, slow)
    end = start + (lasts := max(LASTS, slow))
    with report.promise("a window takes the site down: visitors, staff, editor, probe"):
        host.type(
            f"python manage.py maintenance schedule {host.domain}"
            f" --start {start.isoformat()} --end {end.isoformat()}"
        )
        until(lambda: all(status == 503 for status in answers(visitor)))
        assert int(visitor.get("/").headers.get("Retry-After", 0)) <= lasts.total_seconds() + 1
        seen = [staff.status("/"), editor.status("/"), probe.status("/healthz")]
        assert seen == [200, 200, 200], seen
        assert datetime.now(UTC) < end, "the machine is too slow to tell"
    with report.promise("the flag follows the window"):
        assert host.status()["site"]["in_maintenance"] or datetime.now(UTC) > end
        until(lambda: not host.status()["site"]["in_maintenance"])
    with report.promise("the window's end brings the site up"):
        time.sleep(max(0, (end - datetime.now(UTC)).total_seconds()))
        until(lambda: 503 not in answers(visitor))
        passes(visitor, "/")


def passes(browser: Browser, *paths: str) -> None:
    for path in paths:
        assert (status := browser.status(path)) == 200, f"{path} answers {status}"


def upload_all(host: Host, visitor: Browser) -> None:
    body = bytes(SIZE)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        uploads = [pool.submit(upload, host.port, host.domain, body) for _ in range(UPLOADS)]
        pages = Counter(visitor.status("/healthz") for _ in range(20))
        statuses = Counter(one.result() for one in uploads)
    assert (statuses, pages) == ({503: UPLOADS}, {200: 20}), (statuses, pages)
