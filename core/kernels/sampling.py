"""Samples of stacks of pictures at displaced positions, with gradients of the stack, the flow and the depth."""

from __future__ import annotations

from mindspore import Tensor, nn

from core.kernels.operator import operator


class Sample(nn.Cell):
    """Trilinear samples, positions clamped to the stack: ``construct(stack, flow, depth)`` -> N,C,H,W.

    ``stack`` N,C,D,h,w; ``flow`` N,2,H,W to the right and down; ``depth`` N,1,H,W between -1 (the first slice's outer
    face) and 1 (the last one's). All are float32. A gradient adds up in the same order on any number of threads.

    Args:
        in_halves: the flow is in halves of its own width and height, not in pixels.
    """

    def __init__(self, in_halves: bool) -> None:
        super().__init__()
        stack_gradient = operator("SampleStackGradient", in_halves=in_halves)
        motion_gradient = operator("SampleMotionGradient", results=2, in_halves=in_halves)

        def gradients(
            stack: Tensor, flow: Tensor, depth: Tensor, out: Tensor, dout: Tensor
        ) -> tuple[Tensor, ...]:
            of_motion = motion_gradient(stack, flow, depth, dout)
            return stack_gradient(stack, flow, depth, dout), of_motion[0], of_motion[1]

        self.sample = operator("Sample", bprop=gradients, in_halves=in_halves)

    def construct(self, stack: Tensor, flow: Tensor, depth: Tensor) -> Tensor:
        return self.sample(stack, flow, depth)
