"""Options that tasks share."""

from __future__ import annotations

from dataclasses import dataclass

from core.hooks import FilePath
from core.media.place import Place, place
from core.options import Options


@dataclass
class TrainedOptions(Options):
    """Of a task that works by a trained network."""

    checkpoint: FilePath | None = None
    """Trained network; by default the settings' ``weights``."""


@dataclass
class WritingOptions(TrainedOptions):
    """Of a task that writes what it makes of one."""

    overwrite: bool = False
    """Replace an output that exists."""


@dataclass
class PartOptions(Options):
    """Of a task that may take a part of a video."""

    start: str = "0"
    """First frame to take, as 60, or the time from which on, as 2.5s or 1:02:03.5."""
    end: str | None = None
    """The first frame, or time, that is not taken any more; null takes all to the end."""

    def __post_init__(self) -> None:
        super().__post_init__()
        _ = self.places  # words that are no places are told at once

    @property
    def places(self) -> tuple[Place, Place | None]:
        """From where, and up to where; raises ValueError where the words are no places."""
        return place(self.start), None if self.end is None else place(self.end)
