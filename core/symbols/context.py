"""The order in which a context model meets the positions of a latent: what each sees, and what is computed at once."""

from __future__ import annotations

from enum import Enum

import numpy as np
from numpy.typing import NDArray

Places = NDArray[np.intp]
"""Positions of a plane, row by row."""


class ContextOrder(Enum):
    """The order in which positions are coded, which decides what a context model sees from each."""

    raster = "raster"
    """It sees the positions before it, row by row (Minnen et al. 2018)."""
    checkerboard = "checkerboard"
    """Half of all positions see nothing, the others these, in two passes (He et al. 2021)."""


def visible(order: ContextOrder, kernel: int) -> NDArray[np.bool_]:
    """The taps (kernel,kernel) of a context model that see something."""
    taps = np.arange(kernel * kernel)
    if order is ContextOrder.raster:
        seen = taps < kernel * kernel // 2
    else:
        seen = (taps // kernel + taps % kernel) % 2 == 1
    return seen.reshape(kernel, kernel)


def waves(order: ContextOrder, height: int, width: int, kernel: int) -> list[Places]:
    """Positions whose contexts are complete at the same time, in order of coding.

    In raster order a position waits for the one that is kernel//2 to its right in the row above, so a wave moves by
    kernel//2 + 1 columns for each row.
    """
    rows, columns = np.divmod(np.arange(height * width), width)
    if order is ContextOrder.raster:
        wave = columns + (kernel // 2 + 1) * rows
    else:
        wave = 1 - first_half(height, width).ravel().astype(np.intp)
    sorted_places = np.argsort(wave, kind="stable")
    return np.split(sorted_places, np.flatnonzero(np.diff(wave[sorted_places])) + 1)


def first_half(height: int, width: int) -> NDArray[np.bool_]:
    """The half of a checkerboard that is coded first, (height,width): the even one."""
    return np.add.outer(np.arange(height), np.arange(width)) % 2 == 0
