"""Options that codecs share."""

from __future__ import annotations

import math
from dataclasses import dataclass

from core.hooks import CodecConfig
from core.media.options import COARSEST_CRF
from core.options import option


@dataclass
class InterCodecConfig(CodecConfig):
    """Coding with a trained network. Intra frames are coded by a picture codec (``intra=``)."""

    lmbda: float = option(2048.0, above=0)
    """Weight of the distortion that the network was trained with; intra frames get the quality that goes with it."""

    @property
    def crf(self) -> float:
        """Constant rate factor of intra frames: 29, 26, 23, 20 for 256, 512, 1024, 2048, as DVC's, and so on."""
        return min(max(29 - 3 * math.log2(self.lmbda / 256), 0.0), COARSEST_CRF)
