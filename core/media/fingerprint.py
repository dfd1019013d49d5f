"""Tells one source from another without reading it whole, and records how it is read."""

from __future__ import annotations

import hashlib
import json
from dataclasses import fields
from pathlib import Path
from typing import Any

from core.media.pictures import picture_paths
from core.media.video import VideoReader


def source_facts(path: Path, reader: VideoReader) -> dict[str, Any]:
    """Plain facts, under ``source.`` names, of a file or a folder of pictures and of the reader that opened it.

    A file is told by its path, size and time of change; a folder by those of all its pictures, since its own say
    nothing of a picture that was made again in its place. Whatever the reader says of the video is in as well: matrix,
    range, rate, pixel format.
    """
    info = {f"source.{field.name}": str(getattr(reader.info, field.name)) for field in fields(reader.info)}
    return {"source": str(path.resolve()), "source.files": _stamp(path), **info}


def _stamp(path: Path) -> str:
    files = picture_paths(path) if path.is_dir() else [path]
    told = [[file.name, (status := file.stat()).st_size, status.st_mtime_ns] for file in files]
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()
