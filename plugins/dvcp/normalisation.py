"""Normalisation over the channels of each pixel."""

from __future__ import annotations

import numpy as np
from mindspore import Parameter, Tensor, nn, ops

from core.nn import Normalise

_EPSILON = 1e-3
"""Added to the variance."""


class ChannelNorm(nn.Cell):
    """gamma * (x - mean) / sqrt(variance + 1e-3) + beta over the channels of N,C,H,W, or N,H,W,C after `fuse`.

    The variance is the unbiased one, so there are at least 2 channels. ``gamma`` (C) starts from ones, ``beta`` (C)
    from zeros.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.gamma = Parameter(Tensor(np.ones(channels, np.float32)), name="gamma")
        self.beta = Parameter(Tensor(np.zeros(channels, np.float32)), name="beta")
        # Sums by products of matrices, which are several times as fast on CPU as those by reduction.
        self.mean = Tensor(np.full((1, channels), 1 / channels, np.float32))
        self.spread = Tensor(np.full((1, channels), 1 / (channels - 1), np.float32))
        self.channels_last: Normalise | None = None

    def fuse(self) -> None:
        """Take and give N,H,W,C from now on; needs our kernels."""
        self.channels_last = Normalise(_EPSILON)

    def construct(self, x: Tensor) -> Tensor:
        if self.channels_last is not None:
            return self.channels_last(x, self.gamma, self.beta)
        shape = x.shape
        x = x.reshape(shape[0], shape[1], -1)
        x = x - ops.matmul(self.mean, x)
        scale = ops.rsqrt(ops.matmul(self.spread, ops.square(x)) + _EPSILON)
        return (x * scale * self.gamma.reshape(-1, 1) + self.beta.reshape(-1, 1)).reshape(shape)
