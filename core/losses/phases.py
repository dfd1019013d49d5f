"""Trainings in phases, in which the parts of a network learn one after another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import accumulate
from typing import Any


@dataclass(frozen=True)
class Phases:
    """The steps before each phase of a training, by name and in order. One may be empty; the last has no end."""

    begins: Mapping[str, int]

    @classmethod
    def of_lengths(cls, *lengths: int, names: tuple[str, ...]) -> Phases:
        """Phases of so many steps each, and one more behind them."""
        return cls(dict(zip(names, accumulate(lengths, initial=0), strict=True)))

    def __getitem__(self, name: str) -> int:
        return self.begins[name]

    def at(self, step: int) -> str:
        """The phase that step number ``step`` belongs to, counted from 1."""
        return [name for name, begin in self.begins.items() if step > begin][-1]


def since(begin: int, steps_done: Any) -> Any:
    """1 from the step on that ``begin`` steps were done before, else 0: a scalar tensor, as ``steps_done`` is."""
    return (steps_done >= begin).astype("float32")
