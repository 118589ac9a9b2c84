"""A message in several languages: one text, in which "[de]" at the start of a line is a mark."""

import re
from collections.abc import Collection, Iterator

MARK = re.compile(r"^\[([a-z]{2,3}(?:-[a-z0-9]{2,8})*)\]", re.IGNORECASE | re.MULTILINE)
UNMARKED = ""


def text_in(message: str, language: str, default: str, languages: Collection[str]) -> str:
    """Return the part of a message in a language; of a message without marks, all of it.

    Without that part: the part in the language's base (`pt` for `pt-br`), in the default language,
    before the first mark, or else the first one. Codes that are not in `languages` mark nothing.
    """
    if not has_marks(message):
        return message
    parts = split_languages(message, languages)
    for code in (*_bases(language), *_bases(default), UNMARKED):
        if code in parts:
            return parts[code]
    return next(iter(parts.values()), "")


def has_marks(message: str) -> bool:
    """Return False if a message cannot have marks, without a closer look."""
    return "[" in message


def split_languages(message: str, languages: Collection[str]) -> dict[str, str]:
    """Return the parts that are not empty by language code; what stands before them by ""."""
    known = {base for code in languages for base in _bases(code)}
    code, start = UNMARKED, 0
    parts: dict[str, str] = {}

    def add(end: int) -> None:
        if text := message[start:end].strip():
            parts.setdefault(code, text)

    for mark in MARK.finditer(message):
        if mark[1].lower() in known:
            add(mark.start())
            code, start = mark[1].lower(), mark.end()
    if code == UNMARKED:
        return {UNMARKED: message} if message else {}
    add(len(message))
    return parts


def _bases(code: str) -> Iterator[str]:
    """Yield a language code, then what it is a variety of: zh-hant-tw, zh-hant, zh."""
    code = code.lower()
    while code:
        yield code
        code = code.rpartition("-")[0]
