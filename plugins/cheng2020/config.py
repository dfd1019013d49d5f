"""Options of cheng2020-anchor."""

from __future__ import annotations

from dataclasses import dataclass

from omegaconf import MISSING

from core.hooks import FilePath, GopConfig, Options, option


@dataclass
class Cheng2020Config(Options):
    """The network; published checkpoints have 128 channels for qualities 1 to 3, and 192 for 4 to 6."""

    channels: int = option(192, at_least=2, multiple_of=2)
    """Channels of all transforms and latents (N)."""


@dataclass
class Cheng2020CodecConfig(GopConfig):
    """Coding with a trained network: every frame by itself."""

    gop: int = 1
    """Every frame is an intra frame."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.gop != 1:
            raise ValueError(
                f"codec.gop is {self.gop}; codec=cheng2020 codes intra frames alone: leave it at 1."
            )


@dataclass
class Cheng2020IntraConfig:
    """The picture codec cheng2020-anchor."""

    checkpoint: FilePath = MISSING
    """The network, a checkpoint with tables; its options are those that it was trained with."""
