"""The cells that networks share, each with the smallest inputs that reach all of its operators.

SPyNet and the refinement network, made of these, are compiled with the steps of the codecs that they belong to.
"""

from __future__ import annotations

from collections.abc import Callable

import mindspore as ms
import numpy as np
from mindspore import Tensor, nn, ops

from core.entropy.conditional import GaussianConditional, LaplaceConditional, bits
from core.entropy.factorized import BitEstimator, FactorizedPrior
from core.entropy.masked import MaskedConv2d
from core.entropy.quantize import add_noise, round_straight_through
from core.kernels.motion import DisplaceBlocks, SearchBlocks
from core.losses.charbonnier import Charbonnier
from core.losses.ms_ssim import MsSsimLoss
from core.losses.ssim import SsimLoss
from core.nn import pad, resize
from core.nn.activation import LeakyReLU
from core.nn.blocks import LeakyBlock, PreActivationBlock, ResidualTrunk
from core.nn.chain import ConvChain
from core.nn.conv import ConcatConv1x1, Conv2d, ConvTranspose2d, LeakyConv2d
from core.nn.deform import DeformableConv2d
from core.nn.gdn import GDN, InverseGDN
from core.nn.lower_bound import LowerBound
from core.nn.middle_motion import MiddleMotion
from core.nn.nearest import NearestConv2d
from core.nn.rows import rows_of
from core.nn.separable import SeparableBlock
from core.nn.subpixel import PixelShuffle, PixelUnshuffle
from core.nn.warp import Warp, WarpVolume
from core.symbols.context import ContextOrder
from core.training.step import ClipByGlobalNorm

Shapes = tuple[tuple[int, ...], ...]


class Computed(nn.Cell):
    """A function, which may have cells of its own, as a cell."""

    def __init__(self, function: Callable[..., Tensor], *cells: nn.Cell) -> None:
        super().__init__()
        self.function = function
        self.parts = nn.CellList(list(cells))

    def construct(self, *inputs: Tensor) -> Tensor:
        return self.function(*self.parts, *inputs)


class Total(nn.Cell):
    """The sum of all that a cell gives."""

    def __init__(self, cell: nn.Cell) -> None:
        super().__init__()
        self.cell = cell

    def construct(self, *inputs: Tensor) -> Tensor:
        made = self.cell(*inputs)
        if not isinstance(made, tuple):
            return made.sum()
        total = made[0].sum()
        for part in made[1:]:
            total = total + part.sum()
        return total


class Gradients(nn.Cell):
    """What a cell gives, summed, and its gradients by all inputs and parameters."""

    def __init__(self, cell: nn.Cell, inputs: int) -> None:
        super().__init__()
        total = Total(cell)
        weights = total.trainable_params()
        self.computed = ops.value_and_grad(total, tuple(range(inputs)), weights or None)

    def construct(self, *inputs: Tensor) -> object:
        return self.computed(*inputs)


def differentiate(cell: nn.Cell, shapes: Shapes) -> None:
    """Run a cell forward and backward once."""
    rng = np.random.default_rng(1)
    inputs = [Tensor(rng.random(shape).astype(np.float32)) for shape in shapes]
    Gradients(cell.set_train(), len(shapes))(*inputs)


def _parts(conv: ConcatConv1x1, x: Tensor) -> Tensor:
    return conv.part(x, 0) + conv.part(x, 1)


def _clipped(clip: ClipByGlobalNorm, x: Tensor) -> Tensor:
    return clip((x, 2 * x))[0]


def _information(conditional: nn.Cell, y: Tensor, scales: Tensor) -> Tensor:
    return bits(conditional(y, scales)[1])


def _bicubic(x: Tensor) -> Tensor:
    return resize.upsample_bicubic(x, 2)


def _to_multiple(x: Tensor) -> Tensor:
    return pad.replicate_to_multiple(x, 3)


def _margins(x: Tensor) -> Tensor:
    return pad.crop(pad.zero_margin(pad.replicate_margin(x, 1, 2), 1), 7, 9)


def _rows(table: Tensor) -> Tensor:
    return rows_of(table, Tensor([3, 0], ms.int32))


def _noisy(x: Tensor) -> Tensor:
    return add_noise(x) + round_straight_through(x)


PICTURE = (1, 4, 8, 8)

Probes = dict[str, tuple[Callable[[], nn.Cell], Shapes]]

