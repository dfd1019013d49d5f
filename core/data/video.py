"""Any video files: clips of consecutive frames, decoded where they are needed."""

from __future__ import annotations

from dataclasses import dataclass, field
from glob import glob
from pathlib import Path

from core.data.options import CollectionOptions
from core.data.shots import VideoShot
from core.data.source import ShotSource
from core.data.splits import divide
from core.errors import DataError
from core.hooks import FilePath, Split

VIDEOS = frozenset({".mp4", ".mkv", ".mov", ".avi", ".webm", ".m4v", ".mpg", ".mpeg", ".ts", ".y4m"})
"""Suffixes that count as video when a folder is given."""


@dataclass
class VideoConfig(CollectionOptions):
    """Any video files. The split is by file, so give each recording a file of its own."""

    files: list[FilePath] = field(default_factory=list)
    """Video files, folders of them (searched at any depth) and patterns such as ``clips/**/*.mp4``."""


def video_files(config: VideoConfig, split: Split) -> ShotSource:
    """The files that belong to ``split``; a hash takes their names without folders."""
    from core.media.index import FrameIndex  # decoding is not needed to configure

    if not config.files:
        raise DataError("The data set of videos is empty; set dataset.files to files, folders or patterns.")
    found = sorted({path for given in config.files for path in _find(given)})
    chosen = divide(found, lambda path: path.name, config, split)
    shots = [VideoShot(FrameIndex(path), config.downsize) for path in chosen]
    return ShotSource(shots, config, split)


def _find(given: str) -> list[Path]:
    """The files that one item of ``files`` stands for."""
    path = Path(given).expanduser()
    if path.is_file():
        return [path]
    if path.is_dir():
        found = [one for one in path.rglob("*") if one.suffix.lower() in VIDEOS and one.is_file()]
    else:
        matches = glob(str(path), recursive=True)  # noqa: PTH207 - Path.glob refuses absolute patterns
        found = [Path(match) for match in matches if Path(match).is_file()]
    if not found:
        raise DataError(f"dataset.files has {given!r}, where no video is; give a file, folder or pattern.")
    return found
