"""The discriminator of DVC-P, which tells frames from reconstructions, and the losses of both."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from mindspore import Parameter, Tensor, nn, ops
from mindspore.common.initializer import Normal, TruncatedNormal, initializer
from mindspore.ops import constexpr

from core.errors import ConfigError
from core.nn import Conv2d, full_precision

from .config import DiscriminatorConfig, Head

_LAYERS = 4
_LEAK = 0.2
_EPSILON = 1e-5
_DEVIATION = 0.02
"""Deviation of the weights at the start (Radford, Metz and Chintala 2016)."""


class Discriminator(nn.Cell):
    """Four 5x5 convolutions of stride 2 and a linear layer.

    ``construct(pictures)``: N,3,H,W in [0,1]; returns scores (N,1) between 0, a reconstruction, and 1, a frame, and
    the features N,C,H/16,W/16 that they come from. Raises `ConfigError` for sizes that a flattening head is not made
    for.
    """

    @full_precision()
    def __init__(self, config: DiscriminatorConfig) -> None:
        super().__init__()
        widths = [config.channels * 2**number for number in range(_LAYERS)]
        self.convolutions = nn.CellList([_convolution(*pair) for pair in pairwise((3, *widths))])
        self.normalisations = nn.CellList([BatchNorm(width) for width in widths[1:]])
        self.crop = config.crop if config.head is Head.flatten else 0
        self.score = nn.Dense(
            widths[-1] * max(self.crop // 2**_LAYERS, 1) ** 2, 1, weight_init=Normal(_DEVIATION)
        )

    def construct(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        x = _leaky(self.convolutions[0](pictures))
        for number in range(1, _LAYERS):
            x = _leaky(self.normalisations[number - 1](self.convolutions[number](x)))
        if self.crop > 0:
            _check_crop(pictures.shape[2], pictures.shape[3], self.crop)
            return ops.sigmoid(self.score(x.reshape(x.shape[0], -1))), x
        return ops.sigmoid(self.score(x.mean((2, 3)))), x

    def compare(
        self, frames: Tensor, reconstructions: Tensor
    ) -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]:
        """Scores of both, and features of both, from one batch.

        By itself each side would be normalised to the same mean, which is all that a pooling head could have told.
        """
        scores, features = self.construct(ops.concat((frames, reconstructions), 0))
        return ops.chunk(scores, 2, 0), ops.chunk(features, 2, 0)


class BatchNorm(nn.Cell):
    """Batch normalisation of N,C,H,W by the batch's own statistics. It remembers none, so judging changes nothing."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.gamma = Parameter(Tensor(np.ones((1, channels, 1, 1), np.float32)), name="gamma")
        self.beta = Parameter(Tensor(np.zeros((1, channels, 1, 1), np.float32)), name="beta")

    def construct(self, x: Tensor) -> Tensor:
        x = x - x.mean((0, 2, 3), keep_dims=True)
        scale = self.gamma * ops.rsqrt(ops.square(x).mean((0, 2, 3), keep_dims=True) + _EPSILON)
        return x * scale + self.beta


def discriminator_loss(of_frames: Tensor, of_reconstructions: Tensor) -> Tensor:
    """Least squares (Mao et al. 2017): scores of frames are to be 1, those of reconstructions 0."""
    return 0.5 * (ops.square(of_frames - 1.0).mean() + ops.square(of_reconstructions).mean())


def adversarial_loss(of_reconstructions: Tensor) -> Tensor:
    """What the codec learns from: its reconstructions are to be taken for frames."""
    return 0.5 * ops.square(of_reconstructions - 1.0).mean()


def _convolution(inputs: int, outputs: int) -> Conv2d:
    layer = Conv2d(inputs, outputs, 5, 2)
    layer.weight.set_data(initializer(TruncatedNormal(_DEVIATION), layer.weight.shape))
    layer.bias.set_data(initializer("zeros", layer.bias.shape))
    return layer


def _leaky(x: Tensor) -> Tensor:
    return (1 - _LEAK) * ops.relu(x) + _LEAK * x


@constexpr
def _check_crop(height: int, width: int, crop: int) -> None:
    if (height, width) != (crop, crop):
        raise ConfigError(
            f"the discriminator's flattening head is made for pictures of {crop}x{crop}, not {width}x{height}: "
            "set step.discriminator.crop to dataset.crop, or step.discriminator.head=pool."
        )
