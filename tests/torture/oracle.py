"""What must hold after any trial, whatever the input was."""

from __future__ import annotations

import hashlib
import shutil
import traceback
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from core.errors import MindvideoError

from .trial import ROOT, Fault

Work = Callable[[], object]
Complaint = Callable[[Path], str | None]
"""From an output: what is wrong with it, or None."""
FOLDER = "folder"


@dataclass(frozen=True)
class Outcome:
    """How a piece of work ended: done, told in a sentence, or with a fault."""

    told: str | None = None
    faults: list[Fault] = field(default_factory=list)

    @property
    def done(self) -> bool:
        """Whether it ended as exit code 0 says."""
        return self.told is None and not self.faults


def observed(work: Work) -> Outcome:
    """Do the work in this process."""
    try:
        work()
    except MindvideoError as error:
        return Outcome(str(error), list(sentence_faults(str(error))))
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # panics of libraries in Rust, and SystemExit, are no Exception
        return Outcome(faults=[Fault("traceback", traceback.format_exc(), _cause(error))])
    return Outcome()


def _cause(error: BaseException) -> str:
    """The class of an exception and the last place of ours that it came through."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [f for f in frames if f.filename.startswith((f"{ROOT}/core/", f"{ROOT}/plugins/"))]
    place = f"{Path(ours[-1].filename).relative_to(ROOT)}:{ours[-1].name}" if ours else "elsewhere"
    return f"{type(error).__name__} at {place}"


def sentence_faults(told: str) -> Iterator[Fault]:
    """A sentence is one line that a terminal can show."""
    if not told.strip() or not told.isprintable():
        yield Fault("sentence", f"what was told is not one clean line: {told!r}", "not one clean line")


def snapshot(folder: Path) -> dict[str, str]:
    """Every path in a folder with a hash of its content."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        found[name] = FOLDER if path.is_dir() else hashlib.sha256(path.read_bytes()).hexdigest()
    return found


def lost(before: Mapping[str, str], after: Mapping[str, str], without: str = "\0") -> Iterator[Fault]:
    """What was there before is there, as it was; but for the output, ``without``, and what is in it."""
    for name, digest in before.items():
        if not _within(name, without) and after.get(name) != digest:
            what = "is gone" if name not in after else "was changed"
            yield Fault("lost", f"{name} {what}", f"an input or an older file {what}")


def new(before: Mapping[str, str], after: Mapping[str, str], without: str = "\0") -> list[str]:
    """What was not there before, but for the output."""
    return [name for name in after if name not in before and not _within(name, without)]


def _within(name: str, place: str) -> bool:
    return name == place or name.startswith(place + "/")


@dataclass(frozen=True)
class Job:
    """Work in a folder that makes one output of one input, judged by what it leaves."""

    folder: Path
    source: Path
    """The input, somewhere in the folder."""
    output: Path
    """In the folder."""
    run: Work
    """The job; an output that exists is replaced."""
    sound: Path
    """The undamaged input."""
    complaint: Complaint
    """Of any output of which the product says that it is whole."""
    reference: Path | None = None
    """What the job makes of the undamaged input, where that is always the same."""
    keeps: bool = False
    """Whether it is documented that a part of the output stays where the input is damaged."""


def judged(job: Job) -> tuple[list[Fault], Outcome]:
    """Run a job, and see what it leaves."""
    name = str(job.output.relative_to(job.folder))
    before = snapshot(job.folder)
    outcome = observed(job.run)
    after = snapshot(job.folder)
    faults = [*outcome.faults, *lost(before, after, name)]
    if name in after and (outcome.done or _contents(after, name) != _contents(before, name)):
        faults += _output_faults(job, outcome)
    elif outcome.done:
        faults.append(Fault("half", "it ended well and there is no output"))
    elif name in before and name not in after:
        faults.append(Fault("lost", "it failed, and the older output is gone"))
    if new(before, after, name):
        faults += _left(job, before, name, new(before, after, name))
    return faults, outcome


def _contents(taken: Mapping[str, str], name: str) -> dict[str, str]:
    return {path: digest for path, digest in taken.items() if _within(path, name)}


def _output_faults(job: Job, outcome: Outcome) -> Iterator[Fault]:
    """Of an output that was made now."""
    if not outcome.done and not job.keeps:
        yield Fault("half", f"it failed and left an output ({outcome.told})", "an output after a failure")
    complaint = job.complaint(job.output)
    if complaint:
        yield Fault("half", f"the output is not whole: {complaint}", "the output is not whole")


def _left(job: Job, before: Mapping[str, str], name: str, paths: list[str]) -> Iterator[Fault]:
    """What the same job with the undamaged input does not take away."""
    replace(job.sound, job.source)
    again = observed(job.run)
    told = ", ".join(paths)
    if not again.done:
        what = again.told or again.faults[0].told
        yield Fault("left", f"after {told} the sound job fails: {what}", "the sound job fails afterwards")
        return
    stays = new(before, snapshot(job.folder), name)
    if stays:
        yield Fault("left", f"these stay: {', '.join(stays)}", "files stay")
    if job.reference and differs(job.output, job.reference):
        yield Fault("other", f"after {told} the sound job's output is another", "leftovers are taken up")


def replace(source: Path, target: Path) -> None:
    """Put a copy of a file or folder at the place of another."""
    if target.is_dir():
        shutil.rmtree(target)
    if source.is_dir():
        shutil.copytree(source, target)
    else:
        shutil.copyfile(source, target)


def differs(one: Path, other: Path) -> bool:
    """Whether two files, or two folders, hold other bytes."""
    if one.is_dir() != other.is_dir():
        return True
    return snapshot(one) != snapshot(other) if one.is_dir() else one.read_bytes() != other.read_bytes()
