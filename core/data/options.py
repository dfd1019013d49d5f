"""Options that data sets share: how clips are cut, augmented, made smaller and divided into splits."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum

from core.data.downscale import Filter
from core.hooks import Split
from core.options import Options, option


@dataclass
class ClipOptions(Options):
    """The clips of every data set.

    Training crops and augments at random; validation and test take the middle of the frame as it is.
    """

    frames: int = option(3, at_least=1)
    """Frames of a clip (T)."""
    crop: int | None = option(128, at_least=1)
    """Side of the square cut from training frames, in high-resolution pixels; null takes whole frames."""
    evaluation_crop: int | None = option(None, at_least=1)
    """The same for validation and test, cut from the middle."""
    scale: int = option(1, at_least=1)
    """Above 1, a second column ``low`` holds the frames made this many times smaller."""
    filter: Filter = Filter.bicubic
    """Filter that makes ``low``. Validation and test take bicubic for random, so that they never change."""
    middle_filter: Filter | None = None
    """Another filter for the middle frame of ``low``; null takes ``filter``. Needs an odd ``frames``."""
    flips: bool = True
    """Also mirror training clips, left to right and upside down."""
    transpose: bool = True
    """Also exchange rows and columns, where the training clip is square."""
    reversal: bool = True
    """Also play training clips backwards."""
    limit: int | None = option(None, at_least=1)
    """At most this many clips for validation and test, spaced evenly over all; null takes every clip."""

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("crop", "evaluation_crop"):
            side = getattr(self, name)
            if side is not None and side % self.scale:
                raise ValueError(f"{name} is {side}; it must be a multiple of scale, which is {self.scale}.")
        if self.middle_filter is not None and self.frames % 2 == 0:
            raise ValueError(f"middle_filter needs an odd number of frames, and frames is {self.frames}.")


@dataclass
class ShotOptions(ClipOptions):
    """Clips that are cut from longer shots. Neighbouring frames of a clip lie ``step`` frames apart."""

    min_step: int = option(1, at_least=1)
    """Validation and test always take this step."""
    max_step: int = 1
    """Training draws the step from min_step to max_step, as far as the shot reaches."""
    test_frames: int | None = option(None, at_least=1)
    """Test on clips of this many whole frames, one after the other, as codecs are; null: like validation."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.max_step < self.min_step:
            raise ValueError(f"max_step is {self.max_step}; it must be at least min_step, {self.min_step}.")

    @property
    def span(self) -> int:
        """Frames of the shot from the first to the last of a clip, at the smallest step."""
        return (self.frames - 1) * self.min_step + 1

    def of_split(self, split: Split) -> ShotOptions:
        """The options as they hold for one split."""
        if split is Split.TEST and self.test_frames is not None:
            return replace(self, frames=self.test_frames, min_step=1, max_step=1, evaluation_crop=None)
        return self


class Division(Enum):
    """Ways to split the shots of a collection into training, validation and test."""

    hashed = "hashed"
    """Shots are divided by shares, in the order of a hash of their names: the same on every machine."""
    named = "named"
    """Shots are divided by a folder on their path named train, validation (or val) or test."""


@dataclass
class CollectionOptions(ShotOptions):
    """A user's own collection of shots."""

    division: Division = Division.hashed
    """How the shots are split into training, validation and test."""
    validation_share: float = option(0.1, at_least=0, at_most=1)
    """Share of the shots for validation, when hashed; above 0, at least one shot."""
    test_share: float = option(0.1, at_least=0, at_most=1)
    """The same for test; 1 gives every shot to test."""
    downsize: float = option(1.0, at_least=1)
    """Shrink frames this many times first; 1.5 to 2 hides the artefacts of compressed sources."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.validation_share + self.test_share > 1:
            raise ValueError("validation_share and test_share must not add up to more than 1.")
