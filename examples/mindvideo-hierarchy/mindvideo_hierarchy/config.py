"""Options of the network, the loss and the codec."""

from __future__ import annotations

from dataclasses import dataclass

from core.codec.options import InterCodecConfig

from .order import MOST


@dataclass
class HierarchyConfig:
    """The network."""

    hidden: int = 64
    """Channels of the hidden layers of the transforms."""
    latent: int = 64
    """Channels of each of the two latents, of motion and of residual."""
    flow: int = 32
    """Channels of the widest layers of the flow's networks; a multiple of 4."""

    def __post_init__(self) -> None:
        for name in ("hidden", "latent", "flow"):
            if getattr(self, name) < 1:
                raise ValueError(f"model.{name} is {getattr(self, name)}; it must be at least 1.")
        if self.flow % 4:
            raise ValueError(f"model.flow is {self.flow}; it must be a multiple of 4.")


@dataclass
class HierarchyLossConfig:
    """lmbda * squared error + bits per pixel, where frames that others refer to count more."""

    lmbda: float = 1024.0
    """Weight of the squared error in [0,1]: larger for better pictures and more bits."""
    anchor_weight: float = 2.0
    """How many times more the error of an anchor counts than that of a frame between two."""

    def __post_init__(self) -> None:
        for name in ("lmbda", "anchor_weight"):
            if getattr(self, name) <= 0:
                raise ValueError(f"loss.{name} is {getattr(self, name)}; it must be above 0.")


@dataclass
class HierarchyCodecConfig(InterCodecConfig):
    """Coding with a trained network. Intra frames are coded by a picture codec (``intra=``)."""

    lmbda: float = 1024.0
    distance: int = 4
    """Frames from one anchor to the next; those between are predicted from both sides. 1 has anchors alone."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 1 <= self.distance <= MOST:
            raise ValueError(f"codec.distance is {self.distance}; it must lie between 1 and {MOST}.")
