"""The end of the command: a mistake that a user can mend is one sentence, and a signal leaves nothing behind."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import io
import logging
import multiprocessing
import os
import re
import select
import signal
import sys
from collections.abc import Callable, Iterator
from types import FrameType
from typing import NoReturn

from hydra.errors import HydraException
from omegaconf.errors import OmegaConfBaseException

from core.config import explain
from core.errors import MindvideoError
from core.text import printable

SIGNALS = (signal.SIGTERM, signal.SIGHUP)
FULL_ERROR = "HYDRA_FULL_ERROR"
NO_SPACE = (errno.ENOSPC, errno.EDQUOT)
NO_RIGHT = (errno.EACCES, errno.EPERM)
_NO_MEMORY = re.compile(r"Allocate memory failed|std::bad_alloc|AOT kernel\(.*function\(\w+\) is 2\.")
"""What MindSpore says where it lacks memory, and where a kernel of ours does (``kNoMemory``)."""
_WHEN_PARENT_ENDS = 1
"""Linux's PR_SET_PDEATHSIG."""


class LogFile(logging.FileHandler):
    """The log of a run. Where it cannot be written, one line says so and the run goes on."""

    _told = False

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the library's name
        """Tell, once, that lines are missing."""
        error = sys.exc_info()[1]
        if not isinstance(error, OSError):
            super().handleError(record)
        elif not self._told:
            self._told = True
            print(f"The log {self.baseFilename} lacks lines from here on: {error.strerror}.", file=sys.stderr)


class Stopped(SystemExit):
    """The command is to end because of a signal, by the exit code that shells know it by."""

    def __init__(self, number: int, advice: str = "") -> None:
        super().__init__(128 + number)
        self.number = number
        self.advice = advice
        """A sentence on how the task goes on."""

    @property
    def message(self) -> str:
        """The message to the user."""
        what = (
            "Interrupted."
            if self.number == signal.SIGINT
            else f"Ended by {signal.Signals(self.number).name}."
        )
        return f"{what} {self.advice}".rstrip()


class Unread(SystemExit):
    """Whoever read our output has seen enough, as ``head`` or a player: the command ends without a word."""

    def __init__(self) -> None:
        super().__init__(128 + signal.SIGPIPE)


class OutOfMemory(SystemExit):
    """The command is to end because memory ran out; MindSpore's own ending may then crash for want of it."""

    def leave(self) -> NoReturn:
        """End the process at once."""
        print(self.code, file=sys.stderr, flush=True)
        os._exit(1)


@contextlib.contextmanager
def orderly() -> Iterator[None]:
    """While it lasts, an error that a user can mend ends the process with one sentence."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(
                errors="backslashreplace"
            )  # a terminal may lack letters that names of files have
    _heed_signals()
    try:
        yield
        sys.stdout.flush()
    except KeyboardInterrupt:
        _leave(Stopped(signal.SIGINT))
    except Stopped as stopped:
        _leave(stopped)
    except Unread:
        _flush_nowhere()
        raise
    except Exception as error:
        if isinstance(error, BrokenPipeError) and _reader_is_gone():
            _flush_nowhere()
            raise Unread from None
        told = sentence(error)
        if told is None or (os.environ.get(FULL_ERROR) == "1" and not isinstance(error, MindvideoError)):
            raise
        raise (OutOfMemory if _is_of_memory(error) else SystemExit)(f"Error: {printable(told)}") from error


@contextlib.contextmanager
def advising(advice: Callable[[], str]) -> Iterator[None]:
    """What stops the work in it also says how that goes on, unless it says so already."""
    try:
        yield
    except KeyboardInterrupt:
        raise Stopped(signal.SIGINT, advice()) from None
    except Stopped as stopped:
        stopped.advice = stopped.advice or advice()
        raise
    except OSError as error:
        if isinstance(error, BrokenPipeError) and _reader_is_gone():
            raise Unread from None
        if isinstance(error, HydraException):  # a file that a configuration names and that is not there
            raise
        raise MindvideoError(f"{_of_system(error)} {advice()}".rstrip()) from error


def end_with_parent() -> None:
    """Have the system end this process with the one that made it, where it is a worker, as of a launcher."""
    parent = multiprocessing.parent_process()
    if parent is None:
        return
    ctypes.CDLL(None).prctl(_WHEN_PARENT_ENDS, signal.SIGTERM)
    if os.getppid() != parent.pid:  # it ended before this was asked for
        signal.raise_signal(signal.SIGTERM)


def _heed_signals() -> None:
    """Have signals that end a process run its ``finally`` clauses; one that is ignored, as by nohup, stays so."""
    for number in SIGNALS:
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, _stop)


def _stop(number: int, frame: FrameType | None) -> None:
    for other in SIGNALS:
        signal.signal(other, signal.SIG_IGN)  # cleaning up is not to be stopped in turn
    raise Stopped(number)


def _leave(stopped: Stopped) -> None:
    print(stopped.message, file=sys.stderr)
    sys.exit(stopped.code)


def _flush_nowhere() -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _reader_is_gone() -> bool:
    """Whether whoever read our output has stopped."""
    poll = select.poll()
    poll.register(sys.stdout.fileno(), 0)
    return any(event & select.POLLERR for _, event in poll.poll(0))


def sentence(error: BaseException) -> str | None:
    """What is wrong and what to do, for an error that a user can mend; None for any other."""
    if isinstance(error, MindvideoError):
        return str(error)
    if isinstance(error, HydraException | OmegaConfBaseException):
        return explain(error)
    if isinstance(error, OSError):
        return _of_system(error)
    if _is_of_memory(error):
        return "memory ran out: choose smaller pictures, tiles or batches, or end other programs."
    if isinstance(error, RecursionError):
        return f"a value is nested too deeply to be read ({FULL_ERROR}=1 shows where)."
    return None


def _is_of_memory(error: BaseException) -> bool:
    """Whether memory ran out, which MindSpore tells by what it writes alone."""
    return isinstance(error, MemoryError) or (
        isinstance(error, RuntimeError) and _NO_MEMORY.search(str(error)) is not None
    )


def _of_system(error: OSError) -> str:
    path = os.fsdecode(error.filename2 or error.filename) if isinstance(error.filename, str | bytes) else ""
    where = path or "a file"
    if error.errno in NO_SPACE:
        return f"{where} cannot be written: there is no space left. Free some, then give the command again."
    if error.errno == errno.EROFS:
        return f"{where} cannot be written: its file system is read-only. Name a place elsewhere."
    if error.errno in NO_RIGHT:
        return f"{where} cannot be used: the right to it is missing. Get it, or name another place."
    if error.errno == errno.ENOENT and not path:
        return "the current folder is no longer there: start the command in another one."
    return f"{path or 'the system refused'}: {error.strerror or error}."
