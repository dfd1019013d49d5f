"""Checks before the first frame of an output is made: nothing is lost, nobody else makes it, there is room for
it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from core.errors import MediaError
from core.files import NAME_BYTES, hidden_name, remove_leftovers
from core.locks import Lock
from core.media.output import VIDEO_SUFFIXES, cannot_write, check_output

_MIN_OUTPUT_BYTES = 1 << 14
_BYTES_PER_PIXEL = 0.001
"""Bytes that coded video takes at least, but for pictures of one colour."""
_UNCODED_BYTES_PER_PIXEL = 1.5
"""Bytes of a pixel of y4m in 4:2:0, the least that we write."""


@contextmanager
def claim_output(
    source: Path, output: Path, overwrite: bool, suffixes: Collection[str] = VIDEO_SUFFIXES
) -> Iterator[None]:
    """While it lasts, this process alone makes ``output`` from ``source``; what killed processes left of it is
    removed.

    Raises `MediaError` where the output cannot be written without losing anything, `BusyError` where another process
    makes it already, `ForeignError` where its hidden name is not ours to use.
    """
    length = len(os.fsencode(output.name))
    if length > NAME_BYTES:
        raise MediaError(
            f"the name of {output} has {length} bytes, of {NAME_BYTES} that a file can have: shorten it."
        )
    check_output(source, output, overwrite, suffixes)
    sentence = (
        f"{output} is in use: another process is making it at this moment; give another task.output, or wait."
    )
    try:
        lock = Lock(hidden_name(output, ".lock"), sentence)
    except OSError as error:
        raise cannot_write(output, error) from error
    with lock:
        remove_leftovers(output)
        check_output(source, output, overwrite, suffixes)  # who held it before may have made it
        yield


def require_space(output: Path, pixels: int) -> None:
    """Raise `MediaError` where the disk is clearly too small for ``output``, in which so many pixels are written."""
    uncoded = output.suffix.lower() == ".y4m"
    needed = int(pixels * (_UNCODED_BYTES_PER_PIXEL if uncoded else _BYTES_PER_PIXEL))
    needed = max(needed, _MIN_OUTPUT_BYTES)
    try:
        free = shutil.disk_usage(output.parent).free
    except OSError as error:
        raise cannot_write(output, error) from error
    if free < needed:
        raise MediaError(
            f"{output} will take at least {_format_size(needed)}, and {output.parent} has {_format_size(free)} free: "
            "make room, or write elsewhere."
        )


def _format_size(size: int) -> str:
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.2f} MB"
