"""Options of the anchors: every condition that decides an encoder's rate and quality.

"x265" alone says nothing: preset, tuning, distance of intra frames, rate control and B frames each move its curve by
tens of percent. The defaults are those of low-delay comparisons; presets reproduce commands of the literature.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import ClassVar

from core.hooks import GopConfig, option
from core.media import Matrix, Range, Subsampling


class Preset(Enum):
    """Effort of x264 and x265, least first."""

    ultrafast = "ultrafast"
    superfast = "superfast"
    veryfast = "veryfast"
    faster = "faster"
    fast = "fast"
    medium = "medium"
    slow = "slow"
    slower = "slower"
    veryslow = "veryslow"


class Tune(Enum):
    """What x264 and x265 aim at."""

    none = "none"
    """Their own idea of what looks well."""
    zerolatency = "zerolatency"
    """Every frame leaves at once."""
    psnr = "psnr"
    ssim = "ssim"


@dataclass
class AnchorConfig(GopConfig):
    """What all anchors have in common. Give ``crf`` or ``qp``."""

    coarsest: ClassVar[float] = 63
    """The largest constant rate factor."""
    step: ClassVar[float] = 1
    """Step of constant rate factors that differ."""

    crf: float | None = option(27.0, at_least=0, at_most=63)
    """Constant rate factor: about constant visible quality; 0 is best, 51 (AV1, VP9: 63) the worst."""
    qp: int | None = option(None, at_least=0, at_most=63)
    """Constant quantiser in place of the rate factor."""
    subsampling: Subsampling = Subsampling.YUV420
    """Subsampling of chroma. RGB that has gone through 4:2:0 cannot come back better than some 45 dB."""
    matrix: Matrix = Matrix.BT709
    """Between RGB and what is coded."""
    range: Range = Range.LIMITED
    """Range of the samples that are coded."""
    closed: bool = False
    """Begin a fresh encoder at every intra frame, so that an encode can be shared out among processes, and goes on
    where it was interrupted. It costs what an encoder learns from one group for the next."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if (self.crf is None) == (self.qp is None):
            raise ValueError("give codec.crf or codec.qp, and set the other to null.")

    @property
    def rate(self) -> dict[str, str]:
        """Rate control, as libav takes it."""
        return {"crf": f"{self.crf:g}"} if self.crf is not None else {"qp": str(self.qp)}


@dataclass
class X26xConfig(AnchorConfig):
    """What x264 and x265 have in common."""

    coarsest: ClassVar[float] = 51
    step: ClassVar[float] = 0.01

    crf: float | None = option(27.0, at_least=0, at_most=51)
    qp: int | None = option(None, at_least=0, at_most=51)
    preset: Preset = Preset.medium
    """Effort, least first."""
    tune: Tune = Tune.zerolatency
    """What the encoder aims at."""
    bframes: int = option(0, at_least=0, at_most=16)
    """B frames between two others, at most."""


@dataclass
class X264Config(X26xConfig):
    """H.264/AVC by x264."""


@dataclass
class X265Config(X26xConfig):
    """H.265/HEVC by x265, without the messages in which it repeats its settings at every intra frame."""


@dataclass
class SvtAv1Config(AnchorConfig):
    """AV1 by SVT-AV1."""

    crf: float | None = 40.0
    preset: int = option(8, at_least=0, at_most=13)
    """0 (most effort) to 13."""
    low_delay: bool = True
    """Every frame refers to earlier ones alone, and leaves at once."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.subsampling is not Subsampling.YUV420:
            raise ValueError("SVT-AV1 codes 4:2:0 alone: codec.subsampling must be YUV420.")


@dataclass
class Vp9Config(AnchorConfig):
    """VP9 by libvpx."""

    crf: float | None = 40.0
    effort: int = option(4, at_least=0, at_most=8)
    """libvpx's cpu-used: 0 (most effort) to 8."""
    low_delay: bool = True
    """Every frame refers to earlier ones alone, and leaves at once."""
