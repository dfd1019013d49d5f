"""Builds the library of kernels, and copies the oneDNN that it computes with, where a cache has none."""

from __future__ import annotations

import functools
import hashlib
import os
import platform
import re
import shlex
import shutil
import subprocess
from importlib import metadata, util
from pathlib import Path

from core.kernels.cache import Cache, hash_of

_FLAGS = (
    *("-std=c++17", "-O3", "-shared", "-fPIC", "-fvisibility=hidden", "-pthread"),
    "-D_GLIBCXX_USE_CXX11_ABI=0",  # as MindSpore itself is built
)
_LINKED = ("-ldl",)
SOURCES = Path(__file__).with_name("src")
"""The folder of the C++ sources. `_MAIN` is compiled; it includes the others."""
_MAIN = "operators.cc"
_MINDSPORE = "2.10."
"""The version whose operator interface mindspore.h declares; another one could lay it out differently."""
_ONEDNN = "libdnnl.so.3"
_COMPILERS = ("g++", "clang++", "c++")
_VERSION_SECONDS = 30
_BUILD_SECONDS = 300


class Unavailable(Exception):
    """The kernels cannot be used here; the text says why."""


def onednn() -> Path:
    """The oneDNN inside MindSpore, of the version whose interface is declared in onednn.h. Raises `Unavailable`."""
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


def copy_library(original: Path, cache: Cache) -> Path:
    """A copy of a library in the cache, named by its content: the same file could not be loaded twice.

    Raises `Unusable` of `core.kernels.cache`.
    """
    facts = original.stat()
    known = _hash(f"{original}\0{facts.st_size}\0{facts.st_mtime_ns}")
    digest = str(cache.recall(f"original-{known}.json").get("sha256"))
    if not re.fullmatch("[0-9a-f]{64}", digest):
        with original.open("rb") as file:
            digest = hash_of(file)
        cache.remember(f"original-{known}.json", {"sha256": digest, "path": str(original)})
    name = f"onednn-{digest[:16]}.so"
    return cache.find(name) or cache.add(name, functools.partial(shutil.copyfile, original))


def build_library(cache: Cache) -> Path:
    """The library of kernels in the cache, compiled if it is not there yet.

    Its name tells sources, MindSpore and C library, and which compiler made it: results may differ in their last bits.
    Without a compiler, what any other one made is used. Raises `Unavailable`, and `Unusable` of `core.kernels.cache`.
    """
    mindspore, libc = metadata.version("mindspore"), "-".join(platform.libc_ver())
    digest = hashlib.sha256("\0".join((*_FLAGS, mindspore, libc)).encode())
    for source in sorted(path for path in SOURCES.iterdir() if path.suffix in (".cc", ".h")):
        digest.update(source.read_bytes())
    stem = f"kernels-{digest.hexdigest()[:16]}"
    try:
        compiler = _compiler()
    except Unavailable:
        found = (cache.find(path.name) for path in sorted(cache.folder.glob(f"{stem}-*.so")))
        if there := next(filter(None, found), None):
            return there
        raise
    version = _version(compiler)
    name = f"{stem}-{_hash(chr(0).join((*compiler[1:], version)))[:8]}.so"
    compiling = functools.partial(_compile, compiler, SOURCES / _MAIN)
    return cache.find(name) or cache.add(
        name, compiling, compiler=shlex.join(compiler), version=version, mindspore=mindspore, libc=libc
    )


def _compile(compiler: list[str], source: Path, path: Path) -> None:
    command = [*compiler, *_FLAGS, str(source), *_LINKED, "-o", str(path)]
    try:
        subprocess.run(command, check=True, capture_output=True, text=True, timeout=_BUILD_SECONDS)
    except subprocess.CalledProcessError as error:
        said = (error.stderr or "").strip().splitlines() or ["no message"]
        first = next((line for line in said if "error" in line), said[0])
        raise Unavailable(f"the compiler failed ({first})") from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Unavailable(f"the compiler could not be run ({error})") from error


def _compiler() -> list[str]:
    """The words of ``$CXX``, which may be more than a name, or the first known compiler on the path."""
    chosen = os.environ.get("CXX", "").strip()
    try:
        commands = [shlex.split(chosen)] if chosen else [[name] for name in _COMPILERS]
    except ValueError:
        raise Unavailable(f"CXX is not a command: {chosen}") from None
    for name, *options in commands:
        if found := shutil.which(name):
            return [found, *options]
    raise Unavailable(f"there is no C++ compiler ({chosen or ', '.join(_COMPILERS)} not found)")


def _version(compiler: list[str]) -> str:
    """The first line that a compiler says of itself."""
    environment = {**os.environ, "LC_ALL": "C"}
    try:
        said = subprocess.run(
            [*compiler, "--version"],
            capture_output=True,
            text=True,
            timeout=_VERSION_SECONDS,
            env=environment,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Unavailable(f"the compiler could not be run ({error})") from error
    return next(iter(said.stdout.splitlines()), "")


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
