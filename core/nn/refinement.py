"""Refinement of a warped picture (motion compensation network; Lu et al., CVPR 2019, section 3.3 and appendix)."""

from __future__ import annotations

from mindspore import Tensor, nn, ops

from core import backend
from core.nn.blocks import PreActivationBlock
from core.nn.conv import Conv2d
from core.nn.resize import AlignedUpsample, Downsample


class RefinementNetwork(nn.Cell):
    """The correction of a warped picture: a U of three scales.

    ``construct(warped, reference)``: N,3,H,W twice, height and width divisible by 4; returns N,3,H,W. The reference
    as it was shows what the warp has lost.
    """

    def __init__(self, features: int = 64) -> None:
        super().__init__()
        self.features = Conv2d(6, features)
        self.down = nn.CellList([PreActivationBlock(features) for _ in range(3)])
        self.up = nn.CellList([PreActivationBlock(features) for _ in range(3)])
        self.last = Conv2d(features, 3)
        self.halve, self.double = Downsample(2), AlignedUpsample(2)
        self.is_fused = backend.current().kernels is not None
        if self.is_fused:
            self._fuse()

    def _fuse(self) -> None:
        """Keep the channels last between the first convolution and the last."""
        self.features.fuse(0.0, channels_last=True)
        self.last.fuse(None, channels_last=True)
        for cell in (*self.down, *self.up, self.halve, self.double):
            cell.fuse()

    def construct(self, warped: Tensor, reference: Tensor) -> Tensor:
        x = ops.concat((warped, reference), 1)
        if self.is_fused:
            return ops.transpose(self._refine(self.features(ops.transpose(x, (0, 2, 3, 1)))), (0, 3, 1, 2))
        return self._refine(ops.relu(self.features(x)))

    def _refine(self, x: Tensor) -> Tensor:
        full = self.down[0](x)
        half = self.down[1](self.halve(full))
        quarter = self.down[2](self.halve(half))
        x = self.up[0](quarter)
        x = self.up[1](half + self.double(x))
        x = self.up[2](full + self.double(x))
        return self.last(x)
