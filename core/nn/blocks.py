"""Residual blocks, which several networks are made of."""

from __future__ import annotations

import math

from mindspore import Tensor, nn, ops
from mindspore.common.initializer import Normal, initializer

from core import backend
from core.kernels.convolution import ConvolutionSum, low_between
from core.nn.activation import LEAKY_SLOPE, LeakyReLU
from core.nn.conv import Conv2d


class _Block(nn.Cell):
    """Two convolutions, a ReLU between, beside the identity."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.conv1 = Conv2d(features, features)
        self.conv2 = Conv2d(features, features)
        self.conv1.stay_low()
        self.fused_sum: ConvolutionSum | None = None

    def fuse(self) -> None:
        """Take and give N,H,W,C from now on, and compute ReLU and sum with the convolutions; needs our kernels."""
        is_low = self.conv1.fuse(0.0, channels_last=True, gives_low=True)
        low = low_between(is_low, gives_low=False)
        self.fused_sum = ConvolutionSum(self.conv2.stride, self.conv2.padding, low)

    def add_branch(self, x: Tensor, entering: Tensor) -> Tensor:
        """x plus what the convolutions make of ``entering``."""
        if self.fused_sum is None:
            return x + self.conv2(ops.relu(self.conv1(entering)))
        return self.fused_sum(self.conv1(entering), self.conv2.weight, self.conv2.bias, x)


class ResidualBlock(_Block):
    """x + conv(ReLU(conv(x))) without normalisation; weights start at a tenth of Kaiming's, so it is near identity.

    N,C,H,W, or N,H,W,C after `fuse`.
    """

    def __init__(self, features: int) -> None:
        super().__init__(features)
        _near_zero(self.conv1)
        _near_zero(self.conv2)

    def construct(self, x: Tensor) -> Tensor:
        return self.add_branch(x, x)


class PreActivationBlock(_Block):
    """x + conv(ReLU(conv(ReLU(x)))) (He et al., ECCV 2016): N,C,H,W, or N,H,W,C after `fuse`."""

    def construct(self, x: Tensor) -> Tensor:
        return self.add_branch(x, ops.relu(x))


class LeakyBlock(nn.Cell):
    """x + LeakyReLU(conv(LeakyReLU(conv(x)))), N,C,H,W, or N,H,W,C after `fuse`; ``slope`` of LeakyReLU."""

    def __init__(self, features: int, slope: float = LEAKY_SLOPE) -> None:
        super().__init__()
        self.conv1 = Conv2d(features, features)
        self.conv2 = Conv2d(features, features)
        self.conv1.stay_low()
        self.leaky = LeakyReLU(slope)
        self.is_fused = False

    def fuse(self) -> None:
        """Take and give N,H,W,C from now on; needs our kernels."""
        self.is_fused = True
        is_low = self.conv1.fuse(self.leaky.slope, channels_last=True, gives_low=True)
        self.conv2.fuse(self.leaky.slope, channels_last=True, takes_low=is_low)

    def construct(self, x: Tensor) -> Tensor:
        if self.is_fused:
            return x + self.conv2(self.conv1(x))
        return x + self.leaky(self.conv2(self.leaky(self.conv1(x))))


class ResidualTrunk(nn.SequentialCell):
    """`ResidualBlock` after `ResidualBlock`: N,C,H,W in and out."""

    def __init__(self, features: int, blocks: int) -> None:
        super().__init__([ResidualBlock(features) for _ in range(blocks)])
        self.is_fused = backend.current().kernels is not None and blocks > 0
        if self.is_fused:
            for block in self:
                block.fuse()

    def construct(self, x: Tensor) -> Tensor:
        if self.is_fused:
            x = ops.transpose(x, (0, 2, 3, 1))
        for block in self.cell_list:
            x = block(x)
        return ops.transpose(x, (0, 3, 1, 2)) if self.is_fused else x


def _near_zero(conv: Conv2d) -> None:
    """Kaiming normal (fan-in) times 0.1 and no bias."""
    fan_in = math.prod(conv.weight.shape[1:])
    conv.weight.set_data(initializer(Normal(0.1 * math.sqrt(2 / fan_in)), conv.weight.shape))
    conv.bias.set_data(initializer("zeros", conv.bias.shape))
