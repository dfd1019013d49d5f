"""The compact codec: a small conditional codec whose motion is searched for, not learned.

Nearly all of the work is done at an eighth of the picture's height and width, on which a picture's 8x8 pixels are
channels, and by depthwise-separable blocks (Jia et al., CVPR 2025, have shown how far that goes). Inter frames are
coded under a context made of the previous feature and the previous picture, both displaced by the vectors of blocks.
Gains by level, learned and interpolated, make it one network for all qualities.
"""

from __future__ import annotations

import numpy as np
from mindspore import Tensor, nn, ops

from core.codec import LevelLatent, LevelTable
from core.nn import (
    Conv2d,
    ConvChain,
    ConvTranspose2d,
    DisplaceBlocks,
    LeakyReLU,
    PixelShuffle,
    PixelUnshuffle,
    SearchBlocks,
    SeparableBlock,
    full_precision,
    require_sides,
)

from .classical import init_weights
from .config import LEVELS, QUALITIES, CompactConfig, Start

MULTIPLE = 64
"""A picture's height and width must be divisible by it: 16 for the transforms times 4 for the hyperprior's."""
PATCH = 8
"""Side of the pixels that become channels."""
_LATENT = 16
_COMPONENTS = 3 * PATCH**2
_RGB_TO_YUV = np.array([[0.2126, 0.7152, 0.0722], [-0.1146, -0.3854, 0.5], [0.5, -0.4542, -0.0458]])
"""BT.709, of full range."""
_PRICE = 3.0
"""Price of a bit of the vectors, in differences of samples, times the root of the distortion's weight."""

State = tuple[Tensor, Tensor]
"""What the next frame is coded under: the decoded picture, N,3,H,W in [0,1], and its feature, N,C,H/8,W/8."""


class Compact(nn.Cell):
    """The whole network.

    ``construct(frames, levels)``: N,T,3,H,W in [0,1] with height and width divisible by 64, and N,T, the level of
    each frame. Returns the reconstructions, likewise, not clamped, and the bits of each, N,T, without those of
    vectors. The first frame is coded as a picture. Raises ValueError for other sizes.
    """

    def __init__(self, config: CompactConfig) -> None:
        super().__init__()
        self.config = config
        self.intra = PictureCoder(config)
        self.inter = InterCoder(config)
        if config.start is Start.classical:
            init_weights(self)

    def construct(self, frames: Tensor, levels: Tensor) -> tuple[Tensor, Tensor]:
        require_sides(frames.shape[3], frames.shape[4], MULTIPLE)
        picture, bits, state = self.code_intra(frames[:, 0], levels[:, 0:1])
        pictures: tuple[Tensor, ...] = (picture,)
        costs: tuple[Tensor, ...] = (bits,)
        for time in range(1, frames.shape[1]):
            picture, bits, state = self.code_inter(frames[:, time], state, levels[:, time : time + 1])
            pictures, costs = pictures + (picture,), costs + (bits,)
        return ops.stack(pictures, 1), ops.stack(costs, 1)

    def code_intra(self, frame: Tensor, level: Tensor) -> tuple[Tensor, Tensor, State]:
        """A frame by itself, N,3,H,W: its reconstruction, its bits (N), and the state after it."""
        y_hat, bits = self.intra.latent(self.intra.analyse(frame, level), level)
        picture, feature = self.intra.synthesise(y_hat, level)
        return picture, bits, (ops.clamp(picture, 0.0, 1.0), feature)

    def code_inter(self, frame: Tensor, state: State, level: Tensor) -> tuple[Tensor, Tensor, State]:
        """A frame under a state: what `code_intra` gives."""
        inter = self.inter
        vectors = inter.search(luma(frame), luma(state[0]), price(level))
        predicted, context = inter.predict(state, vectors, level)
        y = inter.analyse(frame, level, context)
        y_hat, bits = inter.latent(y, level, inter.expect(context))
        picture, feature = inter.synthesise(y_hat, level, context, predicted)
        return picture, bits, (ops.clamp(picture, 0.0, 1.0), feature)


