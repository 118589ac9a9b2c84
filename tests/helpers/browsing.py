"""A real browser, which is Chromium as Debian has it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings
from playwright.sync_api import Browser, expect, sync_playwright

from tests.helpers.services import require_program

LATE = 60_000  # timeout in milliseconds, on a busy machine
expect.set_options(timeout=LATE)
ARTEFACTS = Path(settings.BASE_DIR) / "artefacts"
# Only our sites resolve, so the browser reaches nothing else.
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--host-resolver-rules=MAP *.example 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)


@contextmanager
def chromium() -> Iterator[Browser]:
    """Chromium; its thread runs an event loop and cannot use the database in the block."""
    path = require_program("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        try:
            yield browser
        finally:
            browser.close()
