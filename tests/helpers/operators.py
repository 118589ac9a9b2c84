"""An admin that runs, and an operator who is logged in to it with a real browser."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, expect

from tests.helpers.browsing import LATE, chromium
from tests.helpers.fleet import Fleet, new_database

USER, PASSWORD = "operator", "not a secret 1"
BOARD = "/admin/maintenance_windows/"


@contextmanager
def running_admin(folder: Path, *, data: str = "") -> Iterator[Fleet]:
    """Three sites and an operator, over plain HTTP, as on a laptop; `data` is run in the shell."""
    with new_database(folder) as url, Fleet(folder, url) as fleet:
        fleet.env |= {"DJANGO_SETTINGS_MODULE": "project.settings", "DEBUG": "1"}
        fleet.migrate(sites=3)
        fleet.env["DJANGO_SUPERUSER_PASSWORD"] = PASSWORD
        fleet.manage("createsuperuser", "--noinput", f"--username={USER}", "--email=")
        if data:
            fleet.manage("shell", "--verbosity=0", f"--command={data}")
        fleet.start_web()
        fleet.start_embedded()
        fleet.wait()
        yield fleet


@contextmanager
def operator(fleet: Fleet) -> Iterator[Page]:
    """The overview on a laptop."""
    with chromium() as browser:
        yield log_in(browser, fleet)


def log_in(browser: Browser, fleet: Fleet, *, width: int = 1440, height: int = 900) -> Page:
    """The overview, in a window of the browser with cookies of its own."""
    page = browser.new_page(
        base_url=f"http://s0.example:{fleet.port}", viewport={"width": width, "height": height}
    )
    page.set_default_timeout(LATE)
    page.goto(BOARD)
    page.fill("#id_username", USER)
    page.fill("#id_password", PASSWORD)
    page.press("#id_password", "Enter")
    expect(page.get_by_role("heading", name="Timeline")).to_be_visible()
    return page
