"""Options of the network, the loss and the codec."""

from __future__ import annotations

from dataclasses import dataclass

from core.codec import InterCodecConfig
from core.hooks import Options, option

from .gop_order import MAX_DISTANCE


@dataclass
class HierarchyConfig(Options):
    """The network."""

    hidden: int = option(64, at_least=1)
    """Channels of the hidden layers of the transforms."""
    latent: int = option(64, at_least=1)
    """Channels of each of the two latents, of motion and of residual."""
    flow: int = option(32, at_least=4, multiple_of=4)
    """Channels of the widest layers of the flow's networks."""


@dataclass
class HierarchyLossConfig(Options):
    """lmbda * squared error + bits per pixel, where frames that others refer to count more."""

    lmbda: float = option(1024.0, above=0)
    """Weight of the squared error in [0,1]: larger for better pictures and more bits."""
    anchor_weight: float = option(2.0, above=0)
    """How many times more the error of a key frame counts than that of a frame between two."""


@dataclass
class HierarchyCodecConfig(InterCodecConfig):
    """Coding with a trained network. Intra frames are coded by a picture codec (``intra=``)."""

    lmbda: float = 1024.0
    distance: int = option(4, at_least=1, at_most=MAX_DISTANCE)
    """Frames from one key frame to the next; those between are predicted from both sides. 1 has key frames alone."""
