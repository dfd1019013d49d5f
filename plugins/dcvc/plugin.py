"""DCVC: deep contextual video compression."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from core.entropy.order import ContextOrder
from core.errors import ConfigError
from core.hooks import (
    Codec,
    CodecConfig,
    CodecEntry,
    Coding,
    LossEntry,
    ModelEntry,
    PublishedWeights,
    StepEntry,
    Supervision,
    Tables,
    hookimpl,
)
from core.losses.entries import Distortion, RateDistortionConfig
from core.media.intra import IntraCodec

if TYPE_CHECKING:
    from mindspore import nn

HOOK_API = 1

_COARSEST_CRF = 51.0


@dataclass
class DcvcConfig:
    """The network; the defaults are those of the published checkpoints (7,944,448 parameters)."""

    features: int = 64
    """Channels of contexts and of the transforms of content."""
    latent: int = 96
    """Channels of the content's latent y."""
    motion: int = 128
    """Channels of the motion's transforms and latent."""
    refinement: int = 64
    """Channels of the motion's refinement."""
    hyper: int = 64
    """Channels of the hyper-latents of motion and content; a multiple of 2."""
    flow: int = 64
    """Channels of the widest layers of the flow's networks; a multiple of 4."""
    context: ContextOrder = ContextOrder.raster
    """What the context models see: ``raster`` as published; ``checkerboard`` codes in two passes."""

    def __post_init__(self) -> None:
        for name in ("features", "latent", "motion", "refinement", "hyper", "flow"):
            if getattr(self, name) < 1:
                raise ValueError(f"model.{name} is {getattr(self, name)}; it must be at least 1.")
        for name, multiple in (("hyper", 2), ("flow", 4)):
            if getattr(self, name) % multiple:
                raise ValueError(
                    f"model.{name} is {getattr(self, name)}; it must be a multiple of {multiple}."
                )


def _network(config: DcvcConfig) -> nn.Cell:
    from .cells import Dcvc

    return Dcvc(config)


def _published(config: DcvcConfig) -> PublishedWeights:
    from .weights import published

    return published(config)


MODEL = ModelEntry("dcvc", DcvcConfig, _network, published=_published)


@hookimpl
def models() -> Iterable[ModelEntry[DcvcConfig]]:
    return [MODEL]
