"""Vimeo-90K (Xue et al., IJCV 2019): triplets and septuplets of 448x256 frames, http://toflow.csail.mit.edu/.

The folder holds ``sequences/XXXXX/YYYY/im1.png …`` and two lists of ``XXXXX/YYYY`` lines. The test split
is the published test list, or of septuplets another one in the folder. Validation is the end of the train list: whole
folders XXXXX, the last in order, until they hold ``validation_share`` of the list; training is the rest of it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import overload

import numpy as np
from omegaconf import MISSING

from core.data.options import ShotOptions
from core.data.shots import PictureShot
from core.data.source import ShotSource
from core.data.splits import existing_root
from core.errors import DataError
from core.hooks import FilePath, Split
from core.options import option

_HOME = "http://toflow.csail.mit.edu/"
_ENTRY = re.compile(r"[\w-]+/[\w-]+")


@dataclass
class _Vimeo90kOptions(ShotOptions):
    """Vimeo-90K (Xue et al. 2019) as its owners pack it."""

    crop: int | None = 256
    root: FilePath = MISSING
    """The unpacked folder, with ``sequences`` and the two lists in it."""
    validation_share: float = option(0.01, at_least=0, below=1)
    """Share of the train list that is held out for validation; 0 trains on the whole list."""


class _ListedShots(Sequence[PictureShot]):
    """The folders of a list, each made when it is asked for.

    The list is one block of bytes: processes that read clips share it, where they would copy objects of Python one by
    one as they touch them.
    """

    def __init__(self, root: Path, entries: Sequence[str], length: int) -> None:
        self._root = root
        self._entries = np.array(entries, dtype=np.bytes_)
        self._files = tuple(f"im{number}.png" for number in range(1, length + 1))

    def __len__(self) -> int:
        return len(self._entries)

    @overload
    def __getitem__(self, index: int) -> PictureShot: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[PictureShot]: ...
    def __getitem__(self, index: int | slice) -> PictureShot | Sequence[PictureShot]:
        if isinstance(index, slice):
            return [self[place] for place in range(*index.indices(len(self)))]
        return PictureShot(self._root / self._entries[index].decode(), self._files)


@dataclass
class Vimeo90kTripletConfig(_Vimeo90kOptions):
    """Vimeo-90K triplets: 448x256, three frames a clip, published lists."""

    def __post_init__(self) -> None:
        super().__post_init__()
        _must_fit(self.span, 3)


@dataclass
class Vimeo90kSeptupletConfig(_Vimeo90kOptions):
    """Vimeo-90K septuplets: 448x256, seven frames a clip, published lists."""

    frames: int = 7
    test_list: FilePath = "sep_testlist.txt"
    """File in the folder that lists the test split: one that holds slow, medium or fast septuplets alone, say."""

    def __post_init__(self) -> None:
        super().__post_init__()
        _must_fit(self.span, 7)


def triplets(config: Vimeo90kTripletConfig, split: Split) -> ShotSource:
    """The triplets of one split."""
    return _sequences(config, split, "tri", 3, "tri_testlist.txt")


def septuplets(config: Vimeo90kSeptupletConfig, split: Split) -> ShotSource:
    """The septuplets of one split."""
    return _sequences(config, split, "sep", 7, config.test_list)


def _sequences(
    config: _Vimeo90kOptions, split: Split, prefix: str, length: int, test_list: str
) -> ShotSource:
    name = f"Vimeo-90K ({'triplets' if length == 3 else 'septuplets'})"
    lists = {"train": f"{prefix}_trainlist.txt", "test": test_list}
    layout = f"sequences/XXXXX/YYYY/im1..{length}.png, {lists['train']} and {lists['test']}"
    root = existing_root(config.root, name, layout, _HOME)
    if not (root / "sequences").is_dir():
        raise DataError(f"{name} is not complete: {root} has no sequences; expected {layout} ({_HOME}).")
    if split is Split.TEST:
        entries = _read_list(root / lists["test"])
    else:
        entries = _held_apart(_read_list(root / lists["train"]), config.validation_share, split)
    return ShotSource(_ListedShots(root / "sequences", entries, length), config, split)


def _read_list(path: Path) -> list[str]:
    try:
        lines = path.read_text(encoding="utf-8").split()
    except FileNotFoundError:
        raise DataError(f"The list {path} is missing; unpack it from the archive of {_HOME}.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"The list {path} cannot be read ({error}); unpack it again.") from error
    wrong = next((line for line in lines if not _ENTRY.fullmatch(line)), None)
    if wrong is not None:
        raise DataError(f"The list {path} has the entry {wrong!r}; expected lines like 00001/0001.")
    if not lines:
        raise DataError(f"The list {path} is empty; unpack it again from the archive of {_HOME}.")
    return lines


def _held_apart(entries: list[str], share: float, split: Split) -> list[str]:
    """The train or the validation part of the train list, divided between whole sequence folders."""
    sizes = Counter(_folder(entry) for entry in entries)
    held: set[str] = set()
    while sum(sizes[folder] for folder in held) < share * len(entries):
        held.add(max(sizes.keys() - held))
    chosen = [entry for entry in entries if (_folder(entry) in held) == (split is Split.VALIDATION)]
    if not chosen:
        raise DataError(
            f"The train list has {len(sizes)} sequence folder(s), of which none is left for {split.value}; "
            "change validation_share (whole folders are held out)."
        )
    return chosen


def _folder(entry: str) -> str:
    return entry.partition("/")[0]


def _must_fit(span: int, length: int) -> None:
    if span > length:
        raise ValueError(f"frames and min_step span {span} frames; a sequence of this data set has {length}.")
