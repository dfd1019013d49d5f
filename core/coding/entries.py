"""The codec that works around another one, as an entry. Importing this does not import MindSpore."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from omegaconf import MISSING

from core.hooks import (
    Codec,
    CodecConfig,
    CodecEntry,
    Coding,
    Direction,
    FilePath,
    Supervision,
    Upscaler,
    no_tables,
)


@dataclass
class ResampledCodecConfig(CodecConfig):
    """A smaller, slower video by another codec; an upscaler restores size and frame rate after decoding."""

    inner: str = MISSING
    """Name of the codec that codes the smaller video."""
    inner_checkpoint: FilePath | None = None
    """Its trained network; none for a codec without one. The network's options are those that it was trained with."""
    inner_options: dict[str, Any] = field(default_factory=dict)
    """Its options: ``+codec.inner_options.crf=27``."""
    upscaler: str = "floor"
    """Name of the upscaler."""
    upscaler_checkpoint: FilePath | None = None
    """Its trained network; none for ``floor``."""
    upscaler_options: dict[str, Any] = field(default_factory=dict)
    """Its options: ``+codec.upscaler_options.scale=2`` of ``floor``. A network's factor is what it was trained for."""
    temporal: bool = True
    """Leave out every second frame; else only the size is reduced."""


@dataclass(frozen=True)
class ResampledCodecEntry(CodecEntry[ResampledCodecConfig]):
    """``build`` gets an inner codec and an upscaler in place of a network and its tables.

    Its place among codecs is that of the inner one, but for the direction: frames are interpolated from both sides.
    """

    takes_model: ClassVar[bool] = False
    build: Callable[[ResampledCodecConfig, Codec, Upscaler], Codec]  # type: ignore[assignment]


def _resampled(config: ResampledCodecConfig, inner: Codec, upscaler: Upscaler) -> Codec:
    from core.coding.resampled import ResampledCodec

    return ResampledCodec(inner, upscaler, config.temporal)


RESAMPLED = ResampledCodecEntry(
    "resampled",
    ResampledCodecConfig,
    _resampled,
    no_tables,
    coding=Coding.RESIDUAL,
    supervision=Supervision.OBJECTIVE,
    direction=Direction.BIDIRECTIONAL,
)
CODECS: Sequence[CodecEntry[Any]] = (RESAMPLED,)
