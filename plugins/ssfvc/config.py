"""Options of SSFVC."""

from __future__ import annotations

from dataclasses import dataclass

from omegaconf import MISSING

from core.hooks import CodecConfig, FilePath, Options, option


@dataclass
class SsfvcConfig(Options):
    """The network; the defaults are those of the published checkpoints (34,209,609 parameters)."""

    hidden: int = option(128, at_least=1)
    """Channels of the transforms' hidden layers."""
    latent: int = option(192, at_least=1)
    """Channels of each of the three latents and of their hyperpriors."""


@dataclass
class SsfvcCodecConfig(CodecConfig):
    """Coding with a trained network; there is nothing to choose beside where intra frames stand."""


@dataclass
class SsfvcIntraConfig:
    """The learned picture codec inside a trained SSFVC network."""

    checkpoint: FilePath = MISSING
    """The network, a checkpoint with tables; its options are those that it was trained with."""
