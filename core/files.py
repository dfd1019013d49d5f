"""Files and folders that are whole or not there: written under another name first, on disk, then renamed.

Temporary names are hidden, beside the target, and made for one process alone: ``.NAME.XXXXXXXX.part``. Names that must
be found again, by which an interrupted job goes on, are hidden too: see `hidden_name`.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

from core.errors import ForeignError

NAME_BYTES = 255
"""The longest name of a file on the file systems that Linux uses."""
_MAX_SUFFIX_LENGTH = 16
_RANDOM = 8
"""Characters that make a temporary name one that no other process has."""


@contextmanager
def whole_file(path: Path, private: bool = False) -> Iterator[Path]:
    """A temporary path in the folder of ``path``, with its suffix, that becomes ``path`` on leaving normally.

    After an exception nothing is left and an older ``path`` stands as it was. A ``private`` file is this user's alone.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = temporary_file(path)
    try:
        yield temporary
        publish(temporary, path, private)
    finally:
        temporary.unlink(missing_ok=True)


def write_json(path: Path, value: Any) -> None:
    """Write a value as indented JSON, whole or not at all."""
    with whole_file(path) as temporary:
        temporary.write_text(json.dumps(value, indent=2, sort_keys=True) + "\n", "utf-8")


def publish(temporary: Path, path: Path, private: bool = False) -> None:
    """Give a file, or a folder of files, its name, once all of it is on the disk; what had the name is replaced.

    Nothing else gives a file of ours its name. A folder that is replaced stands aside until the new one is there. A
    ``private`` file is this user's alone.
    """
    sync(temporary)
    aside = None
    if temporary.is_dir():
        temporary.chmod(0o777 & ~_umask())
        if path.is_dir() and any(path.iterdir()):
            aside = Path(tempfile.mkdtemp(prefix=_temporary_prefix(path), suffix=".old", dir=path.parent))
            os.replace(path, aside)
    else:
        temporary.chmod(0o600 if private else 0o666 & ~_umask())
    try:
        os.replace(temporary, path)
    except OSError:
        if aside:
            os.replace(aside, path)
        raise
    _sync_folder(path.parent)
    if aside:
        shutil.rmtree(aside)


def temporary_file(path: Path) -> Path:
    """A new, empty file beside ``path``, of the same suffix, that no other process uses."""
    handle, name = tempfile.mkstemp(
        prefix=_temporary_prefix(path), suffix=f".part{_suffix(path)}", dir=path.parent
    )
    os.close(handle)
    return Path(name)


def temporary_folder(path: Path) -> Path:
    """A new folder beside ``path`` that no other process uses."""
    return Path(tempfile.mkdtemp(prefix=_temporary_prefix(path), suffix=".part", dir=path.parent))


def remove_leftovers(path: Path) -> None:
    """Take away what killed processes left of ``path`` beside it; the caller knows that nobody makes it now.

    A folder that stood aside while another took its place gets its name again where it has no successor.
    """
    left = re.compile(
        rf"{re.escape(_temporary_prefix(path))}[a-z0-9_]{{{_RANDOM}}}\.(part|old)({re.escape(_suffix(path))})?"
    )
    for found in path.parent.iterdir():
        if not left.fullmatch(found.name) or not _is_ours(found.lstat()):
            continue
        if found.suffix == ".old" and not path.exists():
            os.replace(found, path)
        elif found.is_dir() and not found.is_symlink():
            shutil.rmtree(found)
        else:
            found.unlink(missing_ok=True)


def hidden_name(path: Path, ending: str) -> Path:
    """The hidden name beside ``path`` under which a later process finds what belongs to it: ``.NAME`` + ``ending``."""
    return path.with_name(shorten(f".{path.name}", ending))


def shorten(name: str, ending: str) -> str:
    """``name`` and ``ending``; a hash stands for a name so long that no file could have both."""
    if len(os.fsencode(name + ending)) <= NAME_BYTES:
        return name + ending
    return f".{hashlib.sha256(os.fsencode(name)).hexdigest()[:32]}{ending}"


def user_cache() -> Path:
    """The folder for what can be made or fetched again: ``$XDG_CACHE_HOME/mindvideo``, by default in ``~/.cache``.

    Raises RuntimeError where this user has no home.
    """
    parent = Path(os.environ.get("XDG_CACHE_HOME", ""))
    if not parent.is_absolute():
        try:
            parent = Path.home() / ".cache"
        except RuntimeError:
            raise RuntimeError("this user has no home folder") from None
    if not parent.is_absolute():
        raise RuntimeError("HOME is not an absolute path")
    return parent / "mindvideo"


def open_own(path: Path, *, fresh: bool = False) -> BinaryIO:
    """Open a file under a name that others can foresee for reading and writing; it is made where there is none.

    ``fresh`` empties it. Raises `ForeignError` for a link, or whatever else is not a plain file of this user's with
    this name alone, and leaves it as it is.
    """
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666)
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.EISDIR, errno.ENXIO):
            raise _foreign(path) from None
        raise
    status = os.fstat(handle)
    if not (stat.S_ISREG(status.st_mode) and status.st_nlink <= 1 and _is_ours(status)):
        os.close(handle)
        raise _foreign(path)
    file = os.fdopen(handle, "r+b")
    if fresh:
        file.truncate(0)
    return file


def sync(path: Path) -> None:
    """Have the bytes of a file, or of all files of a folder, on the disk, not only in the system's memory."""
    if not path.is_dir():
        with path.open("rb") as file:
            os.fsync(file.fileno())
        return
    for inner in path.iterdir():
        sync(inner)
    _sync_folder(path)


def size_of(path: Path) -> int:
    """Bytes of a file, or of all files of a folder."""
    return sum(map(size_of, path.iterdir())) if path.is_dir() else path.stat().st_size


def _sync_folder(folder: Path) -> None:
    """Have the names in a folder on the disk, where its file system can promise that."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        with suppress(OSError):  # some network file systems have no such promise for folders
            os.fsync(handle)
    finally:
        os.close(handle)


def _temporary_prefix(path: Path) -> str:
    room = "." + "x" * _RANDOM + f".part{_suffix(path)}"
    return shorten(f".{path.name}", room).removesuffix(room) + "."


def _suffix(path: Path) -> str:
    """The ending by which libraries know a format; a longer one is no such thing."""
    return path.suffix if len(path.suffix) <= _MAX_SUFFIX_LENGTH else ""


def _is_ours(status: os.stat_result) -> bool:
    return status.st_uid == os.geteuid()


def _foreign(path: Path) -> ForeignError:
    return ForeignError(
        f"{path} is not a file of ours (it is a link, or another user's): remove it, or write elsewhere."
    )


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
