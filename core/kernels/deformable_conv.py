"""The samples that a modulated deformable convolution (DCNv2) multiplies its weights with, and their gradients."""

from __future__ import annotations

from mindspore import Tensor, nn

from core.kernels.operator import operator


class DeformedColumns(nn.Cell):
    """The modulated samples of 3x3 displaced taps, stride 1, padding 1; channels last, all float32.

    ``construct(x, offsets, mask)``: x N,H,W,C; offsets N,H,W,2*groups*9 in pixels, first the horizontal ones of every
    (group, tap), taps row by row, then the vertical ones; mask N,H,W,groups*9. Result N,H,W,9*C: of every group, of
    every tap, the C/groups channels. Samples are bilinear, pixels outside count 0. A gradient adds up in the same
    order on any number of threads.
    """

    def __init__(self) -> None:
        super().__init__()
        gradient = operator("DeformedColumnsGradient")
        motion_gradient = operator("DeformedColumnsMotionGradient", results=2)

        def bprop(x: Tensor, offsets: Tensor, mask: Tensor, out: Tensor, dout: Tensor) -> tuple[Tensor, ...]:
            of_motion = motion_gradient(x, offsets, mask, dout)
            return gradient(x, offsets, mask, dout), of_motion[0], of_motion[1]

        self.columns = operator("DeformedColumns", bprop=bprop)

    def construct(self, x: Tensor, offsets: Tensor, mask: Tensor) -> Tensor:
        return self.columns(x, offsets, mask)
