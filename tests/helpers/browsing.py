"""A real browser, which is Chromium as Debian has it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings
from playwright.sync_api import Browser, sync_playwright

from tests.helpers.services import require_program

LATE = 60_000  # milliseconds until a browser is given up
ARTEFACTS = Path(settings.BASE_DIR) / "artefacts"
# Nothing but our sites is found, and a browser that phones home finds nobody.
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--host-resolver-rules=MAP *.example 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)


@contextmanager
def chromium() -> Iterator[Browser]:
    """Its thread cannot use the database meanwhile: an event loop runs in it."""
    path = require_program("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        try:
            yield browser
        finally:
            browser.close()
