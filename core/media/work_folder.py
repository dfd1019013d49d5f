"""The folder ``OUTPUT.parts`` in which a video is made part by part, and what tells that it is ours."""

from __future__ import annotations

import logging
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from core.errors import ForeignError, MediaError, RecordError
from core.facts import Facts, changes
from core.files import shorten, size_of, write_json
from core.media.output import WriteError, cannot_write
from core.records import Count, read_record

log = logging.getLogger(__name__)

PLAN = "plan.json"
"""The file by which a folder is known as ours."""
_OURS = re.compile(r"\d{6}(\.mp4|\.y4m)?|plan\.json|joined|\..*")
"""Names that we give within the folder."""


@dataclass(frozen=True)
class Plan:
    """The content of `PLAN`."""

    made_by: Literal["mindvideo"]
    job: Facts | None
    """Facts of the job; None where the parts are not to be resumed."""
    parts: dict[str, Count]
    """Bytes of the parts that are whole, by name."""


class WorkFolder:
    """Parts of one output. A part counts where the plan lists it with the size that it has.

    ``job`` are the facts of the job that makes them; None where parts are not to be taken up. Raises `ForeignError`
    where there is something else under the folder's name, OSError where it cannot be written.
    """

    def __init__(self, output: Path, job: Facts | None) -> None:
        self.path = folder_of(output)
        require_ours(output)
        self._facts = job
        self._whole: dict[str, int] = {}
        before = _plan(self.path)
        if before and before.job is not None and job is not None:
            differs = changes(before.job, job)
            if not differs:
                self._whole = before.parts
                return
            log.info("%s was begun otherwise (%s): beginning anew.", output, differs)
        self.remove()
        self.path.mkdir()
        self._note()

    def holds(self, part: Path) -> bool:
        """Whether a part is there, as it was when it was whole."""
        return part.exists() and self._whole.get(part.name) == size_of(part)

    def add(self, part: Path) -> None:
        """List a part that is whole, and on the disk."""
        self._whole[part.name] = size_of(part)
        self._note()

    def remove(self) -> None:
        """Remove all that is ours, and the folder where nothing else is in it."""
        if not self.path.is_dir():
            return
        for found in sorted(self.path.iterdir(), key=lambda found: found.name == PLAN):
            if not _OURS.fullmatch(found.name):
                continue
            if found.is_dir() and not found.is_symlink():
                shutil.rmtree(found)
            else:
                found.unlink()
        with suppress(OSError):  # files of somebody else's are in it
            self.path.rmdir()

    def _note(self) -> None:
        write_json(self.path / PLAN, asdict(Plan("mindvideo", self._facts, self._whole)))


@contextmanager
def keeping(output: Path) -> Iterator[None]:
    """Says, where the disk is full or gone while parts of an output are made, what stays; raises `MediaError`."""
    try:
        yield
    except (OSError, WriteError) as error:
        told = cannot_write(output, error)
        kept = "the parts made so far stay, and the same command goes on from there"
        raise MediaError(f"{told}; {kept}.") from error


def clear(part: Path) -> None:
    """Take away what there is of a part that is to be made."""
    if part.is_dir():
        shutil.rmtree(part)
    else:
        part.unlink(missing_ok=True)


def folder_of(output: Path) -> Path:
    """The folder in which the parts of an output are made."""
    return output.with_name(shorten(output.name, ".parts"))


def require_ours(output: Path) -> None:
    """Raise `ForeignError` where something that is not ours has the name of the work folder."""
    folder = folder_of(output)
    if not folder.exists() and not folder.is_symlink():
        return
    if folder.is_symlink() or not folder.is_dir() or (_plan(folder) is None and not _is_empty(folder)):
        raise ForeignError(
            f"{folder} is not a folder of ours, and {output.name} would be made in one of that name: move it away, or "
            "give another task.output."
        )


def _is_empty(folder: Path) -> bool:
    """Whether nothing is in a folder, but for a plan that a killed process did not finish."""
    return all(found.name.startswith(f".{PLAN}.") for found in folder.iterdir())


def _plan(folder: Path) -> Plan | None:
    """The plan of a folder of ours; None where there is none that can be read."""
    try:
        return None if (folder / PLAN).is_symlink() else read_record(Plan, folder / PLAN)
    except (OSError, RecordError):
        return None
