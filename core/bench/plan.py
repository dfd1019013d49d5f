"""The plan of a benchmark: every contender at each of its rates on every test set, each a command of its own."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Job:
    """A contender at one rate on one test set."""

    contender: str
    point: str
    test_set: str
    words: tuple[str, ...]
    """Words of the command line."""
    obstacle: str = ""
    """A sentence where it is known before that it cannot run."""

    @property
    def name(self) -> str:
        """Name of its folder."""
        return re.sub(r"[^\w.-]+", "_", f"{self.contender}-{self.point}-{self.test_set}")


def jobs(
    contenders: Mapping[str, Sequence[str]],
    points: Mapping[str, Mapping[str, Sequence[str]]],
    test_sets: Mapping[str, Sequence[str]],
    always: Sequence[str],
    obstacles: Mapping[str, str],
) -> list[Job]:
    """Jobs in order of contenders, test sets and points; the words of the test set come after a contender's.

    ``obstacles`` are sentences by test set, by ``contender`` or by ``contender/point``.
    """
    return [
        Job(
            name,
            point,
            test_set,
            (*words, *more, *set_words, *always),
            obstacles.get(name) or obstacles.get(f"{name}/{point}") or obstacles.get(test_set) or "",
        )
        for name, words in contenders.items()
        for test_set, set_words in test_sets.items()
        for point, more in points[name].items()
    ]
