"""Picture codecs as entries: HEVC and PNG."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from core.hooks import IntraCodec, IntraEntry

COARSEST_CRF = 51.0


@dataclass
class HevcConfig:
    """HEVC in 4:2:0 by x265, preset medium."""

    crf: float | None = None
    """Constant rate factor, 0 (best) to 51; null takes the one that suits the video codec."""

    def __post_init__(self) -> None:
        if self.crf is not None and not 0 <= self.crf <= COARSEST_CRF:
            raise ValueError(f"intra.crf is {self.crf}; it must lie between 0 and {COARSEST_CRF:g}.")


@dataclass
class PngConfig:
    """PNG, without loss."""


def _hevc(config: HevcConfig) -> IntraCodec:
    from core.media.hevc import Hevc

    return Hevc(config.crf)


def _png(config: PngConfig) -> IntraCodec:
    from core.media.png import Png

    return Png()


HEVC = IntraEntry("hevc", HevcConfig, _hevc)
PNG = IntraEntry("png", PngConfig, _png)
INTRA_CODECS: Sequence[IntraEntry[Any]] = (HEVC, PNG)
