"""A site that is not ours, made by `django-admin startproject`, whose owner follows the README."""

import ast
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import distributions
from pathlib import Path
from textwrap import dedent
from typing import NamedTuple

from django.conf import settings

from project.processes import _die_with_parent

OURS = "django-maintenance-windows"
BLOCK = re.compile(r"^( *)```(\w+)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)


class Block(NamedTuple):
    """What the README says to type, or to have in a file."""

    language: str
    text: str


def first_steps() -> list[Block]:
    """The README's "Add it to your project", in its order."""
    readme = (Path(settings.BASE_DIR) / "README.md").read_text()
    section = readme.partition("\n## Add it to your project\n")[2].partition("\n## ")[0]
    return [Block(language, dedent(text)) for _, language, text in BLOCK.findall(section)]


def edited(module: str, snippet: str) -> str:
    """A module as the README wants it: lists are filled up, all else is added at the end."""
    lists = {
        node.targets[0].id: ast.get_source_segment(module, node)
        for node in ast.parse(module).body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.List)
    }
    for node in ast.parse(snippet).body:
        wanted = ast.get_source_segment(snippet, node)
        name = wanted.partition(" = ")[0]
        if name in lists:
            module = module.replace(lists[name], filled_up(lists[name], wanted))
        else:
            module += f"\n{wanted}\n"
    return module


def filled_up(there: str, snippet: str) -> str:
    """A list with what it lacks of the snippet's, each behind what the snippet has it behind."""
    name, _, value = there.partition(" = ")
    items = ast.literal_eval(value)
    place = len(items)
    for item in ast.literal_eval(snippet.partition(" = ")[2]):
        if item not in items:
            items.insert(place, item)
        place = items.index(item) + 1
    return f"{name} = {items}"


class Stranger:
    """An environment that has nothing but the wheel and what it asks for, and a site in it."""

    def __init__(self, folder: Path, wheel: Path) -> None:
        self.folder = folder
        self.site = folder / "yourproject"
        self.log = folder / "running.log"
        # The versions that the suite runs with, in whichever cell of the matrix.
        pins = {found.name: f"{found.name}=={found.version}" for found in distributions()}
        pins[OURS] = f"{OURS} @ {wheel.as_uri()}"
        constraints = folder / "constraints.txt"
        constraints.write_text("\n".join(pins.values()))
        self.env = {
            "PATH": f"{folder}/venv/bin{os.pathsep}{os.environ['PATH']}",
            "PIP_CONSTRAINT": str(constraints),
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        } | {name: value for name, value in os.environ.items() if name in {"HOME", "TMPDIR"}}
        subprocess.run([sys.executable, "-m", "venv", str(folder / "venv")], check=True)

    def type(self, lines: str, where: Path | None = None) -> str:
        """Run lines of shell in the site's folder; what they said."""
        done = subprocess.run(
            ["/bin/sh", "-ec", lines],
            cwd=where or self.site,
            env=self.env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{lines}\n{done.stdout}"
        return done.stdout

    def write(self, snippet: str) -> None:
        """Do in `settings.py` or `urls.py` as the README says."""
        name = "urls.py" if "urlpatterns" in snippet else "settings.py"
        module = self.site / "yourproject" / name
        module.write_text(edited(module.read_text(), snippet))

    @contextmanager
    def running(self, *lines: str) -> Iterator[Path]:
        """Programs that go on until the block ends; the file of what they say."""
        log = self.log
        with log.open("ab") as output:
            started = [
                subprocess.Popen(
                    ["/bin/sh", "-c", f"exec {line}"],
                    cwd=self.site,
                    env=self.env,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    preexec_fn=_die_with_parent,  # noqa: PLW1509 (one call, into libc)
                )
                for line in lines
            ]
        try:
            yield log
        finally:
            for process in started:
                process.terminate()
            for process in started:
                process.wait(20)
