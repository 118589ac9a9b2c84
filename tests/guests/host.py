"""A project that is not ours, in an environment of its own, before and after we move in."""

import json
import re
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from project.probe import ask
from project.processes import free_port
from tests.guests import steps
from tests.guests.browser import Browser
from tests.guests.report import Report
from tests.helpers.stranger import Stranger, edit
from tests.servers.uploads import balanced

PASSWORD = "a long walk on the beach"
PATIENCE = 120  # seconds
IDS = re.compile(r"\(maintenance_windows\.([EW]\d+)\)")


class Host(Stranger):
    """What the promises need to know of a project; each module of a host fills it in."""

    packages: tuple[str, ...]
    domain = "example.com"
    settings = "settings.py"
    admin = "/admin/"
    login = "/admin/login/"
    login_field = "username"  # of the form
    office = "/admin/"  # where editors work
    page = ""  # a text of the project's own page of the 503; none: ours is shown
    warned = frozenset[str]()  # by `check`, after the quick start
    advice = ""  # settings of docs/migrating.md, and what `check` says to change
    silenced = frozenset[str]()  # what `check` goes on to say
    # What the log must not have.
    raised: tuple[str, ...] = ("Traceback (most recent call last)", "Internal Server Error")
    scheduler: tuple[str, ...] = (steps.SCHEDULER,)
    port = 0  # of nginx

    def make(self) -> None:
        """Generate the project by its own tool."""
        raise NotImplementedError

    def people(self) -> str:
        """A program that makes the user `editor` one who edits and is not `is_staff`."""
        raise NotImplementedError

    @contextmanager
    def services(self) -> Iterator[None]:
        """What the project needs besides processes of its own."""
        yield

    def before(self) -> None:
        """Fill the project's database before we come."""

    def after_migrate(self) -> None:
        """Do what the project has to do by itself, such as name its Site."""

    def follow_advice(self) -> None:
        self.append(self.settings, self.advice)

    def before_worker(self, report: Report) -> None:
        """Try what the project's own processes do before ours are started."""

    def keep_more(self, report: Report) -> None:
        """Try what only this project has, while it is served and up."""

    def install(self) -> None:
        names = " ".join(f"'{name}'" for name in ("Django==5.2.*", "gunicorn", *self.packages))
        self.type(f"python -m pip install --quiet --no-compile {names}", where=self.folder)

    def file(self, name: str) -> Path:
        return self.site / "yourproject" / name

    def add(self, name: str, text: str) -> None:
        """Extend lists of a module, and append what is not there."""
        module = self.file(name)
        module.write_text(edit(module.read_text(), text))

    def append(self, name: str, text: str) -> None:
        with self.file(name).open("a") as module:
            module.write(f"\n{text}\n")

    def copy(self, folder: str) -> None:
        shutil.copytree(Path(__file__).parent / folder, self.site, dirs_exist_ok=True)

    def shell(self, program: str) -> str:
        """Run a program with the project's settings; what it prints."""
        (self.folder / "program.py").write_text(program)
        return self.type(f"python manage.py shell --verbosity 0 < {self.folder}/program.py")

    def checked(self) -> set[str]:
        """The ids of what `check` says of ours."""
        return set(IDS.findall(self.type(steps.CHECK)))

    def status(self) -> dict:
        """`maintenance status --json`, whose first site is ours."""
        said = json.loads(self.type(f"python manage.py maintenance status {self.domain} --json"))
        return said | {"site": said["sites"][0]}

    def move_in(self) -> None:
        """Write what the quick start says into settings and URLs."""
        self.add(self.settings, steps.SETTINGS)
        self.append("urls.py", steps.URLS)

    @contextmanager
    def served(self) -> Iterator[None]:
        """Two gunicorns behind nginx, and what keeps the flags."""
        ports = [free_port(), free_port()]
        web = [
            f"gunicorn --workers=1 --graceful-timeout=5 --bind=127.0.0.1:{port} yourproject.wsgi"
            for port in ports
        ]
        with self.running(*web, *self.scheduler) as log:
            for port in ports:
                until(lambda port=port: ask(port, self.domain, "/healthz").status == 200, log)
            with balanced(self.folder, ports) as self.port:
                until(lambda: ask(self.port, self.domain, "/healthz").status == 200, log)
                yield

    def browser(self, user: str = "") -> Browser:
        """A visitor, or somebody who logs in by the project's own page."""
        browser = Browser(self.port, self.domain)
        if user:
            name = f"{user}@example.com" if self.login_field == "login" else user
            browser.log_in(self.login, **{self.login_field: name, "password": PASSWORD})
            assert "sessionid" in browser.cookies, f"{user} cannot log in at {self.login}"
        return browser


def until(condition: Callable[[], object], log: Path | None = None) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        said = log.read_text()[-2000:] if log else "it takes too long"
        assert time.monotonic() < deadline, said
        time.sleep(0.1)
