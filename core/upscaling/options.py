"""How a video is upscaled: the options that the command and the Python interface share."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class UpscaleOptions:
    """What to change in a video, in what pieces, and how well to store it."""

    temporal: bool = True
    """Double the frame rate."""
    spatial: bool = True
    """Multiply the size by the model's factor."""
    scene_cuts: bool = True
    """Find cuts and repeat a frame there instead of blending across."""
    tile: int = 256
    """Largest side of the pieces that the network sees, in input pixels; 0 takes each frame whole."""
    overlap: int = 32
    """Input pixels that neighbouring pieces share."""
    crf: int = 16
    """Quality of H.264 and HEVC, 0 (best) to 51."""
    sound: str = "copy"
    """What becomes of the sound: copy as it is, aac (coded anew, where the output cannot hold its codec), or none."""
    threads: int = 1
    """Of the video encoder: 1 gives the same file every time, 0 takes all cores, and may not."""

    def __post_init__(self) -> None:
        if not (self.temporal or self.spatial):
            raise ValueError("temporal and spatial are both false: there is nothing to do.")
        if self.tile < 0 or self.overlap < 0 or (self.tile and self.overlap * 2 >= self.tile):
            raise ValueError(f"tile={self.tile} must be 0, or more than twice overlap={self.overlap}.")
        if not 0 <= self.crf <= 51:
            raise ValueError(f"crf={self.crf} is not between 0 and 51.")
        if self.sound not in ("copy", "aac", "none"):
            raise ValueError(f"sound={self.sound} is not copy, aac or none.")
        if self.threads < 0:
            raise ValueError(f"threads={self.threads} is negative.")
