"""Options of upscaling that the command and the Python interface share."""

from __future__ import annotations

from dataclasses import dataclass

from core.media.options import EncoderOptions
from core.options import option


@dataclass
class UpscaleOptions(EncoderOptions):
    """What to change in a video, in what pieces, and how well to store it."""

    temporal: bool = True
    """Double the frame rate."""
    spatial: bool = True
    """Multiply the size by the model's factor."""
    scene_cuts: bool = True
    """Find cuts and repeat a frame there instead of blending across."""
    tile: int = option(256, at_least=0)
    """Largest side of the pieces that the network sees, in input pixels; 0 takes each frame whole."""
    overlap: int = option(32, at_least=0)
    """Input pixels that neighbouring pieces share."""
    sound: str = option("copy", one_of=("copy", "aac", "none"))
    """What becomes of the sound: copy as it is, aac (coded anew, where the output cannot hold its codec), or none."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not (self.temporal or self.spatial):
            raise ValueError("temporal and spatial are both false: there is nothing to do.")
        if self.tile and self.overlap * 2 >= self.tile:
            raise ValueError(f"tile={self.tile} must be 0, or more than twice overlap={self.overlap}.")
