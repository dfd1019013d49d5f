"""The library of kernels: built once per source and MindSpore into the user's cache, then loaded into this process.

It computes with a copy of the oneDNN that MindSpore ships, so nothing is downloaded; only a C++ compiler has to be
there. The copy is an instance of its own: it may use the newest instructions, while MindSpore's must be kept
from them (`core.devices`). Knows nothing of MindSpore's Python side.
"""

from __future__ import annotations

import ctypes
import functools
import hashlib
import logging
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import metadata, util
from pathlib import Path

from core.files import whole_file

_FLAGS = (
    *("-std=c++17", "-O3", "-shared", "-fPIC", "-fvisibility=hidden", "-pthread"),
    "-D_GLIBCXX_USE_CXX11_ABI=0",  # as MindSpore itself is built
)
_LINKED = ("-ldl",)
_SOURCES = (
    *("operators.cc", "deforming.h", "handles.h", "integers.h", "mindspore.h", "normalising.h", "onednn.h"),
    *("plan.h", "problem.h", "resizing.h", "runtime.h", "sampling.h", "sums.h", "threads.h", "weights.h"),
)
"""The first is compiled; it includes the others."""
_MINDSPORE = "2.10."
"""The version whose operator interface mindspore.h declares; another one could lay it out differently."""
_ONEDNN = "libdnnl.so.3"
_COMPILERS = ("g++", "clang++", "c++")
_INSTRUCTIONS = {"SSE41": 0x1, "AVX": 0x3, "AVX2": 0x7, "AVX512": 0x27}
"""oneDNN's numbers of instruction sets, whose bits newer sets have as well."""
_ALL_INSTRUCTIONS = 0x0
_BUILD_SECONDS = 300
_log = logging.getLogger(__name__)


class Unavailable(Exception):
    """The kernels cannot be used here; the text says why."""


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
    theirs = _onednn()
    path, onednn = _built(), _copied(theirs)
    try:
        return path, onednn, ctypes.CDLL(str(path))
    except OSError as error:
        raise Unavailable(f"{path} cannot be loaded ({error})") from error


def _onednn() -> Path:
    """The oneDNN inside MindSpore, of the version whose interface is declared in onednn.h."""
    package = util.find_spec("mindspore")
    if package is None or package.origin is None:
        raise Unavailable("MindSpore is not installed")
    version = metadata.version("mindspore")
    if not version.startswith(_MINDSPORE):
        raise Unavailable(f"they are for MindSpore {_MINDSPORE}x, and this is {version}")
    path = Path(package.origin).parent / "lib" / _ONEDNN
    if not path.is_file():
        raise Unavailable(f"this MindSpore has no {_ONEDNN}")
    return path


def _copied(onednn: Path) -> Path:
    """A copy of it in the cache: the same file could not be loaded twice."""
    facts = onednn.stat()
    digest = hashlib.sha256(f"{onednn}\0{facts.st_size}\0{facts.st_mtime_ns}".encode())
    path = cache_folder() / f"onednn-{digest.hexdigest()[:16]}.so"
    if not path.is_file():
        try:
            with whole_file(path) as temporary:
                shutil.copyfile(onednn, temporary)
        except OSError as error:
            raise Unavailable(f"{onednn.name} could not be copied to {path.parent} ({error})") from error
    return path


def _built() -> Path:
    """The library in the cache, compiled if it is not there yet."""
    sources = [Path(__file__).with_name(name) for name in _SOURCES]
    digest = hashlib.sha256("\0".join((*_FLAGS, metadata.version("mindspore"))).encode())
    for source in sources:
        digest.update(source.read_bytes())
    path = cache_folder() / f"kernels-{digest.hexdigest()[:16]}.so"
    if not path.is_file():
        _compile(sources[0], path)
    return path


def cache_folder() -> Path:
    """Where built libraries are kept: ``$XDG_CACHE_HOME/mindvideo/kernels``, by default in ``~/.cache``."""
    chosen = Path(os.environ.get("XDG_CACHE_HOME", ""))
    return (chosen if chosen.is_absolute() else Path.home() / ".cache") / "mindvideo" / "kernels"


def _compile(source: Path, path: Path) -> None:
    """Compile into ``path``, which is whole or not there; two processes may do so at once."""
    try:
        with whole_file(path) as temporary:
            command = [*_compiler(), *_FLAGS, str(source), *_LINKED, "-o", str(temporary)]
            subprocess.run(command, check=True, capture_output=True, text=True, timeout=_BUILD_SECONDS)
    except subprocess.CalledProcessError as error:
        said = (error.stderr or "").strip().splitlines() or ["no message"]
        first = next((line for line in said if "error" in line), said[0])
        raise Unavailable(f"the compiler failed ({first})") from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Unavailable(f"they could not be built in {path.parent} ({error})") from error


def _compiler() -> list[str]:
    """``$CXX`` or the first known compiler on the path."""
    chosen = os.environ.get("CXX")
    for name in [chosen] if chosen else _COMPILERS:
        found = shutil.which(name)
        if found:
            return [found]
    raise Unavailable(f"there is no C++ compiler ({chosen or ', '.join(_COMPILERS)} not found)")
