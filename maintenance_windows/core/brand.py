"""The name, logo, colour and addresses that a project puts on the pages for visitors."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

COLOUR = re.compile(r"#(?:[0-9a-f]{3}|[0-9a-f]{6})\Z", re.IGNORECASE)
ADDRESS = re.compile(r"(?:https?://[^\s/]|/(?!/))\S*\Z|/\Z", re.IGNORECASE)
EMAIL = re.compile(r"[^\s@:/]+@[^\s@:/]+\.[^\s@:/]+\Z")
CALLABLE = re.compile(r"(?:mailto|tel):\S+\Z", re.IGNORECASE)
# Of the first, only the origin goes into the Content-Security-Policy.
HOSTED = re.compile(r"(https://[a-z0-9.-]+(?::\d+)?)/\S*\Z", re.IGNORECASE)
INLINE = re.compile(r"data:image/.+\Z", re.IGNORECASE)
LOCAL = re.compile(r"/(?!/)\S+\Z")
# The contrast with white equals the contrast with black at this luminance (WCAG 2.2): 4.58 to 1.
MIDDLE = 0.179


@dataclass(frozen=True, slots=True, kw_only=True)
class Brand:
    """What is empty is not shown; without a name pages show the domain.

    `accent` is a colour as `#rgb` or `#rrggbb`; `logo` and `home` are addresses; `contact` is an
    address, an email address or any text.
    """

    name: str = ""
    logo: str = ""
    accent: str = ""
    home: str = ""
    contact: str = ""

    @property
    def ink(self) -> str:
        """The colour of text on the accent colour: black or white, at 4.5 to 1 at least."""
        if not self.accent:
            return ""
        return "#000" if luminance(self.accent) > MIDDLE else "#fff"

    @property
    def contact_url(self) -> str:
        """The address of the contact; empty if it is just text."""
        if EMAIL.match(self.contact):
            return f"mailto:{self.contact}"
        is_link = ADDRESS.match(self.contact) or CALLABLE.match(self.contact)
        return self.contact if is_link else ""

    @property
    def contact_text(self) -> str:
        return re.sub(r"^(?:https?://|mailto:|tel:)", "", self.contact)

    @property
    def logo_source(self) -> str:
        """What the Content-Security-Policy must allow for the logo, besides `data:`."""
        if hosted := HOSTED.match(self.logo):
            return hosted[1]
        return "'self'" if LOCAL.match(self.logo) else ""


def luminance(colour: str) -> float:
    """Return the relative luminance (WCAG 2.2) of `#rgb` or `#rrggbb`, from 0 to 1."""
    digits = colour[1:]
    if len(digits) == 3:  # noqa: PLR2004
        digits = "".join(2 * digit for digit in digits)
    parts = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4  # noqa: PLR2004
        for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _fits(name: str, value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:  # bytes of the environment that are not UTF-8
        return False
    match name:
        case "accent":
            return COLOUR.match(value) is not None
        case "home":
            return ADDRESS.match(value) is not None
        case "logo":
            return any(pattern.match(value) for pattern in (HOSTED, INLINE, LOCAL))
    return True


WANTED = {
    "name": "a string of valid Unicode",
    "logo": "a path, an https:// address or a data:image/ URL",
    "accent": "a colour such as #1f5fae",
    "home": "a path or an address",
    "contact": "a string of valid Unicode",
}


def brand_faults(value: Any) -> Iterator[str]:
    """Yield a sentence about each invalid entry."""
    if not isinstance(value, dict):
        yield f"It must be a dict, not {value!r}."
        return
    for name, given in value.items():
        if name not in WANTED:
            known = ", ".join(WANTED)
            yield f"{name!r} is unknown; the keys are {known}."
        elif not isinstance(given, str) or (given and not _fits(name, given)):
            yield f"{name!r} must be {WANTED[name]}, not {given!r}."


def read_brand(value: Any) -> Brand:
    """Return the brand that a setting describes, without its invalid entries."""
    if not isinstance(value, dict):
        return Brand()
    valid = {name: one for name, one in value.items() if not any(brand_faults({name: one}))}
    return Brand(**valid)