class PictureCoder(nn.Cell):
    """Coding of a picture by itself."""

    def __init__(self, config: CompactConfig) -> None:
        super().__init__()
        trunk, latent = config.trunk, config.latent
        self.head = Conv2d(_COMPONENTS, trunk, 1)
        self.analysis = blocks(trunk, config.analysis)
        self.analysis_gain = Gain(trunk)
        self.down = down(config)
        self.latent_gain = Gain(latent)
        self.latent = level_latent(config, known=0)
        self.latent_scale = Gain(latent)
        self.up = up(config)
        self.synthesis = blocks(trunk, config.analysis + 2)
        self.synthesis_gain = Gain(trunk)
        self.tail = Conv2d(trunk, _COMPONENTS, 1)
        self.unshuffle, self.shuffle = PixelUnshuffle(PATCH), PixelShuffle(PATCH)

    def analyse(self, frame: Tensor, level: Tensor) -> Tensor:
        """The latent, N,latent,H/16,W/16."""
        x = self.head(self.unshuffle(to_yuv(frame)))
        return self.latent_gain(self.down(self.analysis_gain(self.analysis(x), level)), level)

    def synthesise(self, y_hat: Tensor, level: Tensor) -> tuple[Tensor, Tensor]:
        """The picture, N,3,H,W, not clamped, and its feature."""
        feature = self.synthesis(self.up(self.latent_scale(y_hat, level)))
        return to_rgb(self.shuffle(self.tail(self.synthesis_gain(feature, level)))), feature


class InterCoder(nn.Cell):
    """Coding of a frame under the one before it."""

    def __init__(self, config: CompactConfig) -> None:
        super().__init__()
        trunk, latent = config.trunk, config.latent
        self.search, self.displace = SearchBlocks(), DisplaceBlocks()
        self.join = Conv2d(_COMPONENTS + trunk, trunk, 1)
        self.context = blocks(trunk, config.context)
        self.context_gain = Gain(trunk)
        self.head = Conv2d(_COMPONENTS, trunk, 1)
        self.analysis = blocks(trunk, config.analysis, inputs=2 * trunk)
        self.analysis_gain = Gain(trunk)
        self.down = down(config)
        self.latent_gain = Gain(latent)
        self.expectation = nn.SequentialCell(
            PixelUnshuffle(2), Conv2d(4 * trunk, config.side, 1), block(config.side)
        )
        self.latent = level_latent(config, known=config.side)
        self.latent_scale = Gain(latent)
        self.up = up(config)
        self.synthesis = blocks(trunk, config.context, inputs=2 * trunk)
        self.synthesis_gain = Gain(trunk)
        self.tail = Conv2d(trunk, _COMPONENTS, 1)
        self.unshuffle, self.shuffle = PixelUnshuffle(PATCH), PixelShuffle(PATCH)

    def predict(self, state: State, vectors: Tensor, level: Tensor) -> tuple[Tensor, Tensor]:
        """The picture displaced by vectors, N,2,H/16,W/16 in pixels, and the context, N,trunk,H/8,W/8."""
        picture, feature = state
        predicted = self.displace(picture, vectors)
        moved = self.displace(feature, vectors / PATCH)
        known = ops.concat((self.unshuffle(to_yuv(predicted)), moved), 1)
        return predicted, self.context_gain(self.context(self.join(known)), level)

    def analyse(self, frame: Tensor, level: Tensor, context: Tensor) -> Tensor:
        """The latent, N,latent,H/16,W/16."""
        x = self.analysis(ops.concat((self.head(self.unshuffle(to_yuv(frame))), context), 1))
        return self.latent_gain(self.down(self.analysis_gain(x, level)), level)

    def expect(self, context: Tensor) -> Tensor:
        """What the context tells of the latent, N,side,H/16,W/16."""
        return self.expectation(context)

    def synthesise(
        self, y_hat: Tensor, level: Tensor, context: Tensor, predicted: Tensor
    ) -> tuple[Tensor, Tensor]:
        """The picture, N,3,H,W, not clamped, and its feature."""
        decoded = self.up(self.latent_scale(y_hat, level))
        feature = self.synthesis(ops.concat((decoded, context), 1))
        change = self.shuffle(self.tail(self.synthesis_gain(feature, level)))
        return predicted + to_rgb(change) - 0.5, feature


