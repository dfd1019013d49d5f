"""``make torture``: damages, kills and starves the product for a while, and reports what it did not bear.

Exit code 0: no fault; 1: faults were found; 2: the harness itself failed.
"""

from __future__ import annotations

import argparse
import shutil
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from core.errors import MindvideoError

from .kinds import ALL, KINDS
from .report import in_page, markdown, write
from .rounds import Rounds

MARK = ".torture"
"""A file in the folder of a torture, by which the next one knows that it may empty it."""


def main() -> int:
    given = _arguments()
    kinds = _kinds(given)
    if isinstance(kinds, str):
        print(f"Error: {kinds}", file=sys.stderr)
        return 2
    if given.report:
        try:
            in_page(given.report.read_text(), "", given.report)
        except (OSError, MindvideoError) as error:
            print(f"Error: {error}", file=sys.stderr)
            return 2
    if given.folder.exists() and any(given.folder.iterdir()) and not (given.folder / MARK).exists():
        print(
            f"Error: {given.folder} holds files that no torture made: give another --folder.", file=sys.stderr
        )
        return 2
    shutil.rmtree(given.folder, ignore_errors=True)
    given.folder.mkdir(parents=True)
    (given.folder / MARK).touch()
    rounds, began = Rounds(given.seed, given.folder.resolve(), kinds), time.monotonic()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with suppress(KeyboardInterrupt):
        if given.trial is not None:
            rounds.one(kinds[0], given.trial)
        else:
            _run(rounds, 60 * given.minutes, given.workers, given.most)
    minutes = (time.monotonic() - began) / 60
    write(rounds, minutes, given.report)
    print(markdown(rounds, minutes))
    for found in rounds.found if given.trial is not None else ():
        print(f"{found.fault.sort}: {found.fault.told}\nFiles: {found.folder}\n")
    broken = [tally.broken for tally in rounds.tallies.values() if tally.broken]
    print(*broken, sep="\n", file=sys.stderr)
    return 2 if broken else 1 if rounds.found else 0


def _run(rounds: Rounds, seconds: float, workers: int, most: int | None) -> None:
    columns = (
        *(TextColumn("{task.description:24}"), BarColumn(), TextColumn("{task.fields[told]}")),
        *(TimeElapsedColumn(), TimeRemainingColumn()),
    )
    with Progress(*columns, console=Console(stderr=True)) as progress:
        bar, began = progress.add_task("", total=seconds, told=""), time.monotonic()

        def seen(kind: str) -> None:
            tries = sum(tally.tries for tally in rounds.tallies.values())
            told = f"{tries} trials, {len(rounds.found)} faults"
            progress.update(bar, completed=time.monotonic() - began, description=kind, told=told)

        limits = {} if most is None else dict.fromkeys(rounds.kinds, most)
        rounds.run(seconds, workers, limits, seen)


def _kinds(given: argparse.Namespace) -> list[str] | str:
    """The kinds to try, or what is wrong with those that were asked for."""
    wanted = [given.only] if given.only else given.kinds.split(",") if given.kinds else list(ALL)
    chosen = [kind for word in wanted for kind in KINDS if kind == word or _begins(kind, word)]
    unknown = [word for word in wanted if not any(kind == word or _begins(kind, word) for kind in KINDS)]
    if unknown:
        return f"there is no kind {unknown[0]} (known: {', '.join(ALL)})."
    if given.trial is not None and not given.only:
        return "--trial needs --only KIND."
    return list(dict.fromkeys(chosen))


def _begins(kind: str, word: str) -> bool:
    """Whether a word names a family of kinds, as ``stream`` does ``stream-dvc``."""
    return kind in ALL and kind.startswith(f"{word}-")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser("make torture ARGS='…'", description=__doc__)
    add = parser.add_argument
    add("--minutes", type=float, default=10, help="how long, shared among the kinds (10)")
    add("--seed", type=int, default=1, help="other trials for another number (1)")
    add("--kinds", help="kinds or families to try, as stream,video-mp4 (all)")
    add("--only", metavar="KIND", help="one kind")
    add("--trial", type=int, metavar="N", help="one trial of it, as a report names it")
    add("--most", type=int, metavar="N", help="at most so many trials of each kind")
    add("--workers", type=int, choices=(1, 2), default=1, help="trials at a time (1)")
    folder = "for faults and reports; emptied first (runs/torture)"
    add("--folder", type=Path, default=Path("runs/torture"), help=folder)
    add("--report", type=Path, metavar="PAGE", help="write the tables into the marked section of a page")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
