"""How a collection is split into training, validation and test, and the sentences for what is missing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import sha256
from pathlib import Path, PurePath

from omegaconf import MISSING

from core.data.options import CollectionOptions, Division
from core.errors import DataError
from core.hooks import Split

_FOLDERS = {
    "train": Split.TRAIN,
    "validation": Split.VALIDATION,
    "val": Split.VALIDATION,
    "test": Split.TEST,
}


def divide(
    paths: Sequence[Path], key: Callable[[Path], str], options: CollectionOptions, split: Split
) -> list[Path]:
    """The paths that belong to ``split``, in their order; every path is in one split.

    ``key`` names a path for the hash, so that a collection may move without changing its splits.

    Raises:
        DataError: nothing falls to this split.
    """
    if options.division is Division.named:
        chosen = [path for path in paths if _folder_split(path) is split]
        advice = f"put it under a folder named {split.value}, or choose division=hashed"
    else:
        chosen = _share(paths, key, options, split)
        advice = "add more, or change validation_share and test_share"
    if not chosen:
        raise DataError(f"None of the {len(paths)} shots found belongs to the {split.value} split; {advice}.")
    return chosen


def existing_root(root: str, name: str, layout: str, home: str = "") -> Path:
    """The folder ``root``.

    Raises:
        DataError: it is not there; the sentence says what the data set looks like and where it comes from.
    """
    folder = Path(root).expanduser()
    if root == MISSING or not folder.is_dir():
        origin = f" (see {home})" if home else ""
        where = "no root is given" if root == MISSING else f"there is no folder {folder}"
        raise DataError(f"{name}{origin} is not there: {where}; set dataset.root to a folder with {layout}.")
    return folder


def _share(
    paths: Sequence[Path], key: Callable[[Path], str], options: CollectionOptions, split: Split
) -> list[Path]:
    hashed = sorted(paths, key=lambda path: (sha256(key(path).encode()).digest(), str(path)))
    tests = _held_out(options.test_share, len(paths))
    validations = _held_out(options.validation_share, len(paths))
    parts = {
        Split.TEST: hashed[:tests],
        Split.VALIDATION: hashed[tests : tests + validations],
        Split.TRAIN: hashed[tests + validations :],
    }
    chosen = set(parts[split])
    return [path for path in paths if path in chosen]


def _held_out(share: float, total: int) -> int:
    return max(1, round(share * total)) if share > 0 else 0


def _folder_split(path: PurePath) -> Split | None:
    """The split that the innermost telling folder on the path names."""
    return next((_FOLDERS[part] for part in reversed(path.parts) if part in _FOLDERS), None)
