"""An operator at the admin, over HTTP: logs in, fills in the real forms, reads the pages."""

import time
from dataclasses import dataclass
from email.message import Message
from html.parser import HTMLParser
from http.client import HTTPConnection, HTTPException
from http.cookies import SimpleCookie
from urllib.parse import urlencode

USER, PASSWORD = "operator", "not a secret 1"
WINDOWS = "/admin/maintenance_windows/maintenancewindow/"


@dataclass(frozen=True, slots=True)
class Page:
    status: int
    body: str
    headers: Message
    seconds: float


class Form(HTMLParser):
    """The fields of the page's forms that post, with the values they come with."""

    def __init__(self, body: str) -> None:
        super().__init__()
        self.fields: dict[str, str] = {}
        self._choice = ""
        self.feed(body)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        name = given.get("name", "")
        if tag == "input" and given.get("type") not in {"submit", "checkbox", "search"}:
            self.fields.setdefault(name, given.get("value", ""))
        elif tag in {"select", "textarea"}:
            self._choice = name
            self.fields.setdefault(name, "")
        elif tag == "option" and "selected" in given:
            self.fields[self._choice] = given.get("value", "")


class Browser:
    """Sends Secure cookies too: TLS would end at a proxy, which is absent here."""

    def __init__(self, port: int, host: str = "s0.example") -> None:
        self.port, self.host = port, host
        self.cookies: dict[str, str] = {}

    @property
    def cookie(self) -> str:
        return "; ".join(f"{name}={value}" for name, value in self.cookies.items())

    def open(self, path: str, fields: dict[str, str] | None = None, timeout: float = 20) -> Page:
        headers = {"Host": f"{self.host}:{self.port}", "Cookie": self.cookie}
        body = None
        if fields is not None:
            body = urlencode(fields)
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        connection = HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        began = time.monotonic()
        try:
            connection.request("GET" if fields is None else "POST", path, body, headers)
            response = connection.getresponse()
            text = response.read().decode(errors="replace")
        except (OSError, HTTPException) as error:
            return Page(0, str(error), Message(), time.monotonic() - began)
        finally:
            connection.close()
        for value in response.headers.get_all("Set-Cookie", []):
            self.cookies |= {name: part.value for name, part in SimpleCookie(value).items()}
        return Page(response.status, text, response.headers, time.monotonic() - began)

    def submit(self, path: str, **changes: str) -> Page:
        """Fill in the form of that page and send it; `seconds` is for both."""
        page = self.open(path)
        if page.status != 200:
            return page
        sent = self.open(path, Form(page.body).fields | changes)
        return Page(sent.status, sent.body, sent.headers, page.seconds + sent.seconds)

    def log_in(self) -> None:
        page = self.submit("/admin/login/", username=USER, password=PASSWORD)
        if page.status != 302:
            raise PermissionError(f"cannot log in: {page.status}")
