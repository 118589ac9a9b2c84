"""What README and docs tell those to run and to name who have installed the wheel."""

import re

from tests.helpers.markdown import PAGES

FOR_CONTRIBUTORS = {"contributing.md", "performance.md", "security.md"}
COMMAND = re.compile(
    r"(?:python )?(?:manage\.py )?((?:set)?maintenance(?: .*)?)"
    r"|python manage\.py ((?:check|migrate|remove_stale_contenttypes)\b.*)"
)
# What stands for something else, and what is good for a site that is not ours.
STANDS_FOR = {"acme.example": "example.com", "SITE": "example.com", "ID": "1", "LENGTH": "1h"}
UNFINISHED = re.compile(r"…|\[|\||\bVERB\b|\bISO\b")


def pages() -> list[str]:
    return [page.read_text() for page in PAGES if page.name not in FOR_CONTRIBUTORS]


def commands() -> list[str]:
    """Each command that is complete, without `manage.py`; those that drop tables come last."""
    found = {}
    for page in pages():
        lines = [line.strip() for line in page.replace("\\\n", " ").splitlines()]
        named = re.findall(r"`([^`\n]+)`", page)
        # A verb that stands alone within a sentence is named, and not told to be run so.
        named = [f"{text} --help" if len(text.split()) < 3 else text for text in named]
        for text in [line for line in lines if line.startswith("python manage.py")] + named:
            if (command := COMMAND.fullmatch(text)) and not UNFINISHED.search(text):
                words = (command[1] or command[2]).split(" ")
                found[" ".join(STANDS_FOR.get(word, word) for word in words)] = None
    return sorted(found, key=lambda command: command.endswith(" zero"))


def dotted_paths() -> list[str]:
    """Each name below maintenance_windows, but the ids of checks."""
    path = re.compile(r"\bmaintenance_windows(?:\.[A-Za-z_]\w*)+")
    found = {name for page in pages() for name in path.findall(page)}
    return sorted(name for name in found if not re.search(r"\.[EW]\d*$", name))
