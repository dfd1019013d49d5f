"""Files in the making: opened under a temporary name beside the target, and given up without a trace."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

import av
from av.container import OutputContainer

from core.errors import MediaError

CONTAINERS = {".mp4": "mp4", ".mkv": "matroska", ".y4m": "yuv4mpegpipe"}
"""Suffix -> libav's name of the format."""

_OPTIONS = {"mp4": {"movflags": "+faststart"}, "yuv4mpegpipe": {"strict": "-1"}}


def temporary_name(path: Path) -> Path:
    """A hidden name beside ``path`` that no other process uses."""
    return path.with_name(f".{path.name}.{os.getpid()}.part")


def open_output(path: Path) -> OutputContainer:
    """Open the temporary file of ``path`` in the format that its suffix tells, or raise `MediaError`."""
    name = CONTAINERS.get(path.suffix.lower())
    if name is None:
        raise MediaError(f"cannot write '{path.suffix}' files: use {', '.join(CONTAINERS)}")
    try:
        return av.open(f"file:{temporary_name(path)}", "w", format=name, options=_OPTIONS.get(name, {}))
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
