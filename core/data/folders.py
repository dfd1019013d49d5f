"""Any folder of folders of pictures: each that holds pictures is one shot, frames in natural order."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from omegaconf import MISSING

from core.data.options import CollectionOptions
from core.data.shots import PICTURES, PictureShot, natural_order
from core.data.source import ShotSource
from core.data.splits import divide, existing_root
from core.errors import DataError
from core.hooks import FilePath, Split

_LAYOUT = "one folder of pictures (im1.png, im2.png, …) for each shot, at any depth"


@dataclass
class FramesConfig(CollectionOptions):
    """Folders of pictures, one folder a shot (``dataset=frames``)."""

    root: FilePath = MISSING
    """The folder that holds them, at any depth."""


def picture_folders(config: FramesConfig, split: Split) -> ShotSource:
    """The shots under ``config.root`` that belong to ``split``; a hash takes their paths below the root."""
    root = existing_root(config.root, "The data set of frames", _LAYOUT)
    found = _find(root)
    if not found:
        raise DataError(f"No pictures were found under {root}; expected {_LAYOUT}.")
    chosen = divide(sorted(found), lambda folder: folder.relative_to(root).as_posix(), config, split)
    return ShotSource([PictureShot(one, found[one], config.downsize) for one in chosen], config, split)


def _find(root: Path) -> dict[Path, tuple[str, ...]]:
    """Every folder with pictures in it, and their names in natural order."""
    found = {}
    for folder, _, names in os.walk(root, followlinks=True):
        pictures = [name for name in names if Path(name).suffix.lower() in PICTURES]
        if pictures:
            found[Path(folder)] = tuple(sorted(pictures, key=natural_order))
    return found
