"""What may be written where: nothing that exists is lost by mistake."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.errors import MediaError
from core.media.output import check_output


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A source, an older video, a folder of pictures and one of other things."""
    for name in ("in.mp4", "old.mp4", "bare", "pictures/0.png", "mixed/0.png", "mixed/notes.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "folder.mp4").mkdir()
    return tmp_path


@pytest.mark.parametrize("name", ["new.mp4", "new.MKV", "new.y4m", "new", "old.mp4", "pictures"])
def test_what_may_be_written(folder: Path, name: str) -> None:
    check_output(folder / "in.mp4", folder / name, overwrite=True)


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("new.gif", "write .mp4, .mkv, .y4m, a folder of pictures"),
        ("none/new.mp4", "is not a folder"),
        ("in.mp4", "is the input itself"),
        ("folder.mp4", "is a folder"),
        ("bare", "is a file"),
        ("mixed", "holds more than PNG pictures"),
    ],
)
def test_what_may_not(folder: Path, name: str, sentence: str) -> None:
    with pytest.raises(MediaError, match=sentence):
        check_output(folder / "in.mp4", folder / name, overwrite=True)


@pytest.mark.parametrize("name", ["old.mp4", "pictures"])
def test_what_exists_is_kept_unless_asked(folder: Path, name: str) -> None:
    with pytest.raises(MediaError, match=r"task\.overwrite=true"):
        check_output(folder / "in.mp4", folder / name, overwrite=False)


def test_endings_of_ones_own(folder: Path) -> None:
    check_output(folder / "in.mp4", folder / "out.mdv", False, (".mdv",))
    with pytest.raises(MediaError, match=r"write \.mdv\."):
        check_output(folder / "in.mp4", folder / "out.mp4", False, (".mdv",))
