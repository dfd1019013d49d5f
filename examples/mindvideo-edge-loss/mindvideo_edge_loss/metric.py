"""The edge error."""

from __future__ import annotations

from typing import Any

import numpy as np
from mindspore.train import Metric
from numpy.typing import NDArray

from .config import EdgeErrorConfig


class EdgeError(Metric):
    """Mean absolute difference of the pictures' edges in 8-bit levels; 0 is best.

    ``update(prediction, truth)`` takes N,3,H,W in [0,1].
    """

    def __init__(self, config: EdgeErrorConfig) -> None:
        super().__init__()
        self.clear()

    def clear(self) -> None:
        """Forget all pictures."""
        self._sum = 0.0
        self._count = 0

    def update(self, *inputs: Any) -> None:
        """Add a batch: prediction and truth."""
        prediction, truth = (np.asarray(self._convert_data(each), np.float64) for each in inputs)
        difference = 255 * (prediction - truth)
        self._sum += sum(float(np.abs(edges).mean(axis=(1, 2, 3)).sum()) for edges in _edges(difference)) / 2
        self._count += len(difference)

    def eval(self) -> float:
        """The mean over all pictures; raises RuntimeError before the first."""
        if not self._count:
            raise RuntimeError("the edge error of no picture is not defined.")
        return self._sum / self._count


def _edges(pictures: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Horizontal and vertical differences of neighbouring pixels."""
    return np.diff(pictures, axis=-1), np.diff(pictures, axis=-2)