class Gain(nn.Cell):
    """Every channel times a factor of its own at each level: ``construct(x, level)``, N,C,H,W and N,1."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.logarithm = LevelTable(LEVELS, channels)

    def construct(self, x: Tensor, level: Tensor) -> Tensor:
        return x * ops.exp(self.logarithm(level)).expand_dims(2).expand_dims(3)


def block(channels: int, inputs: int | None = None, mid: int | None = None) -> SeparableBlock:
    """A depthwise-separable block, to these channels; ``mid``: the width of its branches, if another."""
    return SeparableBlock(inputs or channels, channels, mid, expand=2, activation="leaky")


def blocks(channels: int, count: int, inputs: int | None = None) -> nn.SequentialCell:
    """So many of them, the first from other channels where these are given."""
    return nn.SequentialCell([block(channels, inputs if number == 0 else None) for number in range(count)])


def down(config: CompactConfig) -> nn.SequentialCell:
    """Layers from an eighth to the latent's sixteenth of height and width."""
    return nn.SequentialCell(
        PixelUnshuffle(2),
        Conv2d(4 * config.trunk, config.latent, 1),
        block(config.latent, mid=config.wide),
    )


def up(config: CompactConfig) -> nn.SequentialCell:
    """And back."""
    return nn.SequentialCell(
        block(config.latent, mid=config.wide),
        Conv2d(config.latent, 4 * config.trunk, 1),
        PixelShuffle(2),
    )


@full_precision()
def level_latent(config: CompactConfig, known: int) -> LevelLatent:
    """A latent under its hyperprior, of which else so many channels are known."""
    latent, wide, hyper, side = config.latent, config.wide, config.hyper, config.side
    analysis = nn.SequentialCell(
        *(block(side, latent), PixelUnshuffle(2), Conv2d(4 * side, side, 1), block(side)),
        *(PixelUnshuffle(2), Conv2d(4 * side, hyper, 1)),
    )
    scale_synthesis = ConvChain(
        [
            ConvTranspose2d(hyper, side),
            LeakyReLU(),
            ConvTranspose2d(side, side),
            LeakyReLU(),
            ConvTranspose2d(side, latent, 1, 1),
        ]
    )
    synthesis = nn.SequentialCell(
        *(Conv2d(hyper, side, 1), block(side), Conv2d(side, 4 * side, 1), PixelShuffle(2)),
        *(block(side), Conv2d(side, 4 * side, 1), PixelShuffle(2)),
    )
    return LevelLatent(
        latent,
        hyper,
        analysis,
        scale_synthesis,
        synthesis,
        fusion=blocks(wide, 2, inputs=side + known),
        adaptors=[Conv2d(wide + latent, wide, 1) for _ in range(config.parts - 1)],
        refinement=block(wide),
        means=Conv2d(wide, latent, 1),
        levels=LEVELS,
        qualities=QUALITIES,
    )


def to_yuv(x: Tensor) -> Tensor:
    """RGB in [0,1], N,3,H,W, as YCbCr around zero."""
    return _mix(x - 0.5, _RGB_TO_YUV)


def to_rgb(x: Tensor) -> Tensor:
    """And back."""
    return _mix(x, np.linalg.inv(_RGB_TO_YUV)) + 0.5


def _mix(x: Tensor, matrix: np.ndarray) -> Tensor:
    batch, channels, height, width = x.shape
    mixed = ops.matmul(Tensor(matrix.astype(np.float32)), x.reshape(batch, channels, height * width))
    return mixed.reshape(batch, channels, height, width)


def luma(picture: Tensor) -> Tensor:
    """N,1,H,W, 0 to 255, of RGB in [0,1]."""
    red, green, blue = ops.split(picture, 1, 1)
    return 255 * (0.2126 * red + 0.7152 * green + 0.0722 * blue)


def price(level: Tensor) -> Tensor:
    """What a bit of the vectors costs at a level N,1, in differences of samples: (N)."""
    return (_PRICE * (lmbda_of(level) ** -0.5)).reshape(-1)


def lmbda_of(level: Tensor) -> Tensor:
    """`config.lmbda` of a tensor."""
    return 0.001 * ops.exp(level * float(np.log(2)))
