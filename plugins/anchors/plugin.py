"""Anchors: real encoders of libav as codecs, with every condition that decides their rate and quality as an option.

"x265" alone says nothing: preset, tuning, distance of intra frames, rate control and B frames each move its curve by
tens of percent. The defaults are those of low-delay comparisons; presets reproduce commands of the literature.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Any

from core.hooks import (
    CodecEntry,
    Coding,
    Components,
    ConventionalCodec,
    Direction,
    GopConfig,
    Supervision,
    hookimpl,
)
from core.media.colour import Matrix, Range, Subsampling

HOOK_API = 2


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

    crf: float | None = 27.0
    """Constant rate factor: about constant visible quality; 0 is best, 51 (AV1, VP9: 63) the worst."""
    qp: int | None = None
    """Constant quantiser in place of the rate factor."""
    subsampling: Subsampling = Subsampling.YUV420
    """Of chroma. RGB that has gone through 4:2:0 cannot come back better than some 45 dB."""
    matrix: Matrix = Matrix.BT709
    """Between RGB and what is coded."""
    range: Range = Range.LIMITED
    """Of the samples that are coded."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if (self.crf is None) == (self.qp is None):
            raise ValueError("give codec.crf or codec.qp, and set the other to null.")
        quantiser = self.crf if self.crf is not None else self.qp
        if quantiser is not None and not 0 <= quantiser <= self.coarsest:
            raise ValueError(
                f"codec.crf and codec.qp must lie between 0 and {self.coarsest}, not {quantiser:g}."
            )

    @property
    def coarsest(self) -> int:
        """The largest quantiser."""
        return 63

    @property
    def rate(self) -> dict[str, str]:
        """Rate control, as libav takes it."""
        return {"crf": f"{self.crf:g}"} if self.crf is not None else {"qp": str(self.qp)}


@dataclass
class X26xConfig(AnchorConfig):
    """What x264 and x265 have in common."""

    preset: Preset = Preset.medium
    """Effort, least first."""
    tune: Tune = Tune.zerolatency
    """What the encoder aims at."""
    bframes: int = 0
    """B frames between two others, at most."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 <= self.bframes <= 16:
            raise ValueError(f"codec.bframes is {self.bframes}; it must lie between 0 and 16.")

    @property
    def coarsest(self) -> int:
        """The largest quantiser."""
        return 51


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
    preset: int = 8
    """0 (most effort) to 13."""
    low_delay: bool = True
    """Every frame refers to earlier ones alone, and leaves at once."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 <= self.preset <= 13:
            raise ValueError(f"codec.preset is {self.preset}; it must lie between 0 and 13.")
        if self.subsampling is not Subsampling.YUV420:
            raise ValueError("SVT-AV1 codes 4:2:0 alone: codec.subsampling must be YUV420.")


@dataclass
class Vp9Config(AnchorConfig):
    """VP9 by libvpx."""

    crf: float | None = 40.0
    effort: int = 4
    """libvpx's cpu-used: 0 (most effort) to 8."""
    low_delay: bool = True
    """Every frame refers to earlier ones alone, and leaves at once."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 <= self.effort <= 8:
            raise ValueError(f"codec.effort is {self.effort}; it must lie between 0 and 8.")


def _codec(config: Any, components: Components) -> ConventionalCodec:
    from .codec import AnchorCodec

    return AnchorCodec(config)


def _entry(name: str, config: type[Any]) -> CodecEntry[Any]:
    return CodecEntry(
        name,
        config,
        _codec,
        needs=frozenset(),
        coding=Coding.RESIDUAL,
        supervision=Supervision.OBJECTIVE,
        direction=Direction.UNIDIRECTIONAL,
    )


X264 = _entry("x264", X264Config)
X265 = _entry("x265", X265Config)
SVT_AV1 = _entry("svtav1", SvtAv1Config)
VP9 = _entry("vp9", Vp9Config)


@hookimpl
def codecs() -> Iterable[CodecEntry[Any]]:
    return [X264, X265, SVT_AV1, VP9]


@hookimpl
def config_package() -> str:
    return "plugins.anchors.conf"
