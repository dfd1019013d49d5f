"""SSFVC: end-to-end optimised video compression with scale-space flow."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from core.hooks import (
    Codec,
    CodecConfig,
    CodecEntry,
    Coding,
    Components,
    FilePath,
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


def _network(config: SsfvcConfig) -> nn.Cell:
    from .cells import ScaleSpaceFlow

    return ScaleSpaceFlow(config)


def _parts(network: nn.Cell) -> Sequence[Part]:
    from .parts import parts

    return parts(network)


def _published(config: SsfvcConfig) -> PublishedWeights:
    from .weights import published

    return published(config)


def _codec(config: SsfvcCodecConfig, components: Components) -> Codec:
    from .codec import SsfvcCodec

    return SsfvcCodec(components.network, components.tables)


def _intra(config: SsfvcIntraConfig) -> IntraCodec:
    from core.training.checkpoint import Checkpoint

    from .intra import SsfvcIntra

    return SsfvcIntra(Checkpoint.open(Path(config.checkpoint)))


def _tables(network: nn.Cell) -> Tables:
    from .latents import tables

    return tables(network)


MODEL = ModelEntry("ssfvc", SsfvcConfig, _network, published=_published, parts=_parts)
CODEC = CodecEntry(
    "ssfvc",
    SsfvcCodecConfig,
    _codec,
    tables=_tables,
    coding=Coding.RESIDUAL,
    supervision=Supervision.OBJECTIVE,
)
INTRA = IntraEntry("ssfvc", SsfvcIntraConfig, _intra)


@hookimpl
def models() -> Iterable[ModelEntry[SsfvcConfig]]:
    return [MODEL]


@hookimpl
def codecs() -> Iterable[CodecEntry[SsfvcCodecConfig]]:
    return [CODEC]


@hookimpl
def intra_codecs() -> Iterable[IntraEntry[SsfvcIntraConfig]]:
    return [INTRA]


@hookimpl
def config_package() -> str:
    return "plugins.ssfvc.conf"
