"""What a video says of how it is to be shown, beside its samples: read once, kept by every writer and by the stream."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction


@dataclass(frozen=True)
class Presentation:
    """Facts that the networks do not touch, of the frames as a reader delivers them (after turning).

    Codes are those of ITU-T H.273, as libav numbers them; 2 is "unspecified".
    """

    sample_aspect_ratio: Fraction = Fraction(1)
    """Width of a sample divided by its height."""
    primaries: int = 2
    transfer: int = 2
    stated_rate: Fraction | None = None
    """Frames per second that the source states for all of it; None where the rate varies or is not stated."""
    last_duration: Fraction | None = None
    """Seconds that the last frame is shown, where the source says so."""
    start: Fraction = Fraction(0)
    """Seconds from the file's earliest picture or sound to its first picture."""
    metadata: dict[str, str] = field(default_factory=dict)
    """Of the container, as title and comment."""
