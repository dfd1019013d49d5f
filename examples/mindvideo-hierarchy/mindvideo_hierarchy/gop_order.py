"""The order of coding: a key frame first, then the frames between it and the key frame before, by halves."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

MAX_DISTANCE = 16
"""Frames from one key frame to the next, at most."""


class Turn(NamedTuple):
    """Whose turn it is: places count from the key frame before, which is 0."""

    place: int
    before: int
    after: int
    """Places of the frames that it is predicted from; for a key frame both are the key frame before."""


def turns(distance: int) -> Iterator[Turn]:
    """All frames after a key frame up to the next one, ``distance`` frames on, in order of coding.

    Left halves come first, so that frames can be shown as early as possible.
    """
    yield Turn(distance, 0, 0)
    yield from _between(0, distance)


def _between(before: int, after: int) -> Iterator[Turn]:
    if after - before < 2:
        return
    middle = (before + after) // 2
    yield Turn(middle, before, after)
    yield from _between(before, middle)
    yield from _between(middle, after)
