"""Upscalers as entries: the floors. Importing this does not import MindSpore."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from core.hooks import Components, Upscaler, UpscalerEntry


@dataclass
class FloorConfig:
    """Bicubic enlargement and linear blending: what every learned upscaler must beat."""

    scale: int = 2
    """Factor of width and height."""

    def __post_init__(self) -> None:
        if self.scale < 1:
            raise ValueError(f"upscaler.scale is {self.scale}; it must be at least 1.")


def _floor(config: FloorConfig, components: Components) -> Upscaler:
    from core.upscaling.floors import Floor

    return Floor(config.scale)


FLOOR = UpscalerEntry("floor", FloorConfig, _floor, needs=frozenset())
UPSCALERS: Sequence[UpscalerEntry[Any]] = (FLOOR,)
