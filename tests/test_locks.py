"""A lock has one holder at a time; who died holds none."""

import errno
import fcntl
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from core import locks
from core.errors import BusyError
from core.locks import Lock


def test_one_holder_at_a_time(tmp_path: Path) -> None:
    path = tmp_path / ".out.lock"
    with Lock(path, "out is in use."):
        with pytest.raises(BusyError, match=r"^out is in use\.$"):
            Lock(path, "out is in use.")
        assert path.exists()
    assert not path.exists()
    Lock(path, "out is in use.").release()


@pytest.mark.heavy
def test_a_killed_process_holds_nothing(tmp_path: Path) -> None:
    program = "import os, sys; from core.locks import Lock; from pathlib import Path\n"
    program += "Lock(Path(sys.argv[1]), ''); os.kill(os.getpid(), 9)"
    killed = subprocess.run([sys.executable, "-c", program, tmp_path / "l"], check=False)
    assert killed.returncode == -9 and (tmp_path / "l").exists()
    with Lock(tmp_path / "l", "in use"):
        pass
    assert not (tmp_path / "l").exists()


def test_a_lock_file_that_was_removed_meanwhile_does_not_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Opened while another held it, locked after that one had removed it: a third would lock a new file."""
    path, flock, opened = tmp_path / "l", fcntl.flock, []

    def late(file, how) -> None:
        opened.append(file)
        if len(opened) == 1:
            path.unlink()
        flock(file, how)

    monkeypatch.setattr(fcntl, "flock", late)
    with Lock(path, "in use"):
        assert len(opened) == 2
        with pytest.raises(BusyError):
            Lock(path, "in use")


@pytest.fixture(params=[errno.ENOLCK, errno.ENOTSUP])
def no_locks(request, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file system that cannot lock."""

    def refuse(file, how) -> None:
        raise OSError(request.param, os.strerror(request.param))

    monkeypatch.setattr(fcntl, "flock", refuse)


def test_without_locks_a_file_names_the_holder(tmp_path: Path, no_locks: None) -> None:
    path = tmp_path / "l"
    with Lock(path, "In use."):
        told = rf"In use\. \(It is {socket.gethostname()} process {os.getpid()}; if it is gone, remove .*l\.holder\.\)"
        with pytest.raises(BusyError, match=told):
            Lock(path, "In use.")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("host", "process", "began", "stale"),
    [
        (socket.gethostname(), "4194305", "1", True),  # beyond the largest number of a process
        (socket.gethostname(), str(os.getpid()), "1", True),  # the number was used again
        (socket.gethostname(), str(os.getpid()), locks._began(os.getpid()), False),
        ("elsewhere", "4194305", "1", False),
    ],
    ids=["beyond", "used again", "running", "elsewhere"],
)
def test_a_holder_that_is_gone(
    tmp_path: Path, no_locks: None, host: str, process: str, began: str, stale: bool
) -> None:
    (tmp_path / "l.holder").write_text(f"{host} process {process} {began}")
    if stale:
        Lock(tmp_path / "l", "In use.").release()
        assert list(tmp_path.iterdir()) == []
    else:
        with pytest.raises(BusyError, match=f"It is {host} process"):
            Lock(tmp_path / "l", "In use.")


def test_other_errors_are_not_taken_for_a_holder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(file, how) -> None:
        raise OSError(errno.EIO, "no disk")

    monkeypatch.setattr(fcntl, "flock", fail)
    with pytest.raises(OSError, match="no disk"):
        Lock(tmp_path / "l", "In use.")
