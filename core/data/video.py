"""Any video files: clips of consecutive frames, decoded where they are needed."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from glob import glob
from pathlib import Path

from core.data.options import ClipOptions, CollectionOptions
from core.data.shots import MemoryShot, Shot, VideoShot
from core.data.source import MixedSource, ShotSource
from core.data.splits import divide
from core.data.stills import StillsConfig, moving_stills
from core.errors import DataError
from core.hooks import ClipSource, FilePath, Split
from core.options import option

VIDEOS = frozenset({".mp4", ".mkv", ".mov", ".avi", ".webm", ".m4v", ".mpg", ".mpeg", ".ts", ".y4m"})
"""Suffixes that count as video when a folder is given."""


@dataclass
class VideoConfig(CollectionOptions):
    """Any video files. The split is by file, so give each recording a file of its own."""

    files: list[FilePath] = field(default_factory=list)
    """Video files, folders of them (searched at any depth) and patterns such as ``clips/**/*.mp4``."""
    in_memory: bool = False
    """Decode all files once and keep them, a byte a sample, which is much faster where they are few."""
    stills_share: float = option(0.0, at_least=0, at_most=1)
    """Share of training clips that are replaced with moving stills; needs a crop."""
    stills: StillsConfig = field(default_factory=StillsConfig)
    """These (see ``dataset=stills``); what both have is taken from here."""


def video_files(config: VideoConfig, split: Split) -> ClipSource:
    """The files that belong to ``split``; a hash takes their names without folders."""
    from core.media.index import FrameIndex  # decoding is not needed to configure

    if not config.files:
        raise DataError("The data set of videos is empty; set dataset.files to files, folders or patterns.")
    found = sorted({path for given in config.files for path in _find(given)})
    chosen = divide(found, lambda path: path.name, config, split)
    shots: list[Shot] = [VideoShot(FrameIndex(path), config.downsize) for path in chosen]
    if config.in_memory:
        shots = [MemoryShot(shot.name, shot.read(0, 1, shot.count)) for shot in shots]
    source = ShotSource(shots, config, split)
    if config.stills_share == 0 or split is not Split.TRAIN:
        return source
    shared = {option.name: getattr(config, option.name) for option in fields(ClipOptions)}
    stills = replace(config.stills, **shared | {"evaluation_crop": config.crop})
    return MixedSource(source, moving_stills(stills, split), config.stills_share)


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
