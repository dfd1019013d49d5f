"""CycMuNet+ (Hu et al., TPAMI 2023): two neighbouring frames to larger ones and the one between.

Frames are tuples of normalised planes: ``(rgb,)``, or ``(y, uv)`` with the chroma at its own size. The
RGB side is in `plugins.cycmunet.interface`.
"""

from __future__ import annotations

from mindspore import Tensor, nn, ops
from mindspore.common.initializer import initializer

from core.nn import (
    Conv2d,
    ConvTranspose2d,
    LeakyConv2d,
    LeakyReLU,
    PixelShuffle,
    ResidualTrunk,
    Size,
    Upsample,
)

from .alignment import FeatureExtraction, FeatureInterpolation, Pyramid
from .config import CycMuNetConfig, Format
from .projection import MutualCycle, pick

Planes = tuple[Tensor, ...]

_CHROMA: dict[Format, tuple[Size, Size]] = {Format.yuv420: (3, 2), Format.yuv422: ((1, 3), (1, 2))}
"""Kernel and stride between luma and subsampled chroma."""


class JointHead(nn.Cell):
    """Planes of equal size to features."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.conv = LeakyConv2d(3, features)

    def construct(self, planes: Planes) -> Tensor:
        return self.conv(ops.concat(planes, 1) if len(planes) > 1 else planes[0])


class SubsampledHead(nn.Cell):
    """Luma and smaller chroma to features of the luma's size."""

    def __init__(self, features: int, format: Format) -> None:
        super().__init__()
        self.luma = Conv2d(1, features)
        self.chroma = ConvTranspose2d(2, features, *_CHROMA[format])
        self.leaky = LeakyReLU()

    def construct(self, planes: Planes) -> Tensor:
        return self.leaky(self.luma(planes[0]) + self.chroma(planes[1]))


class JointTail(nn.Cell):
    """Features to planes of equal size: one of RGB, or luma and chroma."""

    def __init__(self, features: int, format: Format) -> None:
        super().__init__()
        self.conv = Conv2d(features, 3)
        self.is_rgb = format is Format.rgb

    def construct(self, x: Tensor) -> Planes:
        planes = self.conv(x)
        return (planes,) if self.is_rgb else (planes[:, :1], planes[:, 1:])


class SubsampledTail(nn.Cell):
    """Features to luma and smaller chroma."""

    def __init__(self, features: int, format: Format) -> None:
        super().__init__()
        self.luma = Conv2d(features, 1)
        self.chroma = Conv2d(features, 2, *_CHROMA[format])

    def construct(self, x: Tensor) -> Planes:
        return self.luma(x), self.chroma(x)


class Details(nn.Cell):
    """Adds to planes of equal size what a sub-pixel convolution makes of low-resolution features; at first nothing."""

    def __init__(self, config: CycMuNetConfig) -> None:
        super().__init__()
        self.conv = Conv2d(config.features, 3 * config.scale**2)
        self.shuffle = PixelShuffle(config.scale)
        self.is_rgb = config.format is Format.rgb
        for parameter in self.conv.trainable_params():
            parameter.set_data(initializer("zeros", parameter.shape))

    def construct(self, low: Tensor, planes: Planes) -> Planes:
        details = self.shuffle(self.conv(low))
        if self.is_rgb:
            return (planes[0] + details,)
        return planes[0] + details[:, :1], planes[1] + details[:, 1:]


class CycMuNet(nn.Cell):
    """The whole network on normalised planes.

    ``construct(first, last)`` takes two frames and returns the high-resolution first, middle and last frame
    and the low-resolution middle one; the first two of these where the configuration says so. ``encode``
    and ``reconstruct`` are its halves, for inference that makes one output after another.
    """

    def __init__(self, config: CycMuNetConfig) -> None:
        super().__init__()
        features = config.features
        self.config = config
        self.enlarge = Upsample(config.scale)
        self.all_frames = config.all_frames
        subsampled = config.format in _CHROMA
        self.head = SubsampledHead(features, config.format) if subsampled else JointHead(features)
        self.extraction = FeatureExtraction(config)
        self.interpolation = FeatureInterpolation(config)
        self.cycle = MutualCycle(config)
        self.trunk = ResidualTrunk(features, config.trunk_blocks)
        self.tail = (
            SubsampledTail(features, config.format) if subsampled else JointTail(features, config.format)
        )
        self.details = Details(config) if config.details else None
        if config.floor:
            for parameter in self.tail.trainable_params():
                parameter.set_data(initializer("zeros", parameter.shape))

    def construct(self, first: Planes, last: Planes) -> tuple[Planes, ...]:
        if not self.all_frames:
            low, high, _ = self.encode(first, last, None, (0, 1), False)
            return _unstack(self.reconstruct_high(high, pick(low, (0, 1))), 2)
        low, high, low_middle = self.encode(first, last, None, (0, 1, 2), True)
        return _unstack(self.reconstruct_high(high, low), 3) + (self.reconstruct_low(low_middle),)

    def encode(
        self,
        first: Planes,
        last: Planes,
        flow: Tensor | None,
        high_frames: tuple[int, ...],
        wants_low: bool,
    ) -> tuple[Tensor, Tensor | None, Tensor | None]:
        """Everything before the trunk.

        ``flow`` is a first guess of the motion towards the middle, of the features' size, or ``None``. Returns the
        low-resolution features of the three frames, stacked along the batch; the features of the wanted
        high-resolution frames (0 first, 1 middle, 2 last), stacked likewise; and those of the low-resolution
        middle frame. What is not wanted is ``None``.
        """
        both: Planes = ()
        for i in range(len(first)):
            both = both + (ops.concat((first[i], last[i]), 0),)
        first_pyramid: Pyramid = ()
        last_pyramid: Pyramid = ()
        for level in self.extraction(self.head(both)):
            halves = ops.chunk(level, 2, 0)
            first_pyramid, last_pyramid = first_pyramid + (halves[0],), last_pyramid + (halves[1],)
        middle = self.interpolation(first_pyramid, last_pyramid, flow)
        low = ops.concat((first_pyramid[-1], middle, last_pyramid[-1]), 0)
        high, low_middle = self.cycle(low, high_frames, wants_low)
        return low, high, low_middle

    def reconstruct_high(self, high: Tensor, low: Tensor) -> Planes:
        """High-resolution planes from high-resolution features and the same frames' low-resolution ones."""
        planes = self.tail(self.enlarge(low) + self.trunk(high))
        return planes if self.details is None else self.details(low, planes)

    def reconstruct_low(self, features: Tensor) -> Planes:
        """Low-resolution planes from the features of the middle frame."""
        return self.tail(self.trunk(features))


def _unstack(planes: Planes, count: int) -> tuple[Planes, ...]:
    """Frames stacked along the batch -> one tuple of planes for each."""
    parts: tuple[Planes, ...] = ()
    for plane in planes:
        parts = parts + (ops.chunk(plane, count, 0),)
    frames: tuple[Planes, ...] = ()
    for i in range(count):
        frame: Planes = ()
        for part in parts:
            frame = frame + (part[i],)
        frames = frames + (frame,)
    return frames
