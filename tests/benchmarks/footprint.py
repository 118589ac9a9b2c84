"""Memory, threads and files of a process, from /proc."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Self

SIZE = re.compile(r"^(\w+): +(\d+) kB$", re.MULTILINE)
THREADS = re.compile(r"^Threads:\t(\d+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Footprint:
    """Sizes in KiB: `rss` counts what is shared with others too, `pss` by its part, `uss` not."""

    rss: int = 0
    pss: int = 0
    uss: int = 0
    threads: int = 0
    files: int = 0

    @classmethod
    def of(cls, pid: int) -> Self:
        """Measure a process. Raises OSError when it has ended."""
        process = Path(f"/proc/{pid}")
        size = {name: int(value) for name, value in SIZE.findall(read(process / "smaps_rollup"))}
        (threads,) = THREADS.findall(read(process / "status"))
        return cls(
            rss=size["Rss"],
            pss=size["Pss"],
            uss=size["Private_Clean"] + size["Private_Dirty"],
            threads=int(threads),
            files=sum(1 for _ in (process / "fd").iterdir()),
        )


def read(path: Path) -> str:
    return path.read_text(errors="replace")
