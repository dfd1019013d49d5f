"""The embedded clips: three short shots that come with the package, so that nothing need be downloaded.

They are divided by source: two of them train, and the one held out gives validation (its first third) and
test (the rest after a gap), so no frame and no scene that was trained on is ever measured. Enough to see that
an algorithm learns; too little for published quality. Origins and licences: ``embedded/NOTICE.md``.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from enum import Enum
from functools import cache
from pathlib import Path

import numpy as np

from core.data.downscale import shrink
from core.data.options import ClipOptions, ShotOptions
from core.data.shots import MemoryShot
from core.data.source import MixedSource, ShotSource
from core.data.stills import StillsConfig, moving_stills
from core.errors import DataError
from core.hooks import ClipSource, Split
from core.media.samples import eight_bits
from core.options import option

EMBEDDED = Path(__file__).parent / "embedded"
_GAP = 8
"""Frames between validation and test that neither uses."""


class EmbeddedClip(Enum):
    """A shot that comes with the package."""

    box_handheld = "box_handheld"
    """320x240, 120 frames: a textured box filmed by hand."""
    bunny_stretch = "bunny_stretch"
    """480x270, 132 frames: animation with large deformation."""
    city_night = "city_night"
    """480x270, 114 frames: a pan over skyscrapers at night; the fastest and richest in detail."""


@dataclass
class ClipsConfig(ShotOptions):
    """The three clips that come with mindvideo, divided by source."""

    held_out: EmbeddedClip = EmbeddedClip.city_night
    """The clip of validation and test; the other two train."""
    downsize: float = option(1.0, at_least=1)
    """Shrink frames this many times first. The clips were already shrunk from compressed sources."""
    stills_share: float = option(0.25, at_least=0, at_most=1)
    """Share of training clips that are replaced with moving stills (see ``dataset=stills``); needs a crop."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.stills_share > 0 and self.crop is None:
            raise ValueError("Moving stills have no whole frame: give crop a size, or set stills_share to 0.")


def embedded_clips(config: ClipsConfig, split: Split) -> ClipSource:
    """The clips of one split, decoded once and kept in memory as 8-bit frames (120 MB for all three)."""
    if split is not Split.TRAIN:
        return ShotSource([_held_out_part(_decode(config.held_out, config.downsize), split)], config, split)
    shots = [_decode(clip, config.downsize) for clip in EmbeddedClip if clip is not config.held_out]
    source = ShotSource(shots, config, split)
    if config.stills_share == 0:
        return source
    shared = {field.name: getattr(config, field.name) for field in fields(ClipOptions)}
    stills = StillsConfig(**(shared | {"evaluation_crop": config.crop}))
    return MixedSource(source, moving_stills(stills, split), config.stills_share)


@cache
def _decode(clip: EmbeddedClip, downsize: float) -> MemoryShot:
    path = EMBEDDED / f"{clip.value}.mp4"
    if not path.is_file():
        raise DataError(f"The embedded clip {path} is missing; install the package again.")
    from core.media.reader import open_video  # decoding is not needed to configure

    with open_video(path) as video:
        frames = np.stack([eight_bits(frame.rgb) for frame in video])
    return MemoryShot(clip.value, shrink(frames, downsize))


def _held_out_part(shot: MemoryShot, split: Split) -> MemoryShot:
    third = shot.count // 3
    part = shot.frames[:third] if split is Split.VALIDATION else shot.frames[third + _GAP :]
    return MemoryShot(shot.name, part)
