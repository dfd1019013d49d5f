"""Depthwise-separable residual blocks: all but the mixing of neighbours is products of matrices, pixel by pixel."""

from __future__ import annotations

from collections.abc import Callable

import mindspore as ms
from mindspore import Tensor, nn, ops

from core import backend
from core.kernels.separable import Separable
from core.nn.activation import LEAKY_SLOPE, LeakyReLU
from core.nn.conv import Conv2d

_SUMMED = 4
_GATE = 4.0
"""Ratio of the steepness of WSiLU's sigmoid to that of the usual one."""
_GAIN = 0.1
"""Gain of the last convolution of each branch when a training starts: a fresh block is near identity."""


class WSiLU(nn.Cell):
    """x * sigmoid(4 x)."""

    def construct(self, x: Tensor) -> Tensor:
        return x * ops.sigmoid(_GATE * x)


class WSiLU4(WSiLU):
    """`WSiLU`, then the sum of each four neighbouring channels: N,4*C,H,W -> N,C,H,W."""

    def construct(self, x: Tensor) -> Tensor:
        batch, channels, height, width = x.shape
        activated = super().construct(x)
        return activated.reshape(batch, channels // _SUMMED, _SUMMED, height, width).sum(2)


_ACTIVATIONS: dict[str, tuple[Callable[[], nn.Cell], Callable[[], nn.Cell]]] = {
    "wsilu4": (WSiLU, WSiLU4),
    "leaky": (LeakyReLU, LeakyReLU),
}
"""After the first convolution of either branch, by the name of ``activation``."""


class SeparableBlock(nn.Cell):
    """Two residual branches: ``dc`` mixes neighbours channel by channel, ``ffn`` channels pixel by pixel.

    ``construct(x)``: N,in,H,W -> N,out,H,W; each convolution has a bias. With x as ``adaptor`` gives it,

        a = x + dc.3(dc.2(activation(dc.0(x))))
        b = a + ffn.2(activation(ffn.0(a)))

    where dc.0 is 1x1 (out to mid), dc.2 depthwise 3x3 with zeros around and nothing after it, dc.3 1x1 (mid to out),
    ffn.0 1x1 (out to expand*mid) and ffn.2 1x1. The result is b. With our kernels all but the adaptor is one operator,
    which computes in bfloat16 between x and b where the backend says so; in a `ConvChain` blocks hand on their results
    with the channels last.

    Args:
        in_channels: of x.
        out_channels: of the result.
        mid: the width of the branches; by default ``out_channels``.
        expand: how many times wider ffn becomes inside.
        activation: ``wsilu4`` is `WSiLU` in dc and `WSiLU4` in ffn, where ffn.2 so has mid inputs (DCVC-UF's block);
            ``leaky`` is LeakyReLU of slope 0.1 in both, and ffn.2 has expand*mid inputs.
        shortcut: add x, as the adaptor gives it, to the result once more.
        adaptor: a 1x1 convolution from in to out before all else; by default where these differ.

    Raises ValueError for an unknown activation, an ``expand`` other than 4 with ``wsilu4``, and other channels without
    adaptor.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        mid: int | None = None,
        expand: int = 4,
        activation: str = "wsilu4",
        shortcut: bool = False,
        adaptor: bool | None = None,
    ) -> None:
        super().__init__()
        if activation not in _ACTIVATIONS:
            raise ValueError(f"activation={activation} is not known: it is one of {', '.join(_ACTIVATIONS)}.")
        if activation == "wsilu4" and expand != _SUMMED:
            raise ValueError(f"activation=wsilu4 sums four channels: expand must be 4, not {expand}.")
        if adaptor is None:
            adaptor = in_channels != out_channels
        if in_channels != out_channels and not adaptor:
            raise ValueError(f"Without an adaptor {in_channels} channels cannot become {out_channels}.")
        mid = out_channels if mid is None else mid
        mixing, widened = (make() for make in _ACTIVATIONS[activation])
        self.adaptor = Conv2d(in_channels, out_channels, 1) if adaptor else None
        self.dc = nn.SequentialCell(
            Conv2d(out_channels, mid, 1), mixing, Conv2d(mid, mid, groups=mid), Conv2d(mid, out_channels, 1)
        )
        inner = mid if activation == "wsilu4" else expand * mid
        self.ffn = nn.SequentialCell(
            Conv2d(out_channels, expand * mid, 1), widened, Conv2d(inner, out_channels, 1)
        )
        self.shortcut, self.is_gated = shortcut, activation == "wsilu4"
        self.whole: Separable | None = None
        if backend.current().kernels is not None:
            self._compute_whole(channels_last=False)
        for last in (self.dc[-1], self.ffn[-1]):
            last.weight.set_data(_GAIN * last.weight)
            last.bias.set_data(ops.zeros_like(last.bias))

    def fuse(self) -> None:
        """Take and give N,H,W,C from now on; needs our kernels."""
        if self.adaptor is not None:
            self.adaptor.fuse(None, channels_last=True)
        self._compute_whole(channels_last=True)

    def _compute_whole(self, channels_last: bool) -> None:
        low = backend.current().low is ms.bfloat16
        self.whole = Separable(
            self.is_gated, _GATE if self.is_gated else LEAKY_SLOPE, self.shortcut, channels_last, low
        )

    def construct(self, x: Tensor) -> Tensor:
        if self.adaptor is not None:
            x = self.adaptor(x)
        if self.whole is not None:
            first, mixing, last, wide, narrow = self.dc[0], self.dc[2], self.dc[3], self.ffn[0], self.ffn[2]
            of_dc = (first.weight, first.bias, mixing.weight, mixing.bias, last.weight, last.bias)
            return self.whole(x, *of_dc, wide.weight, wide.bias, narrow.weight, narrow.bias)
        a = x + self.dc(x)
        b = a + self.ffn(a)
        return b + x if self.shortcut else b
