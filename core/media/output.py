"""Files in the making: opened under a temporary name beside the target, and given up without a trace."""

from __future__ import annotations

import os
from contextlib import suppress
from fractions import Fraction
from pathlib import Path

import av
from av.container import OutputContainer

from core.errors import MediaError

CONTAINERS = {".mp4": "mp4", ".mkv": "matroska", ".y4m": "yuv4mpegpipe"}
"""Suffix -> libav's name of the format."""


def temporary_name(path: Path) -> Path:
    """A hidden name beside ``path`` that no other process uses."""
    return path.with_name(f".{path.name}.{os.getpid()}.part")


def open_output(path: Path, time_unit: Fraction) -> OutputContainer:
    """Open the temporary file of ``path`` in the format that its suffix tells, or raise `MediaError`.

    ``time_unit`` is that of the pictures' time stamps; an mp4 file would else round its length to milliseconds.
    """
    name = CONTAINERS.get(path.suffix.lower())
    if name is None:
        raise MediaError(f"cannot write '{path.suffix}' files: use {', '.join(CONTAINERS)}")
    options = {}
    if name == "mp4":
        options = {"movflags": "+faststart", "movie_timescale": str(time_unit.denominator)}
    elif name == "yuv4mpegpipe":
        options = {"strict": "-1"}  # more than 8 bits are an extension of the format
    try:
        return av.open(f"file:{temporary_name(path)}", "w", format=name, options=options)
    except (av.FFmpegError, OSError) as error:
        raise cannot_write(path, error) from error


def discard_output(container: OutputContainer, path: Path) -> None:
    """Close the container and remove the temporary file of ``path``, if it is still there."""
    # The file is given up: that its end cannot be written no longer matters.
    with suppress(av.FFmpegError, OSError, ValueError):
        container.close()
    temporary_name(path).unlink(missing_ok=True)


def cannot_write(path: Path, error: BaseException) -> MediaError:
    """The user's sentence for what libav or the system says."""
    return MediaError(f"{path} cannot be written: {getattr(error, 'strerror', None) or error}")
