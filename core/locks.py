"""One process at a time: a lock is a small hidden file that is there, and locked, while somebody works."""

from __future__ import annotations

import errno
import fcntl
import os
import socket
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from core.errors import BusyError
from core.files import open_own

LOCK = ".lock"
"""Name of the lock of a whole folder, within it."""
_NO_LOCKS = (errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL)
"""Errors of file systems that cannot lock, as network file systems without the service for it."""


class Lock:
    """Held from its making until `release`, or the end of a ``with``; the end of the process lets it go as well.

    Where the file system cannot lock, a second file names host and process of the holder; one of this host that no
    longer runs does not count. Raises `BusyError` with ``sentence`` where another holds it, `ForeignError` where the
    file is not ours, OSError where it cannot be made.
    """

    def __init__(self, path: Path, sentence: str) -> None:
        self._path, self._sentence = path, sentence
        self._claim: Path | None = None
        self._file = self._lock()

    def release(self) -> None:
        """Let it go."""
        if self._claim:
            self._claim.unlink(missing_ok=True)
        self._path.unlink(missing_ok=True)
        self._file.close()

    def _lock(self) -> BinaryIO:
        while True:
            file = open_own(self._path)
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                file.close()
                raise BusyError(self._sentence) from None
            except OSError as error:
                if error.errno not in _NO_LOCKS:
                    file.close()
                    raise
                self._claim = self._make_claim()
                return file
            if self._is_there(file):
                return file
            file.close()  # who held it before has removed the file meanwhile

    def _is_there(self, file: BinaryIO) -> bool:
        try:
            there, ours = self._path.lstat(), os.fstat(file.fileno())
        except FileNotFoundError:
            return False
        return (there.st_dev, there.st_ino) == (ours.st_dev, ours.st_ino)

    def _make_claim(self) -> Path:
        """A file that only one process can have made, with the maker's name."""
        claim = self._path.with_name(f"{self._path.name}.holder")
        for _ in range(2):
            try:
                handle = os.open(claim, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o666)
            except FileExistsError:
                holder = claim.read_text("utf-8", "replace")
                if not _is_gone(holder):
                    told = holder.rpartition(" ")[0] or "unknown"
                    raise BusyError(
                        f"{self._sentence} (It is {told}; if it is gone, remove {claim}.)"
                    ) from None
                claim.unlink(missing_ok=True)
                continue
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(_myself())
            return claim
        raise BusyError(self._sentence)

    def __enter__(self) -> Lock:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


def _myself() -> str:
    """Host, process, and when that began, since numbers of processes are used again."""
    return f"{socket.gethostname()} process {os.getpid()} {_began(os.getpid())}"


def _is_gone(holder: str) -> bool:
    """Whether a holder was a process of this host and no longer runs; what cannot be told counts as running."""
    words = holder.split()
    if len(words) != 4 or words[0] != socket.gethostname() or not words[2].isdigit():
        return False
    return _began(int(words[2])) != words[3]


def _began(process: int) -> str:
    """When a process began, in the system's ticks; empty where there is none."""
    try:
        text = Path(f"/proc/{process}/stat").read_text("utf-8", "replace")
    except OSError:
        return ""
    return text.rpartition(")")[2].split()[19]
