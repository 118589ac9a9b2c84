"""Sites in separate processes, controlled from here; see handling.py."""

import json
import os
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

from tests.benchmarks.handling import Block, Taken
from tests.benchmarks.peers import ROOT, Environment


class Broken(Exception):
    """Raised when the process ends; holds its last line."""


class Site:
    """A variant in a state; leaving the block ends the process."""

    def __init__(self, variant: str, state: str, folder: Path, peers: Environment | None) -> None:
        self.variant, self.state, self.folder = variant, state, folder
        env = {
            **os.environ,
            "BENCHMARK_FOLDER": str(folder),
            "BENCHMARK_VARIANT": variant,
            "DJANGO_SETTINGS_MODULE": "tests.benchmarks.site.settings",
        }
        if peers:
            env["PYTHONPATH"] = peers.path(variant)
        python = peers.python if peers else sys.executable
        folder.mkdir()
        with (folder / "log").open("wb") as log:
            self.process = subprocess.Popen(
                [python, "-m", "tests.benchmarks.handling", state],
                cwd=ROOT,
                env=env,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )

    def __enter__(self) -> "Site":
        return self

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        self.process.communicate()

    def wait(self) -> None:
        """Wait until the site is ready. Raises Broken."""
        self._line()

    def ask(self, block: Block) -> None:
        print(json.dumps(asdict(block)), file=self.process.stdin, flush=True)

    def result(self) -> Taken:
        """Return the result of the oldest pending block. Raises Broken."""
        return Taken(**json.loads(self._line()))

    def _line(self) -> str:
        assert self.process.stdout
        if line := self.process.stdout.readline():
            return line
        said = (self.folder / "log").read_text().strip().splitlines()
        raise Broken(said[-1] if said else "it ended without a word")
