"""Upscalers as entries: the floors. Importing this does not import MindSpore."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from core.hooks import Upscaler, UpscalerEntry
from core.options import Options, option


@dataclass
class FloorConfig(Options):
    """Bicubic enlargement and linear blending: what every learned upscaler must beat."""

    scale: int = option(2, at_least=1)
    """Factor of width and height."""


def _floor(config: FloorConfig) -> Upscaler:
    from core.upscaling.floors import Floor

    return Floor(config.scale)


FLOOR = UpscalerEntry("floor", FloorConfig, _floor, needs=frozenset())
UPSCALERS: Sequence[UpscalerEntry[Any]] = (FLOOR,)
