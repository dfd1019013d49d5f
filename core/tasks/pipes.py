"""Standard input and output in the place of files."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from core.errors import ConfigError

PIPE = "-"
"""The name of standard input and output."""
VIDEOS = {PIPE: Path("-.y4m"), "-.y4m": Path("-.y4m"), "-.mkv": Path("-.mkv")}
"""Names of standard output as a video, and what format that is."""


@contextmanager
def standard_output() -> Iterator[BinaryIO]:
    """Standard output for what is made; what anything else prints meanwhile goes to standard error.

    Raises `ConfigError` where it is a terminal.
    """
    if sys.stdout.isatty():
        raise ConfigError("standard output is a terminal: let a program read it (… | mpv -), or name a file.")
    sys.stdout.flush()
    pipe = os.dup(1)
    os.dup2(2, 1)
    try:
        with os.fdopen(pipe, "wb", buffering=0, closefd=False) as file:
            yield file
    finally:
        os.dup2(pipe, 1)
        os.close(pipe)
