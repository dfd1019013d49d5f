"""Optical flow by a spatial pyramid network (Ranjan and Black, CVPR 2017), in the form that video codecs train on."""

from __future__ import annotations

from itertools import pairwise

from mindspore import Tensor, nn, ops

from core.nn.chain import ConvChain
from core.nn.conv import Conv2d
from core.nn.precision import full_precision
from core.nn.resize import Downsample, Upsample
from core.nn.warp import Warp

SPYNET_LEVELS = 4
"""Levels of the pyramid."""
MULTIPLE = 2**SPYNET_LEVELS
"""A picture's height and width must be divisible by it: the first flow, all zero, has half the size of the coarsest
level."""


class SPyNet(nn.Cell):
    """Flow from a picture to the places in a reference where its pixels come from.

    ``construct(picture, reference)``: N,3,H,W in [0,1], height and width divisible by 16; returns N,2,H,W in pixels,
    to the right and down, as `core.nn.warp.Warp` takes it. Each level, coarsest first, doubles the flow before it
    and adds what its own network finds in the picture and the warped reference. Pictures are not normalised.

    ``width``: channels of the widest layers, a multiple of 4.
    """

    @full_precision()
    def __init__(self, width: int = 64) -> None:
        super().__init__()
        self.levels = nn.CellList([FlowLevel(width) for _ in range(SPYNET_LEVELS)])
        self.halve = Downsample(2)

    def construct(self, picture: Tensor, reference: Tensor) -> Tensor:
        return self.levels[SPYNET_LEVELS - 1](picture, reference, self.coarse(picture, reference))

    def coarse(self, picture: Tensor, reference: Tensor) -> Tensor:
        """The flow before the finest level, N,2,H/2,W/2."""
        pictures: tuple[Tensor, ...] = (picture,)
        references: tuple[Tensor, ...] = (reference,)
        for _ in range(SPYNET_LEVELS - 1):
            pictures = pictures + (self.halve(pictures[-1]),)
            references = references + (self.halve(references[-1]),)
        batch, _, height, width = pictures[-1].shape
        flow = ops.zeros((batch, 2, height // 2, width // 2), picture.dtype)
        for level in range(SPYNET_LEVELS - 1):
            flow = self.levels[level](
                pictures[SPYNET_LEVELS - 1 - level], references[SPYNET_LEVELS - 1 - level], flow
            )
        return flow


class FlowLevel(nn.Cell):
    """One level: five 7x7 convolutions, ReLU between.

    ``construct(picture, reference, flow)``: N,3,H,W twice, and the coarser level's flow N,2,H/2,W/2; returns N,2,H,W.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        cells: list[nn.Cell] = []
        for inputs, outputs in pairwise((8, width // 2, width, width // 2, width // 4, 2)):
            cells += [Conv2d(inputs, outputs, 7), nn.ReLU()]
        self.residual = ConvChain(cells[:-1])
        self.double, self.warp = Upsample(2), Warp()

    def construct(self, picture: Tensor, reference: Tensor, flow: Tensor) -> Tensor:
        flow, warped = self.displace(reference, flow)
        return self.refine(picture, warped, flow)

    def displace(self, reference: Tensor, flow: Tensor) -> tuple[Tensor, Tensor]:
        """The coarser flow doubled, N,2,H,W, and the reference warped by it, N,3,H,W."""
        flow = 2.0 * self.double(flow)
        return flow, self.warp(reference, flow)

    def refine(self, picture: Tensor, warped: Tensor, flow: Tensor) -> Tensor:
        """The level's flow; each of its rows depends on 15 above and below."""
        return flow + self.residual(ops.concat((picture, warped, flow), 1))
