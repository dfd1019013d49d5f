"""The library of kernels: built once per source and MindSpore into the user's cache, then loaded into this process.

It computes with a copy of the oneDNN that MindSpore ships, so nothing is downloaded; only a C++ compiler has to be
there. The copy is an instance of its own: it may use the newest instructions, while MindSpore's must be kept
from them (`core.devices`). Networks compute with it that are built under a backend that has it (`core.backend`).
Knows nothing of MindSpore's Python side.
"""

from __future__ import annotations

import ctypes
import functools
import logging
import os
import platform
import sys
from dataclasses import dataclass, field
from pathlib import Path

from core.kernels import building, cache
from core.kernels.building import Unavailable as Unavailable

_INSTRUCTIONS = {"SSE41": 0x1, "AVX": 0x3, "AVX2": 0x7, "AVX512": 0x27}
"""oneDNN's numbers of instruction sets, whose bits newer sets have as well."""
_ALL_INSTRUCTIONS = 0x0
_MATRICES = 0xE00
"""The bits of AMX."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Library:
    """The library, started. There is one in a process: its threads and its instruction set are those of all runs."""

    path: Path
    functions: ctypes.CDLL = field(repr=False)
    """The functions by name, for callers other than MindSpore, which loads the path itself."""

    @property
    def build(self) -> str:
        """Which build of the kernels it is: another one may round otherwise."""
        return self.path.stem.removeprefix("kernels-")

    @property
    def instructions(self) -> str:
        """The instruction set in use: AVX512, AVX2, AVX, SSE41, or other where there is none of these."""
        present = self.functions.Instructions()
        names = (name for name, bits in reversed(_INSTRUCTIONS.items()) if present & bits == bits)
        return next(names, "other")

    @property
    def multiplies_bfloat16(self) -> bool:
        """Whether the processor multiplies matrices of bfloat16 (AMX), several times as fast as those of float32."""
        return self.functions.Instructions() & _MATRICES == _MATRICES


_started: Library | None = None


def available() -> tuple[bool, str]:
    """Whether the kernels can be used here, and where they are or what is missing; builds them if need be."""
    try:
        path, *_ = _load()
    except Unavailable as reason:
        return False, str(reason)
    return True, str(path)


def start(threads: int, instructions: str | None = None) -> Library:
    """The library, computing on so many threads from now on.

    ``instructions`` is the newest instruction set, SSE41, AVX or AVX2, by default all that the processor has; the
    first call decides on it. Raises `Unavailable`.
    """
    global _started
    path, onednn, functions = _load()
    limit = _INSTRUCTIONS[instructions] if instructions else _ALL_INSTRUCTIONS
    if functions.Start(os.fsencode(onednn), limit, threads) != 0:
        raise Unavailable("they cannot be started; the reason stands above")
    _started = Library(path, functions)
    return _started


def start_if_available(threads: int, instructions: str | None = None) -> Library | None:
    """`start`, or one line in the log that says why not."""
    try:
        return start(threads, instructions)
    except Unavailable as reason:
        _log.warning(
            "MindSpore's own, slower convolutions are used, as the faster ones are missing: %s.", reason
        )
        return None


def running() -> Library | None:
    """The library, if anything in this process has started it: for what is exact by whatever computes it."""
    return _started


@functools.cache
def _load() -> tuple[Path, Path, ctypes.CDLL]:
    """The paths of the library and of its oneDNN, and the library."""
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
    """The paths of the library and of its oneDNN: in the user's cache or, where that is unusable, in one of this
    process."""
    theirs = building.onednn()
    try:
        ours = cache.of_the_user()
        return building.build_library(ours), building.copy_library(theirs, ours)
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
        return building.build_library(ours), building.copy_library(theirs, ours)
    except cache.Unusable as reason:
        raise Unavailable(f"{unusable}, and {reason}") from reason