SLOW_CELLS: Probes = {
    "MsSsimLoss": (lambda: MsSsimLoss(), ((1, 1, 161, 161), (1, 1, 161, 161))),
    "MiddleMotion": (lambda: MiddleMotion(), ((1, 1, 24, 32), (1, 1, 24, 32))),
    "SearchBlocks": (lambda: SearchBlocks(), ((1, 1, 32, 48), (1, 1, 32, 48), (1,))),
    "DisplaceBlocks": (lambda: DisplaceBlocks(), (PICTURE, (1, 2, 2, 2))),
}
"""Those that are compiled for more than a few seconds each."""
CELLS: Probes = {
    "Conv2d": (lambda: Conv2d(4, 5, 3, 2), (PICTURE,)),
    "LeakyConv2d": (lambda: LeakyConv2d(4, 5, 1), (PICTURE,)),
    "ConvTranspose2d": (lambda: ConvTranspose2d(4, 5, 5, 2), (PICTURE,)),
    "ConvTranspose2d (1,3)": (lambda: ConvTranspose2d(4, 5, (1, 3), (1, 2)), (PICTURE,)),
    "ConcatConv1x1": (lambda: Computed(_parts, ConcatConv1x1(4, 2, 5)), (PICTURE,)),
    "MaskedConv2d": (lambda: MaskedConv2d(4, 5, 5, ContextOrder.checkerboard), (PICTURE,)),
    "NearestConv2d": (lambda: NearestConv2d(4, 5), (PICTURE,)),
    "PixelShuffle": (lambda: PixelShuffle(2), (PICTURE,)),
    "PixelUnshuffle": (lambda: PixelUnshuffle(2), (PICTURE,)),
    "ConvChain": (
        lambda: ConvChain([Conv2d(4, 4), GDN(4), Conv2d(4, 4), LeakyReLU(), Conv2d(4, 4), nn.ReLU()]),
        (PICTURE,),
    ),
    "blocks": (
        lambda: nn.SequentialCell([ResidualTrunk(4, 1), PreActivationBlock(4), LeakyBlock(4)]),
        (PICTURE,),
    ),
    "SeparableBlock": (
        lambda: nn.SequentialCell([SeparableBlock(4, 8), SeparableBlock(8, 8, expand=2, activation="leaky")]),
        (PICTURE,),
    ),
    "GDN": (lambda: GDN(4), (PICTURE,)),
    "InverseGDN": (lambda: InverseGDN(4), (PICTURE,)),
    "LowerBound": (lambda: LowerBound(0.5), (PICTURE,)),
    "DeformableConv2d": (
        lambda: DeformableConv2d(4, 5, 2),
        (PICTURE, (1, 36, 8, 8), (1, 18, 8, 8)),
    ),
    "Warp": (lambda: Warp(), (PICTURE, (1, 2, 8, 8))),
    "WarpVolume": (lambda: WarpVolume(), ((1, 3, 4, 8, 8), (1, 2, 8, 8), (1, 1, 8, 8))),
    "Upsample": (lambda: resize.Upsample(2), (PICTURE,)),
    "Upsample above 128": (lambda: resize.Upsample((1, 2)), ((1, 1, 1, 130),)),
    "AlignedUpsample": (lambda: resize.AlignedUpsample(2), (PICTURE,)),
    "AlignedUpsample above 128": (lambda: resize.AlignedUpsample(2), ((1, 1, 2, 130),)),
    "Downsample": (lambda: resize.Downsample(4), (PICTURE,)),
    "Downsample above 128": (lambda: resize.Downsample(2), ((1, 1, 2, 130),)),
    "upsample_bicubic": (lambda: Computed(_bicubic), (PICTURE,)),
    "replicate_to_multiple": (lambda: Computed(_to_multiple), (PICTURE,)),
    "margins": (lambda: Computed(_margins), (PICTURE,)),
    "FactorizedPrior": (lambda: FactorizedPrior(4), (PICTURE,)),
    "BitEstimator": (lambda: BitEstimator(4), (PICTURE,)),
    "GaussianConditional": (lambda: Computed(_information, GaussianConditional()), (PICTURE, PICTURE)),
    "LaplaceConditional": (lambda: Computed(_information, LaplaceConditional()), (PICTURE, PICTURE)),
    "rows_of": (lambda: Computed(_rows), ((4, 8),)),
    "noise": (lambda: Computed(_noisy), (PICTURE,)),
    "Charbonnier": (lambda: Charbonnier(), (PICTURE, PICTURE)),
    "SsimLoss": (lambda: SsimLoss(), ((1, 3, 16, 16), (1, 3, 16, 16))),
    "ClipByGlobalNorm": (lambda: Computed(_clipped, ClipByGlobalNorm(1.0)), (PICTURE,)),
}
