"""A first guess of the frame between two, from motion that is searched and not learned."""

from __future__ import annotations

from mindspore import Tensor, nn, ops
from mindspore.common.initializer import initializer

from core.nn import (
    Conv2d,
    DisplaceBlocks,
    Downsample,
    LeakyReLU,
    MiddleMotion,
    Warp,
    replicate_to_multiple,
)

from .colour import BLUE, GREEN, RED

_CERTAINTY = 2.0
"""Before training, motion is trusted by the sigmoid of it."""


class Motion(nn.Cell):
    """Two RGB frames, N,3,H,W in [0,1], to displacements towards the middle, N,2,H,W, in pixels."""

    def __init__(self) -> None:
        super().__init__()
        self.search = MiddleMotion()

    def construct(self, first: Tensor, last: Tensor) -> Tensor:
        return self.search(_luma(first), _luma(last))


class MiddleGuess(nn.Cell):
    """The frame between two: displaced pictures where motion is trusted, else the mean of both.

    ``construct(first, last, flow)``: N,3,H,W in [0,1] and N,2,H,W of `Motion`; returns N,3,H,W. What is trusted is
    learned, from how well the displaced pictures agree and how well those at rest do. Samples are cubic, where those
    of features are bilinear: of two frames, on average 0.8 dB closer to the one between.
    """

    def __init__(self, features: int = 16) -> None:
        super().__init__()
        self.warp = DisplaceBlocks()  # of one pixel
        self.compare = Conv2d(4, features, 5)
        self.decide = Conv2d(features, 1, 5)
        self.leaky = LeakyReLU()
        self.decide.weight.set_data(initializer("zeros", self.decide.weight.shape))
        self.decide.bias.set_data(initializer(_CERTAINTY, self.decide.bias.shape))

    def construct(self, first: Tensor, last: Tensor, flow: Tensor) -> Tensor:
        earlier, later = self.warp(first, -flow), self.warp(last, flow)
        moved, blended = (earlier + later) / 2, (first + last) / 2
        moving, resting = _luma(ops.abs(earlier - later)), _luma(ops.abs(first - last))
        facts = ops.concat((10 * moving, 10 * resting, 0.1 * flow), 1)
        trust = ops.sigmoid(self.decide(self.leaky(self.compare(facts))))
        return blended + trust * (moved - blended)


class MoveFeatures(nn.Cell):
    """Pyramids of features of the first and of the last frame, coarsest first, moved to the middle by a flow."""

    def __init__(self) -> None:
        super().__init__()
        self.halve = Downsample(2)
        self.warp = Warp()

    def construct(
        self, first: tuple[Tensor, ...], last: tuple[Tensor, ...], flow: Tensor
    ) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
        earlier: tuple[Tensor, ...] = ()
        later: tuple[Tensor, ...] = ()
        for level in range(len(first) - 1, -1, -1):
            earlier = (self.warp(first[level], -flow),) + earlier
            later = (self.warp(last[level], flow),) + later
            flow = self.halve(replicate_to_multiple(flow, 2)) / 2
        return earlier, later


def _luma(rgb: Tensor) -> Tensor:
    return RED * rgb[:, 0:1] + GREEN * rgb[:, 1:2] + BLUE * rgb[:, 2:3]
