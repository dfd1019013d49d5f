"""The codec that works around another one, as an entry. Importing this does not import MindSpore."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from omegaconf import MISSING

from core.hooks import Codec, CodecConfig, CodecEntry, Direction, FilePath, Upscaler


@dataclass
class ResampledCodecConfig(CodecConfig):
    """A smaller, slower video by another codec; an upscaler restores size and frame rate after decoding."""

    inner: str = MISSING
    """Name of the codec that codes the smaller video; left out, that of its weights, or of those that come along."""
    inner_checkpoint: FilePath | None = None
    """Its trained network; none for a codec without one. The network's options are those that it was trained with."""
    inner_options: dict[str, Any] = field(default_factory=dict)
    """Its options: ``+codec.inner_options.crf=27``."""
    upscaler: str = "floor"
    """Name of the upscaler; left out, that of its weights, or of those that come along, if there are any."""
    upscaler_checkpoint: FilePath | None = None
    """Its trained network; none for ``floor``."""
    upscaler_options: dict[str, Any] = field(default_factory=dict)
    """Its options: ``+codec.upscaler_options.scale=2`` of ``floor``. A network's factor is what it was trained for."""
    temporal: bool = True
    """Leave out every second frame; else only the size is reduced."""


def _build(config: ResampledCodecConfig, inner: Codec, upscaler: Upscaler) -> Codec:
    from core.coding.resampled import ResampledCodec

    return ResampledCodec(inner, upscaler, config.temporal)


def _direction(config: ResampledCodecConfig) -> Direction | None:
    """Frames are interpolated from both sides."""
    return Direction.BIDIRECTIONAL if config.temporal else None


RESAMPLED = CodecEntry(
    "resampled",
    ResampledCodecConfig,
    _build,
    needs={"codec", "upscaler"},
    direction=_direction,
    decoding=("temporal",),
)
CODECS: Sequence[CodecEntry[Any]] = (RESAMPLED,)
