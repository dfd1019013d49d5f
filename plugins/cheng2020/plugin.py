"""cheng2020-anchor: a learned picture codec under hyperprior and context model."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from core.hooks import (
    Codec,
    CodecEntry,
    Coding,
    Components,
    FilePath,
    GopConfig,
    IntraCodec,
    IntraEntry,
    ModelEntry,
    Part,
    PublishedWeights,
    Supervision,
    Tables,
    hookimpl,
)

if TYPE_CHECKING:
    from mindspore import nn

HOOK_API = 2


@dataclass
class Cheng2020Config:
    """The network; published checkpoints have 128 channels for qualities 1 to 3, and 192 for 4 to 6."""

    channels: int = 192
    """Channels of all transforms and latents (N); a multiple of 2."""

    def __post_init__(self) -> None:
        if self.channels < 2 or self.channels % 2:
            raise ValueError(f"model.channels is {self.channels}; it must be a multiple of 2.")


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

    checkpoint: FilePath = "???"
    """The network, a checkpoint with tables; its options are those that it was trained with."""


def _network(config: Cheng2020Config) -> nn.Cell:
    from .cells import Cheng2020

    return Cheng2020(config)


def _parts(network: nn.Cell) -> Sequence[Part]:
    from .parts import parts

    return parts(network)


def _published(config: Cheng2020Config) -> PublishedWeights:
    from .weights import published

    return published(config)


def _codec(config: Cheng2020CodecConfig, components: Components) -> Codec:
    from .codec import Cheng2020Codec

    return Cheng2020Codec(components.network, components.tables)


def _intra(config: Cheng2020IntraConfig) -> IntraCodec:
    from core.training.checkpoint import Checkpoint

    from .intra import Cheng2020Intra

    return Cheng2020Intra(Checkpoint.open(Path(config.checkpoint)))


def _tables(network: nn.Cell) -> Tables:
    from .latents import tables

    return tables(network)


MODEL = ModelEntry("cheng2020", Cheng2020Config, _network, published=_published, parts=_parts)
CODEC = CodecEntry(
    "cheng2020",
    Cheng2020CodecConfig,
    _codec,
    tables=_tables,
    coding=Coding.CONDITIONAL,
    supervision=Supervision.OBJECTIVE,
)
INTRA = IntraEntry("cheng2020", Cheng2020IntraConfig, _intra)


@hookimpl
def models() -> Iterable[ModelEntry[Cheng2020Config]]:
    return [MODEL]


@hookimpl
def codecs() -> Iterable[CodecEntry[Cheng2020CodecConfig]]:
    return [CODEC]


@hookimpl
def intra_codecs() -> Iterable[IntraEntry[Cheng2020IntraConfig]]:
    return [INTRA]


@hookimpl
def config_package() -> str:
    return "plugins.cheng2020.conf"
