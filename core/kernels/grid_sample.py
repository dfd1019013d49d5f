"""Samples of pictures and of stacks of pictures at displaced positions, with gradients of all that goes in.

Everything is float32; positions are clamped to the picture or the stack. A gradient adds up in the same order on any
number of threads.
"""

from __future__ import annotations

from mindspore import Tensor, nn

from core.kernels.operator import operator


class SamplePicture(nn.Cell):
    """Bilinear samples, ``construct(picture, flow)`` -> N,C,H,W.

    ``picture`` N,C,h,w; ``flow`` N,2,H,W to the right and down, in pixels.
    """

    def __init__(self) -> None:
        super().__init__()
        picture_gradient = operator("SamplePictureGradient")
        flow_gradient = operator("SamplePictureFlowGradient")

        def gradients(picture: Tensor, flow: Tensor, out: Tensor, dout: Tensor) -> tuple[Tensor, ...]:
            return picture_gradient(picture, flow, dout), flow_gradient(picture, flow, dout)

        self.sample = operator("SamplePicture", bprop=gradients)

    def construct(self, picture: Tensor, flow: Tensor) -> Tensor:
        return self.sample(picture, flow)


class SampleStack(nn.Cell):
    """Trilinear samples, ``construct(stack, flow, depth)`` -> N,C,H,W.

    ``stack`` N,C,D,h,w; ``flow`` N,2,H,W to the right and down, in halves of its own width and height; ``depth``
    N,1,H,W between -1 (the first slice's outer face) and 1 (the last one's).
    """

    def __init__(self) -> None:
        super().__init__()
        stack_gradient = operator("SampleStackGradient")
        motion_gradient = operator("SampleStackMotionGradient", results=2)

        def gradients(
            stack: Tensor, flow: Tensor, depth: Tensor, out: Tensor, dout: Tensor
        ) -> tuple[Tensor, ...]:
            of_motion = motion_gradient(stack, flow, depth, dout)
            return stack_gradient(stack, flow, depth, dout), of_motion[0], of_motion[1]

        self.sample = operator("SampleStack", bprop=gradients)

    def construct(self, stack: Tensor, flow: Tensor, depth: Tensor) -> Tensor:
        return self.sample(stack, flow, depth)
