"""What of the network can leave MindSpore: all of it, as it takes two frames and gives all outputs."""

from __future__ import annotations

from collections.abc import Sequence

from core.hooks import Part, Plane

from .config import Format
from .interface import VideoCycMuNet

_FRAMES = Plane("first", 3), Plane("last", 3)
_OUTPUTS = "high_first", "high_middle", "high_last", "low_middle"


def parts(network: VideoCycMuNet) -> Sequence[Part]:
    """The network from RGB to RGB."""
    config = network.config
    multiple = max(2 ** (config.levels - 1), 2 if config.format in (Format.yuv420, Format.yuv422) else 1)
    outputs = _OUTPUTS if config.all_frames else _OUTPUTS[:2]
    return [Part("network", network, _FRAMES, outputs, multiple, pads=True)]
