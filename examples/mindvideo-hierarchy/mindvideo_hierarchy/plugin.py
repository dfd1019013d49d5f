"""What the plugin offers: model, loss and codec ``hierarchy``. Importing this starts no MindSpore."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.codec.options import InterCodecConfig
from core.hooks import (
    Codec,
    CodecEntry,
    Coding,
    Components,
    Direction,
    LossEntry,
    ModelEntry,
    Supervision,
    Tables,
    hookimpl,
)

from .order import MOST

if TYPE_CHECKING:
    from mindspore import nn

HOOK_API = 2


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


def _network(config: HierarchyConfig) -> nn.Cell:
    from .cells import Hierarchy

    return Hierarchy(config)


def _loss(config: HierarchyLossConfig) -> nn.Cell:
    from .loss import HierarchyLoss

    return HierarchyLoss(config)


def _codec(config: HierarchyCodecConfig, components: Components) -> Codec:
    from .codec import HierarchyCodec

    return HierarchyCodec(config, components.network, components.tables, components.intra)


def _tables(network: nn.Cell) -> Tables:
    from .latents import tables

    return tables(network)


MODEL = ModelEntry("hierarchy", HierarchyConfig, _network)
LOSS = LossEntry("hierarchy", HierarchyLossConfig, _loss)
CODEC = CodecEntry(
    "hierarchy",
    HierarchyCodecConfig,
    _codec,
    needs={"network", "intra"},
    tables=_tables,
    coding=Coding.RESIDUAL,
    supervision=Supervision.OBJECTIVE,
    direction=Direction.BIDIRECTIONAL,
)


@hookimpl
def models() -> Iterable[ModelEntry[HierarchyConfig]]:
    """``model=hierarchy``."""
    return [MODEL]


@hookimpl
def losses() -> Iterable[LossEntry[HierarchyLossConfig]]:
    """``loss=hierarchy``."""
    return [LOSS]


@hookimpl
def codecs() -> Iterable[CodecEntry[HierarchyCodecConfig]]:
    """``codec=hierarchy``."""
    return [CODEC]


@hookimpl
def config_package() -> str:
    """The experiments ``hierarchy_demo`` and ``hierarchy_bench``, and the contender ``hierarchy_demo``."""
    return "mindvideo_hierarchy.conf"
