"""The table of settings in docs/reference.md, generated from conf.py; as a script, write it."""

import ast
import inspect
import re
from itertools import pairwise
from pathlib import Path

from maintenance_windows.conf import SETTINGS, Conf

REFERENCE = Path(__file__).parents[2] / "docs/reference.md"
TABLE = re.compile(r"(?<=\| setting \| default \| meaning \|\n\|---\|---\|---\|\n)(?:\|.*\n)+")


def settings_table() -> str:
    """A row for each setting: its name, its default and the string below it."""
    (table,) = ast.parse(inspect.getsource(Conf)).body
    meanings = {
        ast.unparse(entry.targets[0]): " ".join(below.value.value.split())
        for entry, below in pairwise(table.body)
        if isinstance(entry, ast.Assign) and isinstance(below, ast.Expr)
    }
    return "".join(
        f"| `{name}` | `{_literal(setting.default)}` | {meanings[name]} |\n"
        for name, setting in SETTINGS.items()
    )


def _literal(default: object) -> str:
    return f'"{default}"' if isinstance(default, str) else repr(default)


if __name__ == "__main__":
    REFERENCE.write_text(TABLE.sub(lambda _: settings_table(), REFERENCE.read_text()))
