"""Augmentation of clips: crops, flips, transposition and time reversal, the same for all frames of a clip.

Every function takes frames (T,3,H,W) of any type and draws its choices from the given ``rng`` alone.
"""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Scalar = TypeVar("Scalar", bound=np.generic)


def center_crop(frames: NDArray[Scalar], height: int, width: int) -> NDArray[Scalar]:
    """The middle ``height`` x ``width`` pixels; they must fit."""
    top, left = (frames.shape[2] - height) // 2, (frames.shape[3] - width) // 2
    return frames[:, :, top : top + height, left : left + width]


def random_crop(frames: NDArray[Scalar], size: int, rng: np.random.Generator) -> NDArray[Scalar]:
    """A square of ``size`` pixels, at one place for all frames; it must fit."""
    top = rng.integers(frames.shape[2] - size + 1)
    left = rng.integers(frames.shape[3] - size + 1)
    return frames[:, :, top : top + size, left : left + size]


def random_flips(frames: NDArray[Scalar], rng: np.random.Generator) -> NDArray[Scalar]:
    """Mirrored left to right, upside down, both or neither, with equal chances."""
    upside_down, mirrored = rng.integers(2, size=2)
    return frames[:, :, :: -1 if upside_down else 1, :: -1 if mirrored else 1]


def random_transpose(frames: NDArray[Scalar], rng: np.random.Generator) -> NDArray[Scalar]:
    """Rows and columns exchanged, or not; with the flips this gives all eight rotations and reflections."""
    return frames.swapaxes(2, 3) if rng.integers(2) else frames


def random_reversal(frames: NDArray[Scalar], rng: np.random.Generator) -> NDArray[Scalar]:
    """Played backwards, or not."""
    return frames[::-1] if rng.integers(2) else frames
