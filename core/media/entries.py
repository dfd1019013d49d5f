"""Picture codecs as entries: HEVC and PNG."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from core.hooks import IntraCodec, IntraEntry
from core.media.options import COARSEST_CRF
from core.options import Options, option


@dataclass
class HevcConfig(Options):
    """HEVC in 4:2:0 by x265, preset medium."""

    crf: float | None = option(None, at_least=0, at_most=COARSEST_CRF)
    """Constant rate factor, 0 (best) to 51; null takes the one that suits the video codec."""


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
