"""Picture codecs as entries: HEVC and PNG; and how video codecs that use them are set."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from core.hooks import CodecConfig, IntraCodec, IntraEntry

COARSEST_CRF = 51.0


@dataclass
class InterCodecConfig(CodecConfig):
    """Coding with a trained network. Intra frames are coded by a picture codec (``intra=``)."""

    lmbda: float = 2048.0
    """Weight of the distortion that the network was trained with; intra frames get the quality that goes with it."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.lmbda <= 0:
            raise ValueError(f"codec.lmbda is {self.lmbda}; it must be above 0.")

    @property
    def crf(self) -> float:
        """Constant rate factor of intra frames: 29, 26, 23, 20 for 256, 512, 1024, 2048, as DVC's, and so on."""
        return min(max(29 - 3 * math.log2(self.lmbda / 256), 0.0), COARSEST_CRF)


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
