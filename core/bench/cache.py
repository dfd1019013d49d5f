"""What was measured before, by content: a clip's record, stream and pictures under a hash of all that decides them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from core.bench.records import ClipRecord, UpscaledClip
from core.errors import RecordError
from core.facts import digest
from core.files import whole_file, write_json
from core.hooks import Array
from core.records import decode_record, parse_json

FORMAT = 3
"""Raised when what is measured, or what a key is made of, changes its meaning."""


R = TypeVar("R", ClipRecord, UpscaledClip)


class Cache:
    """A folder of measured clips. A record is written last and whole: where it is, the other files are."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def find(self, kind: type[R], key: str, label: str) -> R | None:
        """The record of a clip under this label; none where there is none, or none that can be read."""
        try:
            found = decode_record(kind, self.read(key))
        except (OSError, RecordError):
            return None
        return replace(found, label=label) if found.key == key else None

    def add(self, clip: ClipRecord | UpscaledClip) -> None:
        """Keep a record."""
        write_json(self.record(clip.key), asdict(clip))

    def read(self, key: str) -> Any:
        """The plain values under a key; raises OSError or `RecordError` where there are none that can be read."""
        return parse_json(self.record(key).read_bytes())

    def remembered(self, key: str, make: Callable[[], dict[str, float]]) -> dict[str, float]:
        """Values by name under a key; where there are none that can be read, they are made and kept."""
        try:
            return decode_record(dict[str, float], self.read(key))
        except (OSError, RecordError):
            made = make()
            write_json(self.record(key), made)
            return made

    def draw(self, path: Path, picture: Array) -> None:
        """Write a picture (3,H,W) in [0,1] as PNG, whole or not at all."""
        from PIL import Image

        samples = np.rint(np.clip(picture, 0, 1) * 255).astype(np.uint8)
        with whole_file(path) as temporary:
            Image.fromarray(np.ascontiguousarray(samples.transpose(1, 2, 0))).save(temporary, format="PNG")

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
    """The name of all that decides a result."""
    return digest({"format": FORMAT, **conditions})


def pixels_of(frames: Array) -> str:
    """The name of a clip's pictures (T,3,H,W)."""
    digest = hashlib.sha256(str(frames.shape).encode())
    digest.update(frames.astype("<f4", copy=False).tobytes())
    return digest.hexdigest()
