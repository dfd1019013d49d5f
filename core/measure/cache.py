"""A cache of measurements by content: a clip's record, stream and pictures under a hash of all that decides them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from core.errors import RecordError
from core.facts import digest
from core.files import whole_file, write_json
from core.hooks import Array
from core.measure.records import C, ClipRecord, UpscaledClip
from core.media.samples import eight_bits
from core.records import decode_record, parse_json

FORMAT = 4
"""Raised when what is measured, or what a key is made of, changes its meaning."""

Drawn = tuple[Array, Array]
"""The last frame (3,H,W) of a clip in [0,1], as decoded and as it was given."""


class Cache:
    """A folder of measured clips. A record is written last and whole: where it is, the other files are."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def find(self, kind: type[C], key: str, label: str, drawn: bool) -> C | None:
        """The record of a clip under this label; none where there is none, or it is to be ``drawn`` and was not."""
        try:
            found = decode_record(kind, self.read(key))
        except (OSError, RecordError):
            return None
        files = [self.picture(key), self.source(found.source)] if drawn else []
        whole = found.key == key and all(file.is_file() for file in files)
        return replace(found, label=label) if whole else None

    def add(self, record: ClipRecord | UpscaledClip, drawn: Drawn | None) -> None:
        """Keep a record, and pictures where there are any."""
        if drawn is not None:
            draw(self.picture(record.key), drawn[0])
            draw(self.source(record.source), drawn[1])
        write_json(self.record(record.key), asdict(record))

    def read(self, key: str) -> Any:
        """The plain values under a key; raises OSError or `RecordError` where there are none that can be read."""
        return parse_json(self.record(key).read_bytes())

    def remember(self, key: str, make: Callable[[], dict[str, float]]) -> dict[str, float]:
        """Values by name under a key; where there are none that can be read, they are made and kept."""
        try:
            return decode_record(dict[str, float], self.read(key))
        except (OSError, RecordError):
            made = make()
            write_json(self.record(key), made)
            return made

    def record(self, key: str) -> Path:
        """File of the record."""
        return self._file(key, ".json")

    def stream(self, key: str) -> Path:
        """File of the stream."""
        return self._file(key, ".mdv")

    def picture(self, key: str) -> Path:
        """File of the last frame as decoded."""
        return self._file(key, ".png")

    def source(self, pixels: str) -> Path:
        """File of the last frame of a clip as it was given, by the hash of its pictures."""
        return self._file(pixels, ".source.png")

    def _file(self, key: str, suffix: str) -> Path:
        folder = self._folder / key[:2]
        folder.mkdir(parents=True, exist_ok=True)
        return folder / (key + suffix)


def key_of(conditions: Mapping[str, Any]) -> str:
    """Cache key: SHA-256 of the conditions."""
    return digest({"format": FORMAT, **conditions})


def pixels_of(*columns: Array) -> str:
    """SHA-256 of a clip's pictures, each column (T,3,H,W)."""
    hashed = hashlib.sha256()
    for column in columns:
        hashed.update(str(column.shape).encode())
        hashed.update(column.astype("<f4", copy=False).tobytes())
    return hashed.hexdigest()


def draw(path: Path, picture: Array) -> None:
    """Write a picture (3,H,W) in [0,1] as PNG, whole or not at all."""
    from PIL import Image

    with whole_file(path) as temporary:
        pixels = np.ascontiguousarray(eight_bits(picture).transpose(1, 2, 0))
        Image.fromarray(pixels).save(temporary, format="PNG")
