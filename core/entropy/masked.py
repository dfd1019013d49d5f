"""The convolution of a context model: what each position of a latent sees of those that are coded before it."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from mindspore import Tensor, nn
from mindspore.ops import constexpr

from core.nn.conv import Conv2d
from core.symbols.autoregressive import ContextNetwork
from core.symbols.context import ContextOrder, first_half, visible


class MaskedConv2d(Conv2d):
    """A convolution of which only the taps count that see coded positions: N,in,H,W -> N,out,H,W.

    All positions at once, for latents that are known. The weights of the other taps have no effect.
    """

    def __init__(self, in_channels: int, out_channels: int, kernel: int, order: ContextOrder) -> None:
        super().__init__(in_channels, out_channels, kernel)
        self.mask = Tensor(visible(order, kernel).astype(np.float32))
        self.order = order
        self.is_checkerboard = order is ContextOrder.checkerboard

    def construct(self, x: Tensor) -> Tensor:
        if self.is_checkerboard:
            x = x * _first_half(x.shape[2], x.shape[3])
        return self.convolve(x, self.weight * self.mask, self.bias)


@constexpr
def _first_half(height: int, width: int) -> Tensor:
    return Tensor(first_half(height, width).astype(np.float32))


def context_network(context: MaskedConv2d, after: Iterable[nn.Cell], slope: float) -> ContextNetwork:
    """A trained context model with the 1x1 convolutions after it, as real coding takes them.

    ``slope`` is that of LeakyReLU between these convolutions.
    """
    masked = context.weight.asnumpy() * context.mask.asnumpy()
    layers = [
        (layer.weight.asnumpy()[:, :, 0, 0], layer.bias.asnumpy())
        for layer in after
        if isinstance(layer, Conv2d)
    ]
    return ContextNetwork((masked, context.bias.asnumpy()), layers, slope, context.order)
