"""DVC: an end-to-end deep video compression framework."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from core.hooks import (
    Codec,
    CodecConfig,
    CodecEntry,
    Coding,
    ModelEntry,
    PublishedWeights,
    Supervision,
    Tables,
    hookimpl,
)
from core.media.intra import IntraCodec

if TYPE_CHECKING:
    from mindspore import nn

HOOK_API = 1

_COARSEST_CRF = 51.0


@dataclass
class DvcConfig:
    """The network; the defaults are those of the published checkpoints (4,754,064 parameters)."""

    hidden: int = 64
    """Channels of the residual's transforms, and of its hyper-latent (N)."""
    latent: int = 96
    """Channels of the residual's latent (M)."""
    motion: int = 128
    """Channels of the motion's transforms and latent."""
    refinement: int = 64
    """Channels of the network that refines the warped reference."""
    flow: int = 64
    """Channels of the widest layers of the flow's networks; a multiple of 4."""

    def __post_init__(self) -> None:
        for option in fields(self):
            if getattr(self, option.name) < 1:
                raise ValueError(
                    f"model.{option.name} is {getattr(self, option.name)}; it must be at least 1."
                )
        if self.flow % 4:
            raise ValueError(f"model.flow is {self.flow}; it must be a multiple of 4.")


@dataclass
class DvcCodecConfig(CodecConfig):
    """Coding with a trained network. Intra frames are coded by a picture codec."""

    intra: IntraCodec = IntraCodec.hevc
    """The picture codec."""
    lmbda: float = 2048.0
    """Weight of the distortion that the network was trained with; intra frames get the quality that goes with it."""
    intra_crf: float | None = None
    """Constant rate factor of intra frames; null takes the one that goes with ``lmbda``, and 0 is best."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.lmbda <= 0:
            raise ValueError(f"codec.lmbda is {self.lmbda}; it must be above 0.")
        if self.intra_crf is not None and not 0 <= self.intra_crf <= _COARSEST_CRF:
            raise ValueError(
                f"codec.intra_crf is {self.intra_crf}; it must lie between 0 and {_COARSEST_CRF:g}."
            )

    @property
    def crf(self) -> float:
        """Constant rate factor of intra frames: as published 29, 26, 23, 20 for 256, 512, 1024, 2048, and so on."""
        if self.intra_crf is not None:
            return self.intra_crf
        return min(max(29 - 3 * math.log2(self.lmbda / 256), 0.0), _COARSEST_CRF)


def _network(config: DvcConfig) -> nn.Cell:
    from .cells import Dvc

    return Dvc(config)


def _published(config: DvcConfig) -> PublishedWeights:
    from .weights import published

    return published(config)


def _codec(config: DvcCodecConfig, network: nn.Cell, tables: Tables) -> Codec:
    from .codec import DvcCodec

    return DvcCodec(config, network, tables)


def _tables(network: nn.Cell) -> Tables:
    from .latents import tables

    return tables(network)


MODEL = ModelEntry("dvc", DvcConfig, _network, published=_published)
CODEC = CodecEntry(
    "dvc",
    DvcCodecConfig,
    _codec,
    _tables,
    coding=Coding.RESIDUAL,
    supervision=Supervision.OBJECTIVE,
)


@hookimpl
def models() -> Iterable[ModelEntry[DvcConfig]]:
    return [MODEL]


@hookimpl
def codecs() -> Iterable[CodecEntry[DvcCodecConfig]]:
    return [CODEC]


@hookimpl
def config_package() -> str:
    return "plugins.dvc.conf"
