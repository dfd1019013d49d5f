"""Options of SSFVC."""

from __future__ import annotations

from dataclasses import dataclass

from core.hooks import (
    CodecConfig,
    FilePath,
)


@dataclass
class SsfvcConfig:
    """The network; the defaults are those of the published checkpoints (34,209,609 parameters)."""

    hidden: int = 128
    """Channels of the transforms' hidden layers."""
    latent: int = 192
    """Channels of each of the three latents and of their hyperpriors."""

    def __post_init__(self) -> None:
        for name in ("hidden", "latent"):
            if getattr(self, name) < 1:
                raise ValueError(f"model.{name} is {getattr(self, name)}; it must be at least 1.")


@dataclass
class SsfvcCodecConfig(CodecConfig):
    """Coding with a trained network; there is nothing to choose beside where intra frames stand."""


@dataclass
class SsfvcIntraConfig:
    """The learned picture codec inside a trained SSFVC network."""

    checkpoint: FilePath = "???"
    """The network, a checkpoint with tables; its options are those that it was trained with."""
