"""The presentation of a video: all that says how to show it, beside its samples; read once, kept by all writers and
by streams."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from fractions import Fraction

UNSPECIFIED = 2
"""The code of a colour property that a video does not state."""
_PQ_AND_HLG = {16: "PQ", 18: "HLG"}


@dataclass(frozen=True)
class MasteringDisplay:
    """The display that a video was graded on, in the units of ITU-T H.265: 0.00002 for x and y, 0.0001 cd/m²."""

    red: tuple[int, int]
    green: tuple[int, int]
    blue: tuple[int, int]
    white: tuple[int, int]
    highest: int
    """Luminance of its white."""
    lowest: int
    """Luminance of its black."""


@dataclass(frozen=True)
class LightLevels:
    """The brightest sample (MaxCLL) and the brightest frame on average (MaxFALL), in cd/m²."""

    content: int
    frame_average: int


@dataclass(frozen=True)
class Chapter:
    """A named stretch of the video, in seconds after its first frame (a first chapter may begin before it)."""

    start: Fraction
    end: Fraction
    title: str = ""


class TrackKind(Enum):
    """The kind of a track beside the pictures."""

    SOUND = "sound"
    SUBTITLES = "subtitles"
    ATTACHMENT = "attachment"
    COVER = "cover picture"
    PICTURES = "further pictures"
    DATA = "data"


@dataclass(frozen=True)
class Track:
    """A track of the source beside its pictures: codec by libav's name, of an attachment that of its file."""

    kind: TrackKind
    codec: str
    language: str = ""
    title: str = ""


@dataclass(frozen=True)
class Presentation:
    """Facts that the networks do not touch, of the frames as a reader delivers them (after turning).

    Codes of colour are those of ITU-T H.273, as libav numbers them; 2 is "unspecified".
    """

    sample_aspect_ratio: Fraction = Fraction(1)
    """Width of a sample divided by its height."""
    matrix: int = UNSPECIFIED
    primaries: int = UNSPECIFIED
    transfer: int = UNSPECIFIED
    mastering: MasteringDisplay | None = None
    light: LightLevels | None = None
    field_order: int = 0
    """Order of the fields that frames consist of, in libav's numbers (2 to 5); 0: frames are whole, or it is not
    stated."""
    last_duration: Fraction | None = None
    """Seconds that the last frame is shown, where the source says so."""
    language: str = ""
    """Language of the pictures, three letters of ISO 639-2."""
    title: str = ""
    """Title of the pictures."""
    metadata: dict[str, str] = field(default_factory=dict)
    """Tags of the container, as title and comment; nothing of the program that made it."""
    chapters: tuple[Chapter, ...] = ()
    tracks: tuple[Track, ...] = ()

    @property
    def high_dynamic_range(self) -> str | None:
        """Name of the transfer function where it is one of high dynamic range."""
        return _PQ_AND_HLG.get(self.transfer)
