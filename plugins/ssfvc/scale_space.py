"""Scale-space flow (section 3.2): a stack of ever blurrier copies of the reference, sampled at (x, y, scale).

Where motion is known the flow points into the sharp picture; where it is not, into a blurred one, which leaves a small
residual. The stack is built as a pyramid whose levels are enlarged again, as later work does, and not, as in the
paper, from Gaussians at full size.
"""

from __future__ import annotations

import math

import numpy as np
from mindspore import Tensor, nn, ops
from mindspore.ops import constexpr

from core.nn import Upsample, WarpVolume, replicate_margin

SIGMA = 1.5
"""Standard deviation of every blur, in pixels of the level it is applied to."""
LEVELS = 5
"""Blurred levels above the picture itself."""


class ScaleSpaceWarp(nn.Cell):
    """Prediction from a reference by scale-space flow.

    ``construct(reference, motion)``: N,C,H,W with height and width divisible by 16, and N,3,H,W with the flow to the
    right and down in halves of the width and height, and the scale between -1 (sharp) and 1. Result N,C,H,W.
    """

    def __init__(self) -> None:
        super().__init__()
        self.warp = WarpVolume()
        self.double = Upsample(2, by_kernel=False)

    def construct(self, reference: Tensor, motion: Tensor) -> Tensor:
        flow, scale = ops.split(motion, (2, 1), 1)  # a slice takes ten times as long on CPU
        return self.warp(self.stack(reference), flow, scale)

    def stack(self, x: Tensor) -> Tensor:
        """N,C,H,W -> N,C,6,H,W: the picture and its blurred copies; height and width must be divisible by 16."""
        blurred: tuple[Tensor, ...] = (blur(x),)
        for _ in range(1, LEVELS):
            blurred = blurred + (blur(ops.avg_pool2d(blurred[-1], 2, 2)),)
        # Every level is doubled until it has the picture's size, together with the coarser ones.
        stack = blurred[LEVELS - 1].expand_dims(2)
        for level in range(LEVELS - 2, -1, -1):
            batch, channels, slices, height, width = stack.shape
            doubled = self.double(stack.reshape(batch, channels * slices, height, width))
            doubled = doubled.reshape(batch, channels, slices, 2 * height, 2 * width)
            stack = ops.concat((blurred[level].expand_dims(2), doubled), 2)
        return ops.concat((x.expand_dims(2), stack), 2)


def blur(x: Tensor) -> Tensor:
    """Gaussian blur of N,C,H,W by `SIGMA`, cut off at 3.3 of it; borders are continued."""
    channels = x.shape[1]
    columns, rows = _kernels(channels)
    reach = columns.shape[2] // 2
    x = ops.conv2d(replicate_margin(x, reach, 0), columns, groups=channels)
    return ops.conv2d(replicate_margin(x, 0, reach), rows, groups=channels)


@constexpr
def _kernels(channels: int) -> tuple[Tensor, Tensor]:
    """The Gaussian as a depthwise kernel down columns, C,1,K,1, and along rows, C,1,1,K."""
    reach = math.ceil(3 * SIGMA)
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / SIGMA) ** 2)
    weights = np.tile(weights / weights.sum(), (channels, 1)).astype(np.float32)
    return Tensor(weights[:, None, :, None]), Tensor(weights[:, None, None, :])
