"""Options that tasks share."""

from __future__ import annotations

import os
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from core.errors import ConfigError
from core.hooks import FilePath
from core.media.place import Place, place
from core.options import Options


def default_output(source: Path, ending: str) -> Path:
    """The path of an output whose name nobody gives: beside its source, and never a file that is there already."""
    source = source.resolve() if source.name in ("", "..") else source
    names = (f"{source.stem}{'' if number == 1 else f'-{number}'}{ending}" for number in count(1))
    return next(path for path in map(source.with_name, names) if not os.path.lexists(path))


def require_output(output: str | None, source: str) -> str:
    """The name of an output, which must be given where the source is no file that it could stand beside."""
    if output is None:
        raise ConfigError(f"{source} is no file that an output could stand beside: give task.output=FILE.")
    return output


def require_free(path: Path, overwrite: bool, option: str, *others: Path) -> None:
    """Raise `ConfigError` unless ``path``, given for ``option``, can be written without losing it or one of others."""
    if not path.parent.is_dir():
        raise ConfigError(f"{path.parent} is not a folder: create it before writing {path.name}.")
    if any(path.resolve() == other.resolve() or _is_same(path, other) for other in others):
        raise ConfigError(f"{path} is another file of this command: give another {option}.")
    if os.path.lexists(path) and not overwrite:
        raise ConfigError(f"{path} exists: give another {option}, or task.overwrite=true.")


def _is_same(path: Path, other: Path) -> bool:
    return path.exists() and other.exists() and path.samefile(other)


@dataclass
class TrainedOptions(Options):
    """Options of a task that works by a trained network."""

    checkpoint: FilePath | None = None
    """Trained network; by default the settings' ``weights``."""


@dataclass
class WritingOptions(TrainedOptions):
    """Options of a task that writes what it makes of a trained network."""

    overwrite: bool = False
    """Replace an output that exists."""


@dataclass
class PartOptions(Options):
    """Options of a task that may take a part of a video."""

    start: str = "0"
    """First frame to take, as 60, or the time from which on, as 2.5s or 1:02:03.5."""
    end: str | None = None
    """The first frame, or time, that is not taken any more; null takes all to the end."""

    def __post_init__(self) -> None:
        super().__post_init__()
        _ = self.places  # words that are no places are told at once

    @property
    def places(self) -> tuple[Place, Place | None]:
        """The places where it starts and ends; raises ValueError where the words are no places."""
        return place(self.start), None if self.end is None else place(self.end)


@dataclass
class PageOptions:
    """Options of a task that makes one video, or stream, of another."""

    page: bool = False
    """Show both on an HTML page beside the output as well, as task=compare does."""
