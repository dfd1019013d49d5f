"""The library of kernels: built once per source and MindSpore into the user's cache, then loaded into this process.

It computes with a copy of the oneDNN that MindSpore ships, so nothing is downloaded; only a C++ compiler has to be
there. The copy is an instance of its own: it may use the newest instructions, while MindSpore's must be kept
from them (`core.devices`). Knows nothing of MindSpore's Python side.
"""

from __future__ import annotations

import ctypes
import functools
import logging
import os
import platform
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from core.kernels import building, cache
from core.kernels.building import Unavailable as Unavailable

_INSTRUCTIONS = {"SSE41": 0x1, "AVX": 0x3, "AVX2": 0x7, "AVX512": 0x27}
"""oneDNN's numbers of instruction sets, whose bits newer sets have as well."""
_ALL_INSTRUCTIONS = 0x0
_log = logging.getLogger(__name__)
_loaded: tuple[Path, ctypes.CDLL] | None = None
"""What this process computes with, once `use` was called."""


def available() -> tuple[bool, str]:
    """Whether the kernels can be used here, and where they are or what is missing; builds them if need be."""
    try:
        path, *_ = _load()
    except Unavailable as reason:
        return False, str(reason)
    return True, str(path)


def use(threads: int, instructions: str | None = None) -> None:
    """Have networks that are built from now on compute with these kernels, on so many threads.

    ``instructions`` is the newest instruction set, SSE41, AVX or AVX2, by default all that the processor has; the
    first call decides on it. Raises `Unavailable`.
    """
    global _loaded
    path, onednn, library = _load()
    limit = _INSTRUCTIONS[instructions] if instructions else _ALL_INSTRUCTIONS
    if library.Start(os.fsencode(onednn), limit, threads) != 0:
        raise Unavailable("they cannot be started; the reason stands above")
    _loaded = path, library


def use_if_available(threads: int, instructions: str | None = None) -> bool:
    """`use`, or one line in the log that says why not; whether the kernels are in use."""
    try:
        use(threads, instructions)
    except Unavailable as reason:
        _log.warning(
            "MindSpore's own, slower convolutions are used, as the faster ones are missing: %s.", reason
        )
        return False
    return True


def stop_using() -> None:
    """Have networks that are built from now on compute with MindSpore's own kernels."""
    global _loaded
    _loaded = None


@contextmanager
def set_aside() -> Iterator[None]:
    """Have networks that are built within compute with MindSpore's own kernels."""
    global _loaded
    before = _loaded
    _loaded = None
    try:
        yield
    finally:
        _loaded = before


def in_use() -> Path | None:
    """The library that new networks compute with; None where it is MindSpore's own kernels."""
    return _loaded[0] if _loaded else None


def build() -> str:
    """Which build of the kernels is in use: another one may round otherwise."""
    if _loaded is None:
        raise ValueError("The library of kernels is not in use.")
    return _loaded[0].stem.removeprefix("kernels-")


def instructions() -> str:
    """The instruction set in use: AVX512, AVX2, AVX, SSE41, or other where there is none of these."""
    if _loaded is None:
        raise ValueError("The library of kernels is not in use.")
    present = _loaded[1].Instructions()
    names = (name for name, bits in reversed(_INSTRUCTIONS.items()) if present & bits == bits)
    return next(names, "other")


def functions() -> ctypes.CDLL | None:
    """The library's functions for callers other than MindSpore; None where it is not in use."""
    return _loaded[1] if _loaded else None


@functools.cache
def _load() -> tuple[Path, Path, ctypes.CDLL]:
    """Where the library and its oneDNN are, and the library."""
    if not (sys.platform == "linux" and platform.machine() == "x86_64"):
        raise Unavailable(
            f"they are for Linux on x86-64, and this is {platform.system()} on {platform.machine()}"
        )
    path, onednn = _libraries()
    try:
        return path, onednn, ctypes.CDLL(str(path))
    except OSError as error:
        raise Unavailable(f"{path} cannot be loaded ({error})") from error


def _libraries() -> tuple[Path, Path]:
    """Where the library and its oneDNN are: in the user's cache or, where that is unusable, in one of this process."""
    theirs = building.onednn()
    try:
        ours = cache.of_the_user()
        return building.built(ours), building.copied(theirs, ours)
    except cache.Unusable as reason:
        unusable = reason
    try:
        ours = cache.of_this_process()
        _log.warning(
            "Kernels are built for this process alone, in %s, as %s. To keep them, mend that, or name a folder of "
            "yours in XDG_CACHE_HOME.",
            ours.folder,
            unusable,
        )
        return building.built(ours), building.copied(theirs, ours)
    except cache.Unusable as reason:
        raise Unavailable(f"{unusable}, and {reason}") from reason
