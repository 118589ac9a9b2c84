"""The wall clock of some programs, wrong by any amount. Needs a C compiler."""

import os
import shutil
import struct
import subprocess
from pathlib import Path

from tests.faults.supervised import Supervised
from tests.faults.table import Line

DAY = 86_400  # seconds
SOURCE = Path(__file__).with_suffix(".c")


class Clock:
    """The wall clock of programs that start with `env`, adjustable while they run."""

    def __init__(self, fleet: Supervised, offset: int) -> None:
        self.file = fleet.folder / "clock"
        self.file.touch()
        self.move(offset)
        library = fleet.folder / "faketime.so"
        subprocess.run(["gcc", "-shared", "-fPIC", "-O2", "-o", library, SOURCE], check=True)
        self.env = {"LD_PRELOAD": str(library), "FAKETIME": str(self.file)}

    def move(self, offset: int) -> None:
        """Step the clock to so many seconds ahead of the right time."""
        with self.file.open("r+b") as file:
            file.write(struct.pack("=q", offset))


def missing(line: Line) -> bool:
    """Whether there is no compiler; then CI fails and others skip the line."""
    found = shutil.which("gcc")
    if found is None:
        line.promise(not os.environ.get("CI"), "gcc is missing")
        line.skipped = "gcc is missing: apt-get install gcc libc6-dev"
    return found is None
