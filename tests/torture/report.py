"""What a torture found: a table for people, JSON for programs, and a section of a page."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from core.errors import ConfigError

from .kinds import KINDS
from .rounds import Found, Rounds
from .trial import SORTS

BEGIN, END = "<!-- torture: begin -->", "<!-- torture: end -->"
"""Between these lines of a page stands the report."""


def markdown(rounds: Rounds, minutes: float) -> str:
    """The table, and under it what was found."""
    tallies = rounds.tallies.values()
    tries, faults = sum(tally.tries for tally in tallies), len(rounds.found)
    lines = [
        f"Seed {rounds.seed}, {minutes:.0f} minutes: {tries:,} trials, {faults} faults, "
        f"{len(_causes(rounds.found))} causes.",
        "",
        "| kind | what is tried | trials | ended with a sentence | faults |",
        "|---|---|---|---|---|",
        *(_row(rounds, kind) for kind in rounds.kinds),
    ]
    if rounds.found:
        lines += ["", "| kind | fault | seen | times | shown again by |", "|---|---|---|---|---|"]
        lines += _fault_rows(rounds)
    return "\n".join(lines) + "\n"


def _row(rounds: Rounds, kind: str) -> str:
    tally = rounds.tallies[kind]
    faults = sum(found.kind == kind for found in rounds.found)
    told = KINDS[kind].tries
    if tally.skipped:
        told += f"; not tried here: {tally.skipped}"
    if tally.broken:
        told += "; ended early, as the harness or the undamaged run failed"
    return f"| {kind} | {_cell(told)} | {tally.tries} | {tally.refused} | {faults} |"


def _fault_rows(rounds: Rounds) -> Iterator[str]:
    for (kind, sort, cause), times in _causes(rounds.found).items():
        first = next(f for f in rounds.found if (f.kind, f.fault.sort, _cause(f)) == (kind, sort, cause))
        cells = [kind, SORTS[sort], cause, str(times), f"`{first.repeat(rounds.seed)}`"]
        yield "| " + " | ".join(map(_cell, cells)) + " |"


def _causes(found: list[Found]) -> Counter[tuple[str, str, str]]:
    return Counter((one.kind, one.fault.sort, _cause(one)) for one in found)


def _cause(found: Found) -> str:
    return found.fault.cause or found.fault.told.splitlines()[0]


def _cell(text: str) -> str:
    shown = "".join(c if c.isprintable() else "\ufffd" for c in text[:300])
    return shown.replace("|", "\\|")


def plain(rounds: Rounds, minutes: float) -> dict[str, Any]:
    """All of it as JSON takes it."""
    return {
        "seed": rounds.seed,
        "minutes": minutes,
        "kinds": {kind: asdict(tally) for kind, tally in rounds.tallies.items()},
        "faults": [
            {
                "kind": found.kind,
                "trial": found.number,
                **asdict(found.fault),
                "files": found.folder and str(found.folder),
                "repeat": found.repeat(rounds.seed),
            }
            for found in rounds.found
        ],
    }


def write(rounds: Rounds, minutes: float, page: Path | None) -> None:
    """Write ``torture.json`` and ``torture.md`` into the folder of the torture, and the section of a page."""
    text = markdown(rounds, minutes)
    (rounds.folder / "torture.json").write_text(json.dumps(plain(rounds, minutes), indent=2) + "\n")
    (rounds.folder / "torture.md").write_text(text)
    if page:
        page.write_text(in_page(page.read_text(), text, page))


def in_page(page: str, text: str, path: Path) -> str:
    """The page with the text in its marked section."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ConfigError(f"{path} has no section between {BEGIN} and {END} to write the report to.")
    return f"{before}{begin}\n\n{text}\n{end}{after}"
