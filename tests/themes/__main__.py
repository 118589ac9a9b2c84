"""Our pages under the themes of the admin: `python -m tests.themes [THEME...]`.

It makes a project that is not ours, installs all themes beside it, and opens our pages in Chromium.
The overview must be found in the theme's menu; a page must raise no error in the browser, and show
buttons that can be hit and boxes that can be seen. The pictures are in artefacts/themes.
"""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, ConsoleMessage, Page

from project.probe import ask
from project.processes import free_port
from tests.helpers.browsing import ARTEFACTS, LATE, chromium
from tests.helpers.stranger import Stranger, build
from tests.themes.themes import SETTINGS, THEMES, URLS, Theme

HOST = "127.0.0.1"
USER = PASSWORD = "operator"
APP = "maintenance_windows"
ADMIN = f"/admin/{APP}/"
PAGES = {
    "overview": "overview/",
    "windows": "maintenancewindow/",
    "window": "maintenancewindow/add/",
    "change": "maintenancewindow/3/change/",
    "series": "windowseries/add/",
    "site": "sitemaintenance/1/change/",
    "links": "sitemaintenance/1/links/",
    "calendar": "maintenancewindow/calendar/",
    "history": "sitemaintenance/1/history/",
    "app": "",
}
PHONE, LAPTOP = 390, 1440  # px
# In the dark and on a phone only what most people use.
MAIN = ("overview", "windows", "window", "series", "site")
VIEWS = (
    (LAPTOP, "light", tuple(PAGES)),
    (LAPTOP, "dark", MAIN),
    (PHONE, "light", MAIN),
)
MEASURES = (Path(__file__).parent / "measures.js").read_text()
PICTURES = ARTEFACTS / "themes"
SITE = """
from django.contrib.auth.models import User
from django.contrib.sites.models import Site

User.objects.create_superuser("operator", "", "operator")
Site.objects.create(domain="a-shop-with-a-long-name.europe-west.example", name="Shop")
Site.objects.create(domain="docs.example", name="Docs")
"""
WINDOWS = """
schedule() { python manage.py maintenance schedule "$1" --start $(date -ud "$2" +%FT%TZ) --for 2h; }
schedule example.com "5 minutes"
schedule docs.example "4 hours"
schedule example.com "30 hours"
python manage.py maintenance repeat docs.example --start 2030-01-01T02:00 --zone Europe/Berlin \
  --rule "FREQ=DAILY;INTERVAL=3" --for 4h
python manage.py maintenance on a-shop-with-a-long-name.europe-west.example
python manage.py maintenance start 1
"""


def make(folder: Path) -> Stranger:
    """A project by the README's steps, with every theme installed and a few windows."""
    stranger = Stranger(folder, build(folder / "dist"))
    stranger.begin("urlpatterns += []")
    packages = " ".join(theme.package for theme in THEMES.values())
    stranger.type(f"python -m pip install --quiet {packages}", where=folder)
    settings, urls = (stranger.site / "yourproject" / name for name in ("settings.py", "urls.py"))
    settings.write_text(settings.read_text() + SETTINGS)
    urls.write_text(urls.read_text() + URLS)
    stranger.env["THEME"] = "interface"  # the one with tables of its own
    stranger.type("python manage.py migrate --verbosity 0")
    stranger.run_python(SITE)
    stranger.type(WINDOWS)
    return stranger


@contextmanager
def served(stranger: Stranger, name: str) -> Iterator[int]:
    port = free_port()
    stranger.env["THEME"] = name
    with stranger.running(f"python manage.py runserver --noreload {port}"):
        deadline = time.monotonic() + 30
        while ask(port, HOST, "/admin/login/").status != 200:
            if time.monotonic() > deadline:
                raise TimeoutError(stranger.log.read_text()[-4000:])
            time.sleep(0.1)
        yield port


def look(browser: Browser, port: int, name: str, theme: Theme) -> list[str]:
    """The faults of our pages under one theme."""
    faults: list[str] = []
    page = browser.new_page()
    page.set_default_timeout(LATE)
    heard = listen(page)
    log_in(page, port)
    for width, scheme, places in VIEWS:
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme=scheme)
        for place in places:
            if place == "overview" and width == LAPTOP:
                faults += find_overview(page, port, f"{name} {scheme}")
            else:
                page.goto(f"http://{HOST}:{port}{ADMIN}{PAGES[place]}")
            if scheme == "dark" and theme.dark:
                page.evaluate(theme.dark)
            settle(page)
            heard += page.evaluate(MEASURES, width == PHONE)
            page.screenshot(path=PICTURES / f"{name}-{place}-{width}-{scheme}.png", full_page=True)
            faults += [f"{name} {place} {width} {scheme}: {text}" for text in heard]
            heard.clear()
    page.close()
    return faults


def listen(page: Page) -> list[str]:
    """The list to which errors of scripts, and missing files of ours, are added from now on."""
    heard: list[str] = []

    def hear(line: ConsoleMessage) -> None:
        # A theme may want fonts of another host, and the browser an icon.
        if line.type == "error" and (
            "Failed to load" not in line.text or APP in str(line.location)
        ):
            heard.append(line.text)

    page.on("console", hear)
    page.on("pageerror", lambda error: heard.append(f"error: {error}"))
    return heard


def settle(page: Page) -> None:
    """Wait for the preview of a form, and unfold what the overview hides."""
    if page.locator(".form-preview[data-url]").count():
        page.locator(".form-preview[data-url] > :not(:has(button))").first.wait_for()
    page.evaluate("for (const one of document.querySelectorAll('.do details')) one.open = true")
    page.wait_for_timeout(100)  # transitions of a theme


def log_in(page: Page, port: int) -> None:
    page.goto(f"http://{HOST}:{port}/admin/login/?next=/admin/")
    page.fill("[name=username]", USER)
    page.fill("[name=password]", PASSWORD)
    page.press("[name=password]", "Enter")
    page.wait_for_url("**/admin/")


def find_overview(page: Page, port: int, where: str) -> list[str]:
    """Follow the link to the overview that the first page of the theme shows."""
    page.goto(f"http://{HOST}:{port}/admin/")
    link = page.locator(f"a[href='{ADMIN}overview/']").filter(visible=True)
    if not link.count():
        return [f"{where}: no link to the overview"]
    link.first.click()
    page.wait_for_url(f"**{ADMIN}overview/")
    page.locator("#maintenance-board").wait_for()
    return []


def main() -> None:
    parser = argparse.ArgumentParser(prog="tests.themes", description=__doc__)
    parser.add_argument("theme", nargs="*", choices=[*THEMES, []], help="all by default")
    chosen = parser.parse_args().theme or list(THEMES)
    PICTURES.mkdir(parents=True, exist_ok=True)
    faults: list[str] = []
    with tempfile.TemporaryDirectory(prefix="themes-") as folder:
        stranger = make(Path(folder))
        for name in chosen:
            with served(stranger, name) as port, chromium() as browser:
                found = look(browser, port, name, THEMES[name])
            print(f"{name}: {len(found)} faults")
            faults += found
    print(*faults, sep="\n")
    sys.exit(bool(faults))


if __name__ == "__main__":
    main()
