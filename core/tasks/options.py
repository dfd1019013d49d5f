"""Options that tasks share."""

from __future__ import annotations

from dataclasses import dataclass

from core.hooks import FilePath
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
