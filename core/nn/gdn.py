"""Generalised divisive normalisation (Ballé, Laparra and Simoncelli, ICLR 2016) and its approximate inverse."""

from __future__ import annotations

import numpy as np
from mindspore import Parameter, Tensor, nn, ops

from core.kernels.convolution import Convolution
from core.nn.lower_bound import LowerBound

_PEDESTAL = 2.0**-36
"""Added under the square roots, so that their gradients stay finite."""
_MIN_BETA = 1e-6
_FIRST_GAMMA = 0.1


class GDN(nn.Cell):
    """x / sqrt(beta_i + sum_j gamma_ij x_j^2) over the channels of N,C,H,W, or N,H,W,C after `fuse`.

    ``beta`` (C) and ``gamma`` (C,C: row i is output channel i) are stored as square roots and bounded below, so that
    the effective ones are never negative; a bound lets a parameter go that would rise (`LowerBound`). They start from
    1 and a tenth of the identity.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        root = np.sqrt(_FIRST_GAMMA * np.eye(channels) + _PEDESTAL)
        self.beta = Parameter(Tensor(np.full(channels, np.sqrt(1 + _PEDESTAL), np.float32)), name="beta")
        self.gamma = Parameter(Tensor(root.astype(np.float32)), name="gamma")
        self.bound_beta = LowerBound((_MIN_BETA + _PEDESTAL) ** 0.5)
        self.bound_gamma = LowerBound(_PEDESTAL**0.5)
        self.mix: Convolution | None = None

    def fuse(self) -> None:
        """Take and give N,H,W,C from now on; needs our kernels."""
        self.mix = Convolution(channels_last=True)

    def construct(self, x: Tensor) -> Tensor:
        return x / self.norm(x)

    def norm(self, x: Tensor) -> Tensor:
        """The square root, of x's shape."""
        beta = ops.square(self.bound_beta(self.beta)) - _PEDESTAL
        gamma = ops.square(self.bound_gamma(self.gamma)) - _PEDESTAL
        if self.mix is not None:
            return ops.sqrt(self.mix(ops.square(x), gamma.expand_dims(-1).expand_dims(-1), beta))
        batch, channels, height, width = x.shape
        energy = ops.square(x).reshape(batch, channels, height * width)
        mixed = ops.matmul(gamma, energy) + beta.reshape(1, channels, 1)
        return ops.sqrt(mixed).reshape(batch, channels, height, width)


class InverseGDN(GDN):
    """x * sqrt(beta_i + sum_j gamma_ij x_j^2): what synthesis transforms have in GDN's place."""

    def construct(self, x: Tensor) -> Tensor:
        return x * self.norm(x)
