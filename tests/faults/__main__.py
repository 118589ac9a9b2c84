"""Break each service and measure what visitors, flags and operators see of it.

`python -m tests.faults` takes a quarter of an hour, `--quick` five minutes, and `--full` twenty
minutes, with five of chaos.
Figures to be quoted come from `--lanes 1` on a quiet machine, which takes twice as long.
"""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")

import argparse
import secrets
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

from tests.faults.faults import BY_NAME
from tests.faults.lanes import ENDINGS, Options, leave, run_all
from tests.faults.table import Line, markdown


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--full", action="store_true", help="longer outages")
    parser.add_argument(
        "--quick", action="store_true", help="without lines that want a quiet machine"
    )
    parser.add_argument(
        "--only",
        nargs="+",
        metavar="NAME",
        choices=[*BY_NAME],
        help=f"some lines of the table: {', '.join(BY_NAME)}",
    )
    parser.add_argument("--lanes", type=int, default=2, help="lines that run beside each other")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10_000), help="of chance")
    return parser.parse_args()


def show(name: str, line: Line) -> None:
    """Print a line of the table and its failures."""
    print(f"{name} ({line.seconds:.0f} s) | {' | '.join(line.cells()[1:])}", flush=True)
    for sentence in line.failures:
        print(f"    {sentence}", flush=True)


def run(folder: Path, given: argparse.Namespace) -> list[Line]:
    """Run the lines that may run in parallel, then the others alone.

    The latter measure milliseconds, or failed possibly because the machine was busy.
    """
    options = Options(full=given.full, seed=given.seed)
    names = given.only or [name for name in BY_NAME if not (given.quick and BY_NAME[name].is_quiet)]
    together = [name for name in names if not BY_NAME[name].alone]
    lines = run_all(folder, options, together, given.lanes, show)
    again = [name for name, line in lines.items() if line.failures and line.by_noise]
    lines |= run_all(folder, options, sorted({*names} - {*together}), 1, show)
    again += [
        name for name in {*names} - {*together} if lines[name].failures and lines[name].by_noise
    ]
    for name, line in run_all(folder, options, again, 1, show).items():
        line.notes.append(f"second try; the first: {'; '.join(lines[name].failures)}")
        lines[name] = line
    return [lines[name] for name in BY_NAME if name in lines]


def main() -> int:
    given = arguments()
    for ending in ENDINGS:
        signal.signal(ending, leave)
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="maintenance-faults-") as name:
        folder = Path(name)
        folder.chmod(0o755)  # PostgreSQL runs as another user
        lines = run(folder, given)
        failed = [line for line in lines if line.failures]
        print(f"\n{markdown(lines)}\n\n{len(failed)} of {len(lines)} lines failed,"
              f" {time.monotonic() - began:.0f} s.")  # fmt: skip
        if failed:
            keep_logs(folder)
    return 1 if failed else 0


def keep_logs(folder: Path) -> None:
    kept = Path(f"{folder}-logs")
    for log in folder.glob("**/*.log"):
        target = kept / log.relative_to(folder)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(log, target)
    print(f"Their logs: {kept}")


if __name__ == "__main__":
    sys.exit(main())
