"""A private folder of built libraries, each with a record of its hash beside it.

What is loaded into a process acts as its user. So a library is taken only from a folder, and as a file, that nobody
but this user and root may write, and only if it is to the last bit what was put there.
"""

from __future__ import annotations

import atexit
import hashlib
import json
import logging
import os
import shutil
import stat
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from core.files import user_cache, whole_file

KEPT_DAYS = 90
"""Days after which an unused library is removed, when another is added."""
_RECORD_BYTES = 65536
"""A longer record is none of ours."""
_log = logging.getLogger(__name__)


class Unusable(Exception):
    """A folder cannot be used as a cache; the text says why."""


@dataclass(frozen=True)
class Cache:
    """A folder that `of_the_user` or `of_this_process` found good."""

    folder: Path

    def find(self, name: str) -> Path | None:
        """The library of this name; None where there is none that is whole and that nobody else may have written.

        Of one that is refused there is a line in the log.
        """
        path, record = self.folder / name, self.recall(_record_name(name))
        try:
            with _open_private(path) as file:
                if "sha256" not in record:  # it was not finished, or is of an older version
                    return None
                if (
                    os.fstat(file.fileno()).st_size != record.get("bytes")
                    or hash_of(file) != record["sha256"]
                ):
                    raise Unusable(f"{path} is damaged")
        except FileNotFoundError:
            return None
        except (OSError, Unusable) as reason:
            _log.warning("A library of kernels is made anew: %s.", reason)
            return None
        self._touch(name)
        return path

    def add(self, name: str, make: Callable[[Path], None], **facts: Any) -> Path:
        """The library of this name, made by ``make`` at the path that it is given; its record says ``facts`` as well.

        Two processes may do so at once. Raises `Unusable` where the folder cannot be written.
        """
        path = self.folder / name
        try:
            self._remove_unused()
            with whole_file(path, private=True) as temporary:
                make(temporary)
                with temporary.open("rb") as file:
                    facts |= {"bytes": temporary.stat().st_size, "sha256": hash_of(file)}
            self._write(_record_name(name), facts)
        except OSError as error:
            raise Unusable(f"{self.folder} cannot be written ({error.strerror or error})") from error
        return path

    def remember(self, name: str, facts: dict[str, Any]) -> None:
        """Keep a record that only saves time, where that is possible."""
        with suppress(OSError):
            self._write(name, facts)

    def recall(self, name: str) -> dict[str, Any]:
        """A record as it was kept; empty where there is none, or not a whole one of ours."""
        try:
            with _open_private(self.folder / name) as file:
                record = json.loads(file.read(_RECORD_BYTES))
        except (OSError, ValueError, RecursionError, Unusable):
            return {}
        self._touch(name)
        return record if isinstance(record, dict) else {}

    def _write(self, name: str, facts: dict[str, Any]) -> None:
        with whole_file(self.folder / name, private=True) as temporary:
            temporary.write_text(json.dumps(facts, indent=2, sort_keys=True) + "\n", "utf-8")

    def _touch(self, name: str) -> None:
        """Note that it was used, which is not possible in a folder of root's."""
        with suppress(OSError):
            os.utime(self.folder / name)

    def _remove_unused(self) -> None:
        oldest = time.time() - KEPT_DAYS * 86400
        for path in self.folder.iterdir():
            with suppress(FileNotFoundError):  # another process may be at it as well
                if path.is_file() and path.lstat().st_mtime < oldest:
                    path.unlink()


def user_folder() -> Path:
    """The folder of built libraries: ``$XDG_CACHE_HOME/mindvideo/kernels``, by default in ``~/.cache``.

    Raises `Unusable` where this user has no home.
    """
    try:
        return user_cache() / "kernels"
    except RuntimeError as error:
        raise Unusable(str(error)) from None


def of_the_user() -> Cache:
    """The user's own cache, made where there is none. Raises `Unusable`.

    Folders above may be links: what counts is whose the folder itself is, and who may write it.
    """
    folder = user_folder()
    try:
        folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)
        _require_private(folder, folder.lstat(), stat.S_ISDIR)
        # A loaded library is known by the path it was loaded from: links in that would have it loaded twice.
        folder = folder.resolve()
        next(folder.iterdir(), None)
    except OSError as error:
        raise Unusable(f"{folder} cannot be used ({error.strerror or error})") from error
    if ":" in str(folder):
        raise Unusable(f"{folder} has a colon in its name, which MindSpore cannot take")
    return Cache(folder)


def of_this_process() -> Cache:
    """A cache in the folder for temporary files, which goes with this process. Raises `Unusable`."""
    try:
        folder = Path(tempfile.mkdtemp(prefix="mindvideo-kernels-")).resolve()
    except OSError as error:
        raise Unusable(f"there is no folder for temporary files ({error.strerror or error})") from error
    atexit.register(_remove, folder, os.getpid())
    return Cache(folder)


def _remove(folder: Path, process: int) -> None:
    if os.getpid() == process:  # else it is a fork, and the folder its parent's
        shutil.rmtree(folder, ignore_errors=True)


def hash_of(file: BinaryIO) -> str:
    """SHA-256 of the rest of a file."""
    digest = hashlib.sha256()
    while block := file.read(1 << 20):
        digest.update(block)
    return digest.hexdigest()


def _record_name(library: str) -> str:
    return Path(library).with_suffix(".json").name


def _open_private(path: Path) -> BinaryIO:
    """Open a file that nobody but this user and root may write. Raises `Unusable` for others, OSError."""
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        _require_private(path, os.fstat(handle), stat.S_ISREG)
    except BaseException:
        os.close(handle)
        raise
    return os.fdopen(handle, "rb")


def _require_private(path: Path, status: os.stat_result, is_kind: Callable[[int], bool]) -> None:
    if not is_kind(status.st_mode):
        raise Unusable(f"{path} is a link or of another kind than it should be")
    if status.st_uid not in (os.geteuid(), 0):
        raise Unusable(f"{path} belongs to another user")
    if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise Unusable(f"{path} may be written by others")
