"""The transforms of SSFVC: strided 5x5 convolutions between pictures, latents and hyper-latents."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from mindspore import Tensor, nn, ops

from core.nn import Conv2d, ConvChain, ConvTranspose2d

MAX_VALUE = 255
"""The largest activation that is computed in integers."""
_SLOPE, _STEEPNESS = 0.9943258522851727, 100
"""Shape of `QuantizedReLU`'s gradient outside of its range; see `_hundredth_power` for the second."""


def analysis(*widths: int) -> ConvChain:
    """Convolutions through the given channels, each halving height and width; ReLU between, none at the end."""
    return ConvChain(_with_activations(Conv2d, widths, nn.ReLU)[:-1])


def synthesis(*widths: int) -> ConvChain:
    """Transposed convolutions through the given channels, each doubling height and width; ReLU between, none at the
    end."""
    return ConvChain(_with_activations(ConvTranspose2d, widths, nn.ReLU)[:-1])


def scale_synthesis(*widths: int) -> ConvChain:
    """`synthesis` of scales: a `QuantizedReLU` after every layer, also after the last."""
    return ConvChain(_with_activations(ConvTranspose2d, widths, QuantizedReLU))


def _with_activations(
    layer: type[nn.Cell], widths: Sequence[int], activation: type[nn.Cell]
) -> list[nn.Cell]:
    """Layers from each width to the next, each followed by an activation."""
    cells: list[nn.Cell] = []
    for inputs, outputs in pairwise(widths):
        cells += [layer(inputs, outputs, kernel=5, stride=2), activation()]
    return cells


class QuantizedReLU(nn.Cell):
    """Clamping to 0…255: the activation of networks that are evaluated in integers (Ballé et al. 2019, section 3.1).

    Outside of the range the gradient falls off smoothly, so that a saturated unit may come back.
    """

    def construct(self, x: Tensor) -> Tensor:
        return ops.clamp(x, 0.0, float(MAX_VALUE))

    def bprop(self, x: Tensor, out: Tensor, dout: Tensor) -> tuple[Tensor]:
        """Gradient of `construct`."""
        distance = ops.abs(2 * x / MAX_VALUE - 1)
        outside = ops.exp(-(_SLOPE**_STEEPNESS) * _hundredth_power(distance))
        return (ops.where(distance <= 1, dout, dout * outside),)


def _hundredth_power(x: Tensor) -> Tensor:
    """x**100 by products, many times as fast on CPU as ``ops.pow``."""
    fourth = ops.square(ops.square(x))
    thirty_second = ops.square(ops.square(ops.square(fourth)))
    return ops.square(thirty_second) * thirty_second * fourth
