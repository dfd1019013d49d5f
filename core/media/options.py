"""Options of the encoders that videos and pictures are stored with."""

from __future__ import annotations

from dataclasses import dataclass

from core.options import Options, option

COARSEST_CRF = 51.0
"""The largest constant rate factor of H.264 and HEVC."""


@dataclass
class EncoderOptions(Options):
    """Options of a video file that is written."""

    crf: int = option(16, at_least=0, at_most=COARSEST_CRF)
    """Quality of H.264 and HEVC, 0 (best) to 51."""
    threads: int = option(1, at_least=0)
    """Threads of the video encoder: 1 gives the same file every time; 0 takes all cores, and may not."""
