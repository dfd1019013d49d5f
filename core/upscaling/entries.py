"""Upscalers as entries: the baselines. Importing this does not import MindSpore."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from core.hooks import Upscaler, UpscalerEntry
from core.options import Options, option


@dataclass
class BaselineConfig(Options):
    """Bicubic enlargement and linear blending: what every learned upscaler must beat."""

    scale: int = option(2, at_least=1)
    """Factor of width and height."""


def _baseline(config: BaselineConfig) -> Upscaler:
    from core.upscaling.baselines import Baseline

    return Baseline(config.scale)


BASELINE = UpscalerEntry("floor", BaselineConfig, _baseline, needs=frozenset())
UPSCALERS: Sequence[UpscalerEntry[Any]] = (BASELINE,)
