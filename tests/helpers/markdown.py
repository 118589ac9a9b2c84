"""README and the pages of docs/ as tests see them: code blocks, links, headings, prose."""

import re
from pathlib import Path
from textwrap import dedent
from typing import NamedTuple

from django.conf import settings

ROOT = Path(settings.BASE_DIR)
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"^( *)```(\w*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)\s]+)\)")
HEADING = re.compile(r"^(#+) (.+)$", re.MULTILINE)
QUOTE = re.compile(r"`[^`\n]+`|\"[^\"]+\"|<!--.*?-->|\]\([^)]*\)", re.DOTALL)


class Block(NamedTuple):
    """A code block of a page: commands, or text for a file."""

    language: str
    text: str


def blocks(text: str) -> list[Block]:
    """The code blocks of a page or a section, in order."""
    return [Block(language, dedent(code)) for _, language, code in BLOCK.findall(text)]


def headings(page: Path) -> list[str]:
    return [text for _, text in HEADING.findall(BLOCK.sub("", page.read_text()))]


def section(page: Path, title: str) -> str:
    """The text below a heading of the second level."""
    return page.read_text().partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def links(page: Path) -> list[str]:
    """The targets of all links and pictures."""
    return LINK.findall(BLOCK.sub("", page.read_text()))


def anchors(page: Path) -> set[str]:
    """The anchors that a repository's web page and the built site have in common."""
    words = [re.sub(r"[^\w\s-]", "", text.lower()).strip() for text in headings(page)]
    return {re.sub(r"\s", "-", one) for one in words} & {
        re.sub(r"[\s-]+", "-", one) for one in words
    }


def prose(page: Path) -> str:
    """The sentences of a page, without code, quotations and addresses."""
    return QUOTE.sub("…", BLOCK.sub("", page.read_text()))
