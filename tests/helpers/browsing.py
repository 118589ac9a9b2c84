"""A real browser, which is Chromium as Debian has it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from axe_playwright_python.sync_playwright import Axe
from django.conf import settings
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.helpers.services import require_program

LATE = 60_000  # timeout in milliseconds, on a busy machine
expect.set_options(timeout=LATE)
ARTEFACTS = Path(settings.BASE_DIR) / "artefacts"
# Violations of Django's own pages: breadcrumbs differ from text by colour only, and a column of
# its tables has no heading.
NOT_OURS = {"link-in-text-block", "empty-table-header"}
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


def audit(page: Page, where: str) -> None:
    """Fail where axe finds a violation that is not Django's."""
    violations = Axe().run(page).response["violations"]
    ours = [found for found in violations if found["id"] not in NOT_OURS]
    assert not ours, f"{where}: {[(found['id'], found['nodes'][0]['html']) for found in ours]}"


def picture(page: Page, name: str, *, whole: bool = False) -> None:
    """Keep a picture of what is in sight, or of the whole page."""
    ARTEFACTS.mkdir(exist_ok=True)
    page.screenshot(path=ARTEFACTS / f"{name}.png", full_page=whole)
