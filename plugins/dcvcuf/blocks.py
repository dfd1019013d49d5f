"""What all networks of DCVC-UF are made of (section 3 of the paper): blocks at an eighth of a picture's height and
width.

Names of parameters are those of the published checkpoints, wherever a cell is named here.
"""

from __future__ import annotations

from collections.abc import Sequence

from mindspore import Parameter, Tensor, nn
from mindspore.common.initializer import initializer

from core.nn import (
    Conv2d,
    ConvChain,
    ConvTranspose2d,
    LeakyReLU,
    PixelShuffle,
    SeparableBlock,
    init,
    pixel_unshuffle,
    rows_of,
)

from .config import QUALITIES, DcvcUfConfig, DcvcUfIntraConfig

PATCH = 8
"""Pixels of a picture on a side that a place of the features stands for."""
SOURCE = 3 * PATCH**2
"""Channels of a picture laid out like features."""
_FAINT_GAIN, _FIRST_SCALE = 0.1, 1.0
"""Gain of the last layer of what predicts scales when a training starts, and what it predicts then."""


def block(
    inputs: int, outputs: int, narrow: bool = False, shortcut: bool = False, adaptor: bool | None = None
) -> SeparableBlock:
    """The paper's block, N,inputs,h,w -> N,outputs,h,w; ``narrow`` halves what is between."""
    middle = outputs // 2 if narrow else outputs
    return SeparableBlock(
        inputs, outputs, mid=middle, expand=4, activation="wsilu4", shortcut=shortcut, adaptor=adaptor
    )


def blocks(inputs: int, outputs: int, count: int, narrow: bool = False) -> list[nn.Cell]:
    """Blocks one after another, of which the first changes the number of channels."""
    return [block(inputs if index == 0 else outputs, outputs, narrow) for index in range(count)]


class Named(nn.Cell):
    """A cell that is called ``conv``."""

    def __init__(self, cell: nn.Cell) -> None:
        super().__init__()
        self.conv = cell

    def construct(self, x: Tensor) -> Tensor:
        return self.conv(x)


class Chain(Named):
    """Cells one after another, which are called ``conv``."""

    def __init__(self, cells: Sequence[nn.Cell]) -> None:
        super().__init__(nn.SequentialCell(list(cells)))


class Down(nn.Cell):
    """Half the height and width: N,inputs,h,w -> N,outputs,h/2,w/2."""

    def __init__(self, inputs: int, outputs: int, narrow: bool = False, shortcut: bool = False) -> None:
        super().__init__()
        self.down = Conv2d(4 * inputs, outputs, 1)
        self.conv = block(outputs, outputs, narrow, shortcut)

    def construct(self, x: Tensor) -> Tensor:
        return self.conv(self.down(pixel_unshuffle(x, 2)))


class Enlarge(nn.Cell):
    """Twice the height and width, N,inputs,h,w -> N,outputs,2h,2w, by a convolution whose results are laid side by
    side."""

    def __init__(self, inputs: int, outputs: int, kernel: int = 1, bias: bool = False) -> None:
        super().__init__()
        self.conv = nn.SequentialCell([Conv2d(inputs, 4 * outputs, kernel, bias=bias)])
        self.shuffle = PixelShuffle(2)

    def construct(self, x: Tensor) -> Tensor:
        return self.shuffle(self.conv(x))


class Up(nn.Cell):
    """Twice the height and width: N,inputs,h,w -> N,outputs,2h,2w."""

    def __init__(
        self, inputs: int, outputs: int, narrow: bool = False, shortcut: bool = False, bias: bool = False
    ) -> None:
        super().__init__()
        self.up = Enlarge(inputs, outputs, bias=bias)
        self.conv = block(outputs, outputs, narrow, shortcut)

    def construct(self, x: Tensor) -> Tensor:
        return self.conv(self.up(x))


def table(qualities: int, channels: int, name: str) -> Parameter:
    """A factor for each channel, learned for each quality; ones at first."""
    return Parameter(initializer("ones", (qualities, channels)), name=name)


def row(table: Tensor, quality: Tensor) -> Tensor:
    """The factors of each picture's quality, N,C,1,1."""
    return rows_of(table, quality).reshape(-1, table.shape[1], 1, 1)


class HyperScales(nn.Cell):
    """Symbols of z to scales of y, N,latent,4h,4w: what portable streams have in place of the published scales.

    Where ``qualities`` are given, scales are multiplied by factors of the quality.
    """

    def __init__(self, hyper: int, latent: int, qualities: int = 0) -> None:
        super().__init__()
        cells: list[nn.Cell] = []
        for inputs in (hyper, latent):
            cells += [ConvTranspose2d(inputs, latent, 3), LeakyReLU()]
        self.scales_of = ConvChain([*cells, ConvTranspose2d(latent, latent, 1, 1)])
        self.q_scales = table(qualities, latent, "q_scales") if qualities else None
        for layer in init.convolutions(self.scales_of):
            init.start(layer)
        init.start(self.scales_of[-1], _FAINT_GAIN, _FIRST_SCALE)

    def construct(self, z_hat: Tensor, quality: Tensor) -> Tensor:
        scales = self.scales_of(z_hat)
        return scales if self.q_scales is None else scales * row(self.q_scales, quality)


def hyper_scales(config: DcvcUfConfig | DcvcUfIntraConfig) -> HyperScales | None:
    """The layers of a portable network."""
    if not config.portable:
        return None
    return HyperScales(config.hyper, config.latent, QUALITIES if config.quality_scales else 0)
