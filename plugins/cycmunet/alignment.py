"""Makes features of frames, and features of the missing frame: pyramid, alignment, interpolation (FTI-Net)."""

from __future__ import annotations

from mindspore import Tensor, nn, ops

from core.nn import (
    LEAKY_SLOPE,
    Conv2d,
    DeformableConv2d,
    LeakyConv2d,
    LeakyReLU,
    ResidualTrunk,
    Upsample,
    crop_like,
    full_precision,
    replicate_to_multiple,
)

from .config import CycMuNetConfig
from .motion import MoveFeatures

Pyramid = tuple[Tensor, ...]
"""Features of one frame at every level, coarsest first; each side is half the next one's, rounded up."""


class FeatureExtraction(nn.Cell):
    """Residual blocks at full size, then a strided pyramid: N,C,H,W -> `Pyramid`."""

    def __init__(self, config: CycMuNetConfig) -> None:
        super().__init__()
        features = config.features
        self.blocks = ResidualTrunk(features, config.front_blocks)
        steps = range(config.levels - 1)
        self.reduce = nn.CellList([LeakyConv2d(features, features, stride=2) for _ in steps])
        self.refine = nn.CellList([LeakyConv2d(features, features) for _ in steps])
        self.steps = config.levels - 1

    def construct(self, x: Tensor) -> Pyramid:
        pyramid: Pyramid = (self.blocks(x),)
        for step in range(self.steps):
            halved = self.reduce[step](replicate_to_multiple(pyramid[0], 2))
            pyramid = (self.refine[step](halved),) + pyramid
        return pyramid


class DeformableSampling(nn.Cell):
    """Deformable convolution whose displacements and masks come from an offset feature."""

    def __init__(self, config: CycMuNetConfig) -> None:
        super().__init__()
        features, taps = config.features, 9 * config.groups
        with full_precision():
            self.offsets = Conv2d(features, 2 * taps)
            self.mask = Conv2d(features, taps)
        self.deform = DeformableConv2d(features, features, config.groups, config.deformable.value)
        if config.zero_offsets:
            for parameter in self.offsets.trainable_params():
                parameter.set_data(ops.zeros_like(parameter))

    def fuse(self) -> bool:
        """See `DeformableConv2d.fuse`."""
        if self.deform.fuse():
            self.offsets.fuse(None, channels_last=True)
            self.mask.fuse(None, channels_last=True)
        return self.deform.is_fused

    def construct(self, x: Tensor, offset_feature: Tensor) -> Tensor:
        return self.deform(x, self.offsets(offset_feature), ops.sigmoid(self.mask(offset_feature)))


class AlignmentLevel(nn.Cell):
    """One level of the pyramid alignment: moves the features of a frame towards the middle of two frames.

    ``construct(own, other, coarser_offset, coarser_aligned)``; the last two are ``None`` at the coarsest
    level. Returns the offset feature and the aligned feature, each N,C,H,W. All have their channels last where the
    deformable convolution works so (``channels``, the axis of the channels, is 3 then).
    """

    def __init__(self, config: CycMuNetConfig, coarsest: bool) -> None:
        super().__init__()
        features = config.features
        self.coarsest = coarsest
        self.compare = LeakyConv2d(2 * features, features)
        self.refine = LeakyConv2d(features, features)
        self.sampling = DeformableSampling(config)
        self.leaky = LeakyReLU()
        if not coarsest:
            self.join_offset = LeakyConv2d(2 * features, features)
            self.join_aligned = Conv2d(2 * features, features)
            self.double = Upsample(2)
        self.channels = 1
        if self.sampling.fuse():
            self._fuse()

    def _fuse(self) -> None:
        """Channels last throughout."""
        self.channels = 3
        self.compare.fuse(LEAKY_SLOPE, channels_last=True)
        self.refine.fuse(LEAKY_SLOPE, channels_last=True)
        if not self.coarsest:
            self.join_offset.fuse(LEAKY_SLOPE, channels_last=True)
            self.join_aligned.fuse(None, channels_last=True)
            self.double.fuse()

    def construct(
        self, own: Tensor, other: Tensor, coarser_offset: Tensor | None, coarser_aligned: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        offset = self.compare(ops.concat((own, other), self.channels))
        if not self.coarsest:
            # Displacements are in pixels, which double in number from level to level.
            guess = 2 * crop_like(self.double(coarser_offset), offset, self.channels)
            offset = self.join_offset(ops.concat((offset, guess), self.channels))
        offset = self.refine(offset)
        aligned = self.sampling(own, offset)
        if not self.coarsest:
            guess = crop_like(self.double(coarser_aligned), aligned, self.channels)
            aligned = self.join_aligned(ops.concat((aligned, guess), self.channels))
        return offset, self.leaky(aligned)


class PyramidAlignment(nn.Cell):
    """Aligns one frame towards the middle, from the coarsest level to full size: two `Pyramid` -> N,C,H,W."""

    def __init__(self, config: CycMuNetConfig) -> None:
        super().__init__()
        self.levels = nn.CellList([AlignmentLevel(config, level == 0) for level in range(config.levels)])
        self.is_fused = self.levels[0].channels == 3

    def construct(self, own: Pyramid, other: Pyramid) -> Tensor:
        if self.is_fused:
            own, other = _channels_last(own), _channels_last(other)
        offset, aligned = self.levels[0](own[0], other[0], None, None)
        for level in range(1, len(self.levels)):
            offset, aligned = self.levels[level](own[level], other[level], offset, aligned)
        return ops.transpose(aligned, (0, 3, 1, 2)) if self.is_fused else aligned


def _channels_last(pyramid: Pyramid) -> Pyramid:
    moved: Pyramid = ()
    for features in pyramid:
        moved = moved + (ops.transpose(features, (0, 2, 3, 1)),)
    return moved


class FeatureInterpolation(nn.Cell):
    """FTI-Net: first features of the missing frame, from both neighbours aligned to it and fused.

    ``flow``, N,2,H,W, is a first guess of how both move to the middle, or ``None``.
    """

    def __init__(self, config: CycMuNetConfig) -> None:
        super().__init__()
        self.from_first = PyramidAlignment(config)
        self.from_last = PyramidAlignment(config)
        self.fusion = Conv2d(2 * config.features, config.features, 1)
        self.refine = ResidualTrunk(config.features, config.middle_blocks) if config.middle_blocks else None
        if config.motion:
            self.move = MoveFeatures()

    def construct(self, first: Pyramid, last: Pyramid, flow: Tensor | None) -> Tensor:
        if flow is not None:
            first, last = self.move(first, last, flow)
        fused = self.fusion(ops.concat((self.from_first(first, last), self.from_last(last, first)), 1))
        return fused if self.refine is None else self.refine(fused)
