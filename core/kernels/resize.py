"""Bilinear resizing of pictures by whole factors."""

from __future__ import annotations

from mindspore import Tensor, nn

from core.kernels.operator import operator

Pair = tuple[int, int]


class Resize(nn.Cell):
    """Bilinear samples, ``construct(x)``: N,C,H,W -> N,C,H*enlarge//reduce,W*enlarge//reduce, all float32.

    The gradient adds up in the same order on any number of threads.

    Args:
        enlarge, reduce: factors, down and across.
        aligned: the centres of corner pixels stay where they are; else centres lie at half pixels, and positions are
            clamped to the outermost ones.
        channels_last: x and the result are N,H,W,C.
    """

    def __init__(
        self,
        enlarge: Pair = (1, 1),
        reduce: Pair = (1, 1),
        aligned: bool = False,
        channels_last: bool = False,
    ) -> None:
        super().__init__()
        settings = (*enlarge, *reduce, int(aligned), int(channels_last))
        gradient = operator("ResizeGradient", resizing=settings)

        def bprop(x: Tensor, out: Tensor, dout: Tensor) -> tuple[Tensor]:
            return (gradient(x, dout),)

        self.resize = operator("Resize", bprop=bprop, resizing=settings)

    def construct(self, x: Tensor) -> Tensor:
        return self.resize(x)
