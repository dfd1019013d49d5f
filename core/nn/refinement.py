"""Refinement of a warped picture (motion compensation network; Lu et al., CVPR 2019, section 3.3 and appendix)."""

from __future__ import annotations

from mindspore import Tensor, nn, ops

from core.kernels.convolution import ConvolutionSum
from core.nn.conv import Conv2d
from core.nn.resize import upsample_aligned


class PreActivationBlock(nn.Cell):
    """x + conv(ReLU(conv(ReLU(x)))), N,C,H,W, or N,H,W,C after `fuse` (He et al., ECCV 2016)."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.conv1 = Conv2d(features, features)
        self.conv2 = Conv2d(features, features)
        self.fused_sum: ConvolutionSum | None = None

    def fuse(self) -> None:
        """From now on take and give N,H,W,C, and compute the inner ReLU and the sum with the convolutions."""
        self.conv1.fuse(0.0, channels_last=True)
        self.fused_sum = ConvolutionSum(self.conv2.stride, self.conv2.padding)

    def construct(self, x: Tensor) -> Tensor:
        if self.fused_sum is not None:
            return self.fused_sum(self.conv1(ops.relu(x)), self.conv2.weight, self.conv2.bias, x)
        return x + self.conv2(ops.relu(self.conv1(ops.relu(x))))


class RefinementNetwork(nn.Cell):
    """What is to be added to a warped picture: a U of three scales.

    ``construct(warped, reference)``: N,3,H,W twice, sides divisible by 4; returns N,3,H,W. The reference as it was
    shows what the warp has lost.
    """

    def __init__(self, features: int = 64) -> None:
        super().__init__()
        self.features = Conv2d(6, features)
        self.down = nn.CellList([PreActivationBlock(features) for _ in range(3)])
        self.up = nn.CellList([PreActivationBlock(features) for _ in range(3)])
        self.last = Conv2d(features, 3)

    def construct(self, warped: Tensor, reference: Tensor) -> Tensor:
        x = ops.relu(self.features(ops.concat((warped, reference), 1)))
        full = self.down[0](x)
        half = self.down[1](ops.avg_pool2d(full, 2, 2))
        quarter = self.down[2](ops.avg_pool2d(half, 2, 2))
        x = self.up[0](quarter)
        x = self.up[1](half + upsample_aligned(x, 2))
        x = self.up[2](full + upsample_aligned(x, 2))
        return self.last(x)
