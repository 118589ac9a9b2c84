"""The spellings of one host: upper case, a final dot, and Unicode or Punycode (RFC 3492)."""

from unicodedata import normalize

PREFIX = "xn--"


def canonical(host: str) -> str:
    """Return the spelling of a host that browsers send: lower case, ASCII, no final dot.

    A port stays.
    """
    if host.isascii() and host[-1:] != "." and ".:" not in host:
        return host.lower()
    name, colon, port = host.rpartition(":")
    if not colon or "]" in port:  # without a port, or an IPv6 address
        name, colon, port = host, "", ""
    plain = normalize("NFKC", name).replace("\u3002", ".").lower().removesuffix(".")
    return ".".join(map(_to_ascii, plain.split("."))) + colon + port


def spellings(host: str) -> tuple[str, ...]:
    """Return the spellings that a site may have in the database, but for the case of ASCII.

    SQLite does not know the case of other letters.
    """
    plain = canonical(host)
    text = ".".join(map(_to_unicode, plain.split(".")))
    found = dict.fromkeys((plain, text, text.upper() if text != plain else text))
    return tuple(one for one in found if canonical(one) == plain)  # ß is no SS


def _to_ascii(label: str) -> str:
    return label if label.isascii() else PREFIX + label.encode("punycode").decode()


def _to_unicode(label: str) -> str:
    if not label.startswith(PREFIX):
        return label
    name, colon, port = label.removeprefix(PREFIX).partition(":")  # of the last label
    try:
        return name.encode().decode("punycode") + colon + port
    except (UnicodeError, ValueError, OverflowError):
        return label  # not a label that Punycode makes
