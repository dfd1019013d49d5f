"""Files that go to machines which do not see them, as bytes: what a work reads, and what is made of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TypeAlias

BLOCK = 64 << 20
"""Bytes that go at a time, at most."""

Trace: TypeAlias = tuple[tuple[str, int, int], ...]
"""Name, size and time of change of a file, or of each in a folder: by these another machine knows that it sees it."""
Files: TypeAlias = Mapping[str, bytes]
"""The content of a file, or of each file in a folder, by names within it."""


def trace(path: Path) -> Trace:
    """The trace of a file or folder; empty where there is none."""
    try:
        stats = [(name, file.stat()) for name, file in _files(path)]
    except OSError:
        return ()
    return tuple((name, stat.st_size, stat.st_mtime_ns) for name, stat in stats)


def blocks(path: Path) -> Iterator[tuple[str, bytes]]:
    """The bytes of a file or folder, in turn."""
    for name, file in _files(path):
        with file.open("rb") as opened:
            while block := opened.read(BLOCK):
                yield name, block


def add(path: Path, name: str, block: bytes) -> None:
    """Append what `blocks` gave to the copy of a file or folder at ``path``."""
    file = path / name
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("ab") as opened:
        opened.write(block)


def pack(path: Path) -> Files:
    """All of a small file or folder."""
    return {name: file.read_bytes() for name, file in _files(path)}


def unpack(path: Path, files: Files) -> None:
    """Write what was packed."""
    for name, data in files.items():
        file = path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)


def _files(path: Path) -> list[tuple[str, Path]]:
    if not path.is_dir():
        return [("", path)]
    return [(str(file.relative_to(path)), file) for file in sorted(path.rglob("*")) if file.is_file()]
