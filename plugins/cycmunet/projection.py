"""Mutual learning between sizes: projection units that go up and down, and the cycle made of them.

The three frames (first, middle, last) of a size go through every unit together, stacked along the batch
(3N,C,H,W): a *triple*. All weights are shared between the frames.
"""

from __future__ import annotations

from typing import TypeAlias

from mindspore import Tensor, nn, ops

from core.nn import ConcatConv1x1, Downsample, LeakyConv2d, LeakyReLU, Upsample

from .config import CycMuNetConfig, MiddleResidual

Triple: TypeAlias = Tensor


def side_by_side(triple: Triple) -> Tensor:
    """The three frames of a triple, concatenated along the channels: N,3C,H,W."""
    return ops.concat(ops.chunk(triple, 3, 0), 1)


def pick(triple: Triple, frames: tuple[int, ...]) -> Tensor:
    """Some frames of a triple (0 first, 1 middle, 2 last), stacked along the batch."""
    if len(frames) == 3:
        return triple
    parts = ops.chunk(triple, 3, 0)
    picked: tuple[Tensor, ...] = ()
    for frame in frames:
        picked = picked + (parts[frame],)
    return ops.concat(picked, 0)


class FrameFusion(nn.Cell):
    """Lets the three frames exchange what they know; keeps the size."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.frame = LeakyConv2d(features, features)
        self.fuse = LeakyConv2d(3 * features, features, 1)
        self.update = LeakyConv2d(2 * features, features)

    def construct(self, triple: Triple) -> Triple:
        frames = self.frame(triple)
        fused = self.fuse(side_by_side(frames))
        return triple + self.update(ops.concat((frames, ops.concat((fused, fused, fused), 0)), 1))


class ScaleUp(nn.Cell):
    """Fusion at low resolution, then bilinear enlargement and a 1x1 convolution."""

    def __init__(self, features: int, scale: int) -> None:
        super().__init__()
        self.fusion = FrameFusion(features)
        self.enlarge = Upsample(scale)
        self.mix = LeakyConv2d(features, features, 1)

    def construct(self, low: Triple) -> Triple:
        return self.mix(self.enlarge(self.fusion(low)))


class ScaleDown(nn.Cell):
    """Bilinear reduction and a 1x1 convolution, then fusion at low resolution."""

    def __init__(self, features: int, scale: int) -> None:
        super().__init__()
        self.reduce = Downsample(scale)
        self.mix = LeakyConv2d(features, features, 1)
        self.fusion = FrameFusion(features)

    def construct(self, high: Triple) -> Triple:
        return self.fusion(self.mix(self.reduce(high)))


class UpProjection(nn.Cell):
    """Low to high resolution, corrected by what is lost on the way back: h + up(down(h) - low)."""

    def __init__(self, config: CycMuNetConfig) -> None:
        super().__init__()
        self.up = ScaleUp(config.features, config.scale)
        self.down = ScaleDown(config.features, config.scale)
        self.up_residual = ScaleUp(config.features, config.scale)
        self.middle_has_own = config.middle_residual is MiddleResidual.own

    def construct(self, low: Triple) -> Triple:
        high = self.up(low)
        residual = self.up_residual(self.down(high) - low)
        if not self.middle_has_own:
            first, _, last = ops.chunk(residual, 3, 0)
            residual = ops.concat((first, last, last), 0)
        return high + residual


class DownProjection(nn.Cell):
    """High to low resolution, corrected by what is lost on the way back: l + down(up(l) - high)."""

    def __init__(self, config: CycMuNetConfig) -> None:
        super().__init__()
        self.down = ScaleDown(config.features, config.scale)
        self.up = ScaleUp(config.features, config.scale)
        self.down_residual = ScaleDown(config.features, config.scale)

    def construct(self, high: Triple) -> Triple:
        low = self.down(high)
        return low + self.down_residual(self.up(low) - high)


class MutualCycle(nn.Cell):
    """Cycle-projected mutual learning: features of both sizes improve each other, twice with the same weights.

    The first pass merges everything made so far before each projection. The second starts from the newest
    low-resolution features and hands high-resolution ones straight on. Every projection of both passes
    enters the result through one 1x1 convolution, shared by both sizes.

    ``construct(low, high_frames, wants_low)``: ``low`` is a triple; ``high_frames`` names the wanted
    high-resolution frames (0 first, 1 middle, 2 last). Returns them stacked along the batch, or ``None``
    when none is wanted, and the low-resolution middle frame, or ``None``.
    """

    def __init__(self, config: CycMuNetConfig) -> None:
        super().__init__()
        features, self.cycles = config.features, config.cycles
        stages = range(config.cycles)
        self.merge_low = nn.CellList([LeakyConv2d((j + 1) * features, features, 1) for j in stages])
        self.merge_high = nn.CellList([LeakyConv2d((j + 1) * features, features, 1) for j in stages])
        self.down = nn.CellList([DownProjection(config) for _ in stages])
        self.up = nn.CellList([UpProjection(config) for _ in range(config.cycles + 1)])
        self.collect = ConcatConv1x1(features, 2 * config.cycles + 1, features)
        self.leaky = LeakyReLU()

    def construct(
        self, low: Triple, high_frames: tuple[int, ...], wants_low: bool
    ) -> tuple[Tensor | None, Tensor | None]:
        low_frames = (1,) if wants_low else ()
        low_sum = self._collect(None, low, low_frames, 0)
        high_sum = None
        lows: tuple[Triple, ...] = (low,)
        highs: tuple[Triple, ...] = ()
        for j in range(self.cycles):
            high = self.up[j](self.merge_low[j](ops.concat(lows, 1)))
            high_sum = self._collect(high_sum, high, high_frames, j)
            highs = highs + (high,)
            low = self.down[j](self.merge_high[j](ops.concat(highs, 1)))
            low_sum = self._collect(low_sum, low, low_frames, j + 1)
            lows = lows + (low,)
        lows = (low,)
        merged = low
        for j in range(self.cycles):
            merged = self.merge_low[j](ops.concat(lows, 1))
            high = self.up[j](merged)
            high_sum = self._collect(high_sum, high, high_frames, self.cycles + j)
            low = self.down[j](high)
            low_sum = self._collect(low_sum, low, low_frames, self.cycles + j + 1)
            lows = lows + (low,)
        # The last projection sees what the last step saw, not that step's own result (as published).
        if high_frames:
            high_sum = self.leaky(
                self._collect(high_sum, self.up[self.cycles](merged), high_frames, 2 * self.cycles)
            )
        if low_frames:
            low_sum = self.leaky(low_sum)
        return high_sum, low_sum

    def _collect(
        self, total: Tensor | None, triple: Triple, frames: tuple[int, ...], index: int
    ) -> Tensor | None:
        """Adds entry ``index`` of the final 1x1 convolution for ``frames`` to a running sum, which spares memory."""
        if not frames:
            return None
        part = self.collect.part(pick(triple, frames), index)
        return part if index == 0 else total + part
