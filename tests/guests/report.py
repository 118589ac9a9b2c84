"""One line for each promise."""

from collections.abc import Iterator
from contextlib import contextmanager


class Report:
    def __init__(self, name: str) -> None:
        self.name = name
        self.failed = 0

    @contextmanager
    def promise(self, text: str) -> Iterator[None]:
        """Say whether the block holds; the promises after it are tried all the same."""
        try:
            yield
        except Exception as error:  # noqa: BLE001 (whatever is raised breaks the promise)
            self.failed += 1
            first = error
            while first.__context__:  # what ends the processes then may fail, too
                first = first.__context__
            print(f"FAILED  {self.name}: {text}: {first!r}", flush=True)
        else:
            print(f"ok      {self.name}: {text}", flush=True)
