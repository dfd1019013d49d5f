"""What of the network can leave MindSpore: all of it, as it takes two frames and gives all outputs."""

from __future__ import annotations

from collections.abc import Sequence

from core.hooks import Part, Plane

from .interface import VideoCycMuNet, alignment

_FRAMES = Plane("first", 3), Plane("last", 3)
_OUTPUTS = "high_first", "high_middle", "high_last", "low_middle"


def parts(network: VideoCycMuNet) -> Sequence[Part]:
    """The network from RGB to RGB."""
    outputs = _OUTPUTS if network.config.all_frames else _OUTPUTS[:2]
    return [Part("network", network, _FRAMES, outputs, alignment(network.config), pads=True)]
