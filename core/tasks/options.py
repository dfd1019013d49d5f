"""Options that tasks share."""

from __future__ import annotations

import os
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from core.hooks import FilePath
from core.options import Options


def beside(source: Path, ending: str) -> Path:
    """Where to write what is made of a source when nobody says it: beside it, and never what is there already."""
    source = source.resolve() if source.name in ("", "..") else source
    names = (f"{source.stem}{'' if number == 1 else f'-{number}'}{ending}" for number in count(1))
    return next(path for path in map(source.with_name, names) if not os.path.lexists(path))


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
class PageOptions:
    """Of a task that makes one video, or stream, of another."""

    page: bool = False
    """Show both on an HTML page beside the output as well, as task=compare does."""
