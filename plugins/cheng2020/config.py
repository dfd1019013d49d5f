"""Options of cheng2020-anchor."""

from __future__ import annotations

from dataclasses import dataclass

from core.hooks import (
    CodecConfig,
    FilePath,
)


@dataclass
class Cheng2020Config:
    """The network; published checkpoints have 128 channels for qualities 1 to 3, and 192 for 4 to 6."""

    channels: int = 192
    """Channels of all transforms and latents (N); a multiple of 2."""

    def __post_init__(self) -> None:
        if self.channels < 2 or self.channels % 2:
            raise ValueError(f"model.channels is {self.channels}; it must be a multiple of 2.")


@dataclass
class Cheng2020CodecConfig(CodecConfig):
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

    checkpoint: FilePath = "???"
    """The network, a checkpoint with tables; its options are those that it was trained with."""
