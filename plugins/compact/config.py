"""Options of the compact codec."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from omegaconf import MISSING

from core.hooks import CodecConfig, FilePath, Options, option

LEVELS = 8
"""Number of levels at which gains and scales are learned; between them they are interpolated."""
QUALITIES = 64
"""Values of `CompactCodecConfig.quality`, from the first level to the last."""
_COARSEST_LMBDA = 0.001


def lmbda(level: float) -> float:
    """Weight of the distortion, 255² MSE against bits a pixel: it doubles from level to level."""
    return _COARSEST_LMBDA * 2.0**level


def level_of(quality: float) -> float:
    """The level of a quality."""
    return quality * (LEVELS - 1) / (QUALITIES - 1)


class Start(Enum):
    """What a training begins with."""

    classical = "classical"
    """A block transform codec: cosine transforms, and blocks that do next to nothing."""
    plain = "plain"
    """Random weights."""


@dataclass
class CompactConfig(Options):
    """The network, which codes at all qualities."""

    trunk: int = option(96, at_least=8)
    """Channels at an eighth of the picture's height and width."""
    latent: int = option(256, at_least=8, multiple_of=4)
    """Channels of the latents, at a sixteenth."""
    wide: int = option(128, at_least=8)
    """Channels of the networks that expect latents, and within the blocks over latents."""
    hyper: int = option(32, at_least=1)
    """Channels of the hyper-latents, at a sixty-fourth."""
    side: int = option(64, at_least=1)
    """Channels between hyper-latents and latents."""
    parts: int = option(4, one_of=(2, 4))
    """Number of parts in which a latent is predicted, each from those before it."""
    analysis: int = option(2, at_least=1)
    """Blocks of the analyses, at an eighth; the synthesis of pictures has two more."""
    context: int = option(3, at_least=1)
    """Blocks that make the context of inter frames; their synthesis has as many."""
    start: Start = Start.classical
    """What a training begins with."""


@dataclass
class CompactCodecConfig(CodecConfig):
    """Coding with a trained network; each packet says at which quality it was coded."""

    quality: int = option(32, at_least=0, at_most=QUALITIES - 1)
    """Quality, from fewest bits to best pictures; nine more are twice the weight of the distortion."""
    cascade: list[int] = field(default_factory=lambda: [0, -7, -2, -7])
    """What is added to the quality of inter frames, by their place in the group, over and over."""

    def quality_at(self, place: int) -> int:
        """Quality of the frame at this place of its group; 0 is the intra frame."""
        added = self.cascade[place % len(self.cascade)] if place and self.cascade else 0
        return min(max(self.quality + added, 0), QUALITIES - 1)


@dataclass
class CompactIntraConfig:
    """The learned picture codec inside a trained compact network."""

    checkpoint: FilePath = MISSING
    """The network, a checkpoint with tables; its options are those that it was trained with."""
    quality: int = option(32, at_least=0, at_most=QUALITIES - 1)
    """Quality, from fewest bits to best pictures."""


class Learns(Enum):
    """The part of the network that a training moves."""

    intra = "intra"
    """How pictures are coded, on the first frame of each clip."""
    inter = "inter"
    """How frames are coded under others; the first frame of each clip is coded by what was learned before."""
    all = "all"
    """Both."""


@dataclass
class CompactStepConfig(Options):
    """One training step: each clip at a level of its own, drawn evenly, or at that of a place in its group."""

    learns: Learns = Learns.all
    """The part of the network that moves."""
    cascade: list[int] = field(default_factory=lambda: [0, -7, -2, -7])
    """What is added to the quality of inter frames, as in ``codec.cascade``."""
    clip_norm: float = option(1.0, at_least=0)
    """Bound on the gradients' global norm; 0 leaves them as they are."""
