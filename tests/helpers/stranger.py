"""A fresh project from `django-admin startproject` that follows the Quick start."""

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from project.processes import _die_with_parent
from tests.helpers.markdown import ROOT, Block, blocks

OURS = "django-maintenance-windows"


def first_steps() -> list[Block]:
    """The code blocks of the Quick start, in order."""
    return blocks((ROOT / "docs/quickstart.md").read_text())


def step_with(text: str) -> list[str]:
    """The lines of the one block of the Quick start that has the text."""
    (found,) = (block.text.splitlines() for block in first_steps() if text in block.text)
    return found


def edit(module: str, snippet: str) -> str:
    """Add a snippet of a page to a module: lists of strings are extended, other lines appended."""
    lists = {
        node.targets[0].id: ast.get_source_segment(module, node)
        for node in ast.parse(module).body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.List)
    }
    for node in ast.parse(snippet).body:
        wanted = ast.get_source_segment(snippet, node)
        name = wanted.partition(" = ")[0]
        if name in lists and name != "urlpatterns":
            module = module.replace(lists[name], fill_up(lists[name], wanted))
        else:
            module += f"\n{wanted}\n"
    return module


def fill_up(there: str, snippet: str) -> str:
    """Insert the missing items of the snippet into a list, in the order of the snippet."""
    name, _, value = there.partition(" = ")
    items = ast.literal_eval(value)
    place = len(items)
    for item in ast.literal_eval(snippet.partition(" = ")[2]):
        if item not in items:
            items.insert(place, item)
        place = items.index(item) + 1
    return f"{name} = {items}"


def build(folder: Path) -> Path:
    """The wheel, made from the source distribution, and both put into a folder."""
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    return wheel


class Stranger:
    """A virtual environment with only the wheel and its dependencies, and a project in it."""

    def __init__(
        self,
        folder: Path,
        wheel: Path,
        *,
        python: str = sys.executable,
    ) -> None:
        self.folder = folder
        self.site = folder / "yourproject"
        self.log = folder / "running.log"
        self.wheel = wheel
        self.env = {
            "PATH": f"{folder}/venv/bin{os.pathsep}{os.environ['PATH']}",
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        } | {name: value for name, value in os.environ.items() if name in {"HOME", "TMPDIR"}}
        subprocess.run([python, "-m", "venv", str(folder / "venv")], check=True)

    def versions(self) -> set[str]:
        """The installed packages with their versions."""
        return set(self.type("python -m pip freeze", where=self.folder).splitlines())

    def begin(self, page: str) -> None:
        """Make a site with that page, and do all that the Quick start says before `down`."""
        install, *steps = first_steps()
        self.type(install.text, where=self.folder)
        self.type("django-admin startproject yourproject", where=self.folder)
        self.write(page)
        for language, text in steps:
            if "maintenance down" in text:
                break
            self.write(text) if language == "python" else self.type(text)
        else:
            raise AssertionError("the Quick start does not say how to take a site down")
        (check,) = step_with("manage.py check")
        assert "no issues (0 silenced)" in self.type(check)

    def type(self, lines: str, where: Path | None = None) -> str:
        """Run lines of shell in the site's folder; what they said.

        What pip would take from an index is the wheel.
        """
        if "pip install" in lines:
            lines = lines.replace(OURS, str(self.wheel))
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

    def run_python(self, program: str) -> str:
        """Run a program with the project's settings; return its output."""
        (self.folder / "program.py").write_text(f"import django\ndjango.setup()\n{program}")
        chosen = f"DJANGO_SETTINGS_MODULE=yourproject.settings PYTHONPATH={self.site}"
        return self.type(f"{chosen} python {self.folder}/program.py")

    def write(self, snippet: str) -> None:
        """Add a snippet of a page to `settings.py` or `urls.py`."""
        name = "urls.py" if "urlpatterns" in snippet else "settings.py"
        module = self.site / "yourproject" / name
        module.write_text(edit(module.read_text(), snippet))

    @contextmanager
    def running(self, *lines: str) -> Iterator[Path]:
        """Run programs within the block; yield their log file."""
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
