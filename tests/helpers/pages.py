"""Forms and messages of the admin's pages, as a browser sees them."""

import re
from datetime import datetime
from html import unescape
from html.parser import HTMLParser


def times(prefix: str, moment: datetime) -> dict[str, str]:
    return {f"{prefix}_0": f"{moment:%Y-%m-%d}", f"{prefix}_1": f"{moment:%H:%M:%S}"}


def errors(response) -> str:
    return " ".join(re.findall(r'<ul class="errorlist[^>]*>(.*?)</ul>', response.text, re.DOTALL))


def messages(response) -> str:
    """The texts of the messages, which are isolated in the page from what is around them."""
    texts = (re.sub(r"</?bdi>", "", str(message)) for message in response.context["messages"])
    return unescape(" ".join(texts))


class Filled(HTMLParser):
    """The fields of a page's form with the values that a browser would send."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.fields: dict[str, str | list[str]] = {}
        self.open = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = dict(attributes)
        name, value = given.get("name") or "", given.get("value") or ""
        if tag == "input" and given.get("type") in {"date", "hidden", "number", "text", "time"}:
            self.fill(name, value)
        elif tag == "input" and given.get("type") == "checkbox" and "checked" in given:
            self.fill(name, value or "on")
        elif tag in {"textarea", "select"}:
            self.open = name
        elif tag == "option" and "selected" in given:
            self.fields[self.open] = value
        if tag == "textarea":
            self.fields[name] = ""

    def fill(self, name: str, value: str) -> None:
        if name in self.fields:
            self.fields[name] = [*self.fields[name], value]
        else:
            self.fields[name] = [value] if name.endswith("weekdays") else value

    def handle_data(self, data: str) -> None:
        if self.open and self.lasttag == "textarea":
            self.fields[self.open] += data.lstrip("\r\n")

    def handle_endtag(self, tag: str) -> None:
        if tag in {"textarea", "select"}:
            self.open = ""


def fill(page: str, **changes: str | list[str] | None) -> dict[str, str | list[str]]:
    """The form data of a page after these changes; None unchecks a box."""
    form = {name: value for name, value in Filled(page).fields.items() if "__prefix__" not in name}
    return {name: value for name, value in (form | changes).items() if value is not None}
