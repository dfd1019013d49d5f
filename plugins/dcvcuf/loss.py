"""The training loss of DCVC-UF: weights by quality and by the frame's place, errors in YCbCr and in RGB."""

from __future__ import annotations

import math

import mindspore as ms
import numpy as np
from mindspore import Tensor, nn, ops

from .colour import to_rgb
from .config import QUALITIES, DcvcUfIntraLossConfig, DcvcUfLossConfig

OUTPUTS = ("loss", "mse", "bpp")
"""What losses give: the loss, the mean squared error of RGB, and bits per pixel."""
_PLANES = (10, 1, 1)
"""Weights of Y, Cb and Cr in their geometric mean."""
_EXPONENT = 0.0833
_MIN_ERROR = 1e-6
_OF_PLANES, _OF_COLOURS = 0.8, 0.2
_RHYTHM = (0.52, 1.33, 0.52, 0.83, 0.52, 0.83, 0.52, 0.83)
"""Weight of a frame of low delay, by its number after the intra frame modulo 8."""
_WITHIN_CHUNK = (0.16, 0.4, 0.16, 0.4, 0.16, 0.4, 0.16, 1.5)
"""Weights of the frames of a chunk."""


class DcvcUfLoss(nn.Cell):
    """lambda(quality) * weight * distortion + bits per pixel, the mean over samples.

    ``construct(planes, made, bits, quality, number)``: YCbCr N,3*T,H,W in [-0.5,0.5], the same not clamped, bits of
    each sample (N), their qualities (N), and the number of the frame after the intra frame (0: an intra frame), a
    scalar. Returns the scalars that ``outputs`` names.
    """

    outputs = OUTPUTS

    def __init__(self, config: DcvcUfLossConfig | DcvcUfIntraLossConfig) -> None:
        super().__init__()
        self.coarsest, self.growth = config.coarsest, math.log(config.finest / config.coarsest)
        self.balance = config.balance
        self.rhythm = Tensor(np.array(_RHYTHM, np.float32))

    def construct(
        self, planes: Tensor, made: Tensor, bits: Tensor, quality: Tensor, number: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        weights = self.coarsest * ops.exp(quality.astype(ms.float32) * (self.growth / (QUALITIES - 1)))
        bpp = bits / (planes.shape[2] * planes.shape[3])
        distortions, errors = frame_errors(planes, made)
        count = distortions.shape[1]
        if count == 1:
            rhythm = ops.gather(self.rhythm, number % len(_RHYTHM), 0)
            distortion = distortions[:, 0] * ops.where(number == 0, ops.ones_like(rhythm), rhythm)
        else:
            distortion = (distortions * Tensor(_WITHIN_CHUNK, ms.float32)).sum(1)
        losses = (
            (weights * distortion + bpp) / weights**self.balance
            if self.balance
            else weights * distortion + bpp
        )
        return losses.mean(), errors.mean(), (bpp / count).mean()


def frame_errors(planes: Tensor, made: Tensor) -> tuple[Tensor, Tensor]:
    """Distortion, and mean squared error of RGB, of each frame of each sample, N,T."""
    batch, channels, height, width = planes.shape
    shape = (batch * (channels // 3), 3, height, width)
    planes, made = planes.reshape(shape), made.reshape(shape)
    of_planes = ops.square(planes - made).mean((2, 3))
    logarithms = ops.xlogy(1.0, ops.maximum(of_planes, _MIN_ERROR)) * Tensor(_PLANES, ms.float32)
    of_colours = ops.square(to_rgb(planes) - to_rgb(made)).mean((2, 3))
    distortion = _OF_PLANES * 3 * ops.exp(_EXPONENT * logarithms.sum(1)) + _OF_COLOURS * of_colours.sum(1)
    return distortion.reshape(batch, -1), of_colours.mean(1).reshape(batch, -1)
