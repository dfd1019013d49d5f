"""All that decides what a job makes, as readable facts by name: two jobs of equal facts make the same.

Facts are plain values under dotted names (``codec.crf``: 27). They are kept beside what was made, so that a later
process can tell whether it may go on from it, and if not, which of them differ.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection, Iterator, Mapping
from enum import Enum
from pathlib import Path
from typing import Any

Facts = dict[str, Any]
"""Values are None, bool, int, float, str, or lists of them."""

_SHOWN = 4
"""Differences that a sentence names."""
_BLOCK = 1 << 20
"""Bytes of a file that are read at a time."""


def facts(
    sections: Mapping[str, Any],
    *,
    without: Collection[str] = (),
    name_of: Callable[[Path], str] | None = None,
) -> Facts:
    """Facts of sections of settings, however deep: of ``{"codec": {"crf": 27}}`` they are ``{"codec.crf": 27}``.

    Those named in ``without`` are left out. Where a text is the name of a file or folder, what is there stands in its
    place, as ``name_of`` (by default `content_of`) tells it: a file may be another one under the same path, and the
    same one under another.
    """
    flat = {name: value for name, value in _flat("", sections) if name not in without}
    return {name: _to_plain(value, name_of or content_of) for name, value in flat.items()}


def digest(known: Mapping[str, Any]) -> str:
    """A hash of facts."""
    return hashlib.sha256(json.dumps(known, sort_keys=True).encode()).hexdigest()


def changes(before: Any, now: Mapping[str, Any]) -> str:
    """The differences, for a sentence: ``codec.crf was 10 and is 45``; empty where there are none."""
    if not isinstance(before, Mapping):
        return "its record cannot be read"
    keys = [
        key for key in dict.fromkeys([*now, *before]) if before.get(key, _ABSENT) != now.get(key, _ABSENT)
    ]
    told = [f"{key} {_was(before.get(key, _ABSENT), now.get(key, _ABSENT))}" for key in keys[:_SHOWN]]
    more = [f"{len(keys) - _SHOWN} more"] if len(keys) > _SHOWN else []
    return ", ".join([*told, *more])


def content_of(path: Path) -> str:
    """A name for what is in a file, by all its bytes, or in a folder, as `outline_of`."""
    if path.is_dir():
        return outline_of(path)
    hashed = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            hashed.update(block)
    return f"file {hashed.hexdigest()[:_DIGITS]}"


def outline_of(path: Path) -> str:
    """The same without reading files, which may be many and large: by names and sizes."""
    if not path.is_dir():
        return f"file {path.name} of {path.stat().st_size} bytes"
    inner = sorted((item.name, item.stat().st_size if item.is_file() else -1) for item in path.iterdir())
    return f"folder {digest({'content': inner})[:_DIGITS]}"


_ABSENT = object()
_DIGITS = 32


def _was(before: Any, now: Any) -> str:
    if before is _ABSENT:
        return f"is {json.dumps(now)} and was not told"
    if now is _ABSENT:
        return f"was {json.dumps(before)} and is not told"
    return f"was {json.dumps(before)} and is {json.dumps(now)}"


def _flat(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _flat(f"{name}.{key}" if name else str(key), inner)
    else:
        yield name, value


def _to_plain(value: Any, name_of: Callable[[Path], str]) -> Any:
    if isinstance(value, Enum):
        return value.name
    if isinstance(value, (list, tuple)):
        return [_to_plain(item, name_of) for item in value]
    if isinstance(value, (str, Path)):
        return _content_of(str(value), name_of)
    return value if value is None or isinstance(value, (bool, int, float)) else str(value)


def _content_of(text: str, name_of: Callable[[Path], str]) -> str:
    """A text, or what is in the file or folder that it names."""
    try:
        if not text or not Path(text).exists():
            return text
        content = name_of(Path(text))
    except (OSError, ValueError):  # no name that a file could have, or not ours to read: a text
        return text
    # A word that is no path, "floor" say, may have a namesake among the files.
    return content if Path(text).suffix or len(Path(text).parts) > 1 else f"{text}: {content}"
