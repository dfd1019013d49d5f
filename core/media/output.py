"""Files in the making: checked first, opened under a temporary name beside the target, given up without a trace."""

from __future__ import annotations

import os
import re
from collections.abc import Collection
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from typing import BinaryIO

import av
from av.container import OutputContainer

from core.errors import MediaError
from core.files import temporary_file

CONTAINERS = {".mp4": "mp4", ".mkv": "matroska", ".y4m": "yuv4mpegpipe"}
"""Suffix -> libav's name of the format."""
VIDEO_SUFFIXES = (*CONTAINERS, "")
"""Endings of a video that is written; none is a folder of pictures."""
_EXACT = {"fflags": "+bitexact"}
"""No random numbers and no names of programs: equal pictures, equal bytes."""
_MAX_HEADER_BYTES = 256
"""Bytes of the first line of y4m."""


def check_output(
    source: Path, output: Path, overwrite: bool, suffixes: Collection[str] = VIDEO_SUFFIXES
) -> None:
    """Raise `MediaError` unless ``output``, made from ``source``, can be written without losing anything."""
    if output.suffix.lower() not in suffixes:
        endings = ", ".join(suffix or "a folder of pictures" for suffix in suffixes)
        raise MediaError(f"{output} has an unknown ending: write {endings}.")
    if not output.parent.is_dir():
        raise MediaError(f"{output.parent} is not a folder: create it before writing {output.name}.")
    if not os.access(output.parent, os.W_OK):
        raise MediaError(f"{output.parent} cannot be written to: give another folder, or change its rights.")
    if output.exists() and source.exists() and output.samefile(source):
        raise MediaError(f"{output} is the input itself: give another task.output.")
    if output.exists() and not overwrite:
        raise MediaError(f"{output} exists: give another task.output, or task.overwrite=true.")
    if output.is_dir() != (output.suffix == "") and output.exists():
        raise MediaError(
            f"{output} is {'a folder' if output.is_dir() else 'a file'}: give another task.output."
        )
    if output.is_dir() and not all(path.suffix.lower() == ".png" for path in output.iterdir()):
        raise MediaError(
            f"{output} holds more than PNG pictures and is not replaced: give another task.output."
        )


def open_output(path: Path, time_unit: Fraction) -> tuple[OutputContainer, Path]:
    """Open a temporary file of ``path`` in the format that the suffix tells, or raise `MediaError`; returns both.

    ``time_unit`` is that of the pictures' time stamps; an mp4 file would else round its length to milliseconds.
    """
    name = CONTAINERS.get(path.suffix.lower())
    if name is None:
        raise MediaError(f"cannot write '{path.suffix}' files: use {', '.join(CONTAINERS)}")
    options = dict(_EXACT)
    if name == "mp4":
        options |= {"movflags": "+faststart", "movie_timescale": str(time_unit.denominator)}
    elif name == "yuv4mpegpipe":
        options |= {"strict": "-1"}  # more than 8 bits are an extension of the format
    temporary = None
    try:
        temporary = temporary_file(path)
        return av.open(f"file:{temporary}", "w", format=name, options=options), temporary
    except (av.FFmpegError, OSError) as error:
        if temporary:
            temporary.unlink(missing_ok=True)
        raise cannot_write(path, error) from error


def open_pipe(pipe: BinaryIO, suffix: str) -> OutputContainer:
    """Begin a video of the format that the suffix tells in a pipe, into which each picture goes at once."""
    options = _EXACT | {"strict": "-1", "flush_packets": "1"} | ({"live": "1"} if suffix == ".mkv" else {})
    return av.open(pipe, "w", format=CONTAINERS[suffix], options=options)


def state_aspect(y4m: Path, ratio: Fraction) -> None:
    """Write the shape of samples into the header of a y4m file, which libav's bindings leave unsaid.

    The header keeps its length: a comment that repeats the format of the planes makes room.
    """
    with y4m.open("r+b") as file:
        before = file.readline(_MAX_HEADER_BYTES)
        after = re.sub(rb" XYSCSS=\S+", b"", before, count=1)
        after = after.replace(b" A0:0", b" A%d:%d" % (ratio.numerator, ratio.denominator), 1)
        room = len(before) - len(after)
        if room < 0:
            return
        comment = b" X" + b"_" * (room - 2) if room > 1 else b" " * room
        file.seek(0)
        file.write(after[:-1] + comment + b"\n")


def discard_output(container: OutputContainer, temporary: Path) -> None:
    """Close the container and remove its temporary file, if it is still there."""
    # The file is given up: that its end cannot be written no longer matters.
    with suppress(av.FFmpegError, OSError, ValueError):
        container.close()
    temporary.unlink(missing_ok=True)


class WriteError(MediaError):
    """A file cannot be written; ``reason`` is what libav or the system says."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path} cannot be written: {reason}")
        self.path, self.reason = path, reason

    def __reduce__(self) -> tuple[type[WriteError], tuple[Path, str]]:
        return WriteError, (self.path, self.reason)


def cannot_write(path: Path, error: BaseException) -> WriteError:
    """The user's sentence for what libav or the system says."""
    reason = error.reason if isinstance(error, WriteError) else getattr(error, "strerror", None) or error
    return WriteError(path, str(reason))
