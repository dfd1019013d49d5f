"""Structural similarity (Wang et al., 2004) as a training loss, for graph and PyNative mode."""

from __future__ import annotations

import numpy as np
from mindspore import Tensor, nn, ops

WINDOW = 11
"""Side of the Gaussian window, pixels."""
_SIGMA = 1.5


class StructuralSimilarity(nn.Cell):
    """SSIM and its contrast-structure factor for planes N,1,H,W in [0,1], height and width at least 11: two vectors
    (N,).

    Gaussian window 11x11 (sigma 1.5) inside the picture only, K1 = 0.01, K2 = 0.03, data range 1.
    """

    def __init__(self) -> None:
        super().__init__()
        line = np.exp(-((np.arange(WINDOW) - WINDOW // 2) ** 2) / (2 * _SIGMA**2))
        line = (line / line.sum()).astype(np.float32)
        self.vertical = Tensor(line.reshape(1, 1, -1, 1))
        self.horizontal = Tensor(line.reshape(1, 1, 1, -1))

    def construct(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        means = ops.chunk(self._blur(ops.concat((x, y, x * x, y * y, x * y), 0)), 5, 0)
        mean_x, mean_y = means[0], means[1]
        variances = means[2] - mean_x * mean_x + means[3] - mean_y * mean_y
        covariance = means[4] - mean_x * mean_y
        luminance = (2 * mean_x * mean_y + 0.01**2) / (mean_x * mean_x + mean_y * mean_y + 0.01**2)
        structure = (2 * covariance + 0.03**2) / (variances + 0.03**2)
        return (luminance * structure).mean((1, 2, 3)), structure.mean((1, 2, 3))

    def _blur(self, x: Tensor) -> Tensor:
        return ops.conv2d(ops.conv2d(x, self.vertical), self.horizontal)


class SsimLoss(nn.Cell):
    """1 - SSIM of two pictures N,C,H,W in [0,1], height and width at least 11.

    The mean of each picture's channel counts as 0 where it is negative.
    """

    def __init__(self) -> None:
        super().__init__()
        self.similarity = StructuralSimilarity()

    def construct(self, prediction: Tensor, target: Tensor) -> Tensor:
        values, _ = self.similarity(planes(prediction), planes(target))
        return 1 - ops.relu(values).mean()


def planes(x: Tensor) -> Tensor:
    """N,C,H,W -> N*C,1,H,W."""
    return x.reshape(x.shape[0] * x.shape[1], 1, x.shape[2], x.shape[3])
