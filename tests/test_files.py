"""Files are whole or not there, get their names in one place, and are never somebody else's."""

import ast
import os
from pathlib import Path

import pytest

from core import files
from core.errors import ForeignError
from core.files import (
    hidden_name,
    open_own,
    publish,
    remove_leftovers,
    temporary_file,
    whole_file,
    write_json,
)

ROOT = Path(files.__file__).parents[1]


def test_an_exception_leaves_the_older_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(ZeroDivisionError), whole_file(path) as temporary:
        temporary.write_text(f"half {1 // 0}")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_json_is_readable_by_others(tmp_path: Path) -> None:
    write_json(tmp_path / "sub" / "a.json", {"b": 1})
    assert (tmp_path / "sub" / "a.json").stat().st_mode & 0o044


def folder(path: Path, *names: str) -> Path:
    path.mkdir()
    for name in names:
        (path / name).write_text(name)
    return path


def test_a_folder_takes_the_place_of_another(tmp_path: Path) -> None:
    target = folder(tmp_path / "out", "old.png")
    publish(folder(tmp_path / "new", "1.png", "2.png"), target)
    assert sorted(path.name for path in target.iterdir()) == ["1.png", "2.png"]
    assert list(tmp_path.iterdir()) == [target]


def test_a_folder_that_cannot_be_replaced_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target, replace = folder(tmp_path / "out", "old.png"), os.replace

    def refuse(source: Path, place: Path) -> None:
        if Path(source).name == "new":
            raise PermissionError
        replace(source, place)

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(PermissionError):
        publish(folder(tmp_path / "new", "1.png"), target)
    assert [path.name for path in target.iterdir()] == ["old.png"]


def test_all_is_on_the_disk_before_it_has_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done, fsync, replace = [], os.fsync, os.replace

    def noted_fsync(handle: int) -> None:
        done.append(Path(f"/proc/self/fd/{handle}").readlink().name)
        fsync(handle)

    def noted_replace(source: Path, place: Path) -> None:
        done.append("renamed")
        replace(source, place)

    monkeypatch.setattr(os, "fsync", noted_fsync)
    monkeypatch.setattr(os, "replace", noted_replace)
    publish(folder(tmp_path / "new", "1.png", "2.png"), tmp_path / "out")
    assert set(done[:2]) == {"1.png", "2.png"}
    assert done[2:] == ["new", "renamed", tmp_path.name]


def test_what_killed_processes_left_is_taken_away(tmp_path: Path) -> None:
    target = tmp_path / "out.mp4"
    temporary_file(target)
    folder(tmp_path / ".out.mp4.abcdefgh.part", "1.png")
    kept = ["out.mp4.abcdefgh.part", ".out.mp4.part", ".out.mp4.frames", ".other.mp4.abcdefgh.part.mp4"]
    for name in kept:
        (tmp_path / name).touch()
    remove_leftovers(target)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(kept)


def test_a_folder_that_stood_aside_comes_back_where_it_has_no_successor(tmp_path: Path) -> None:
    target, aside = tmp_path / "out", ".out.abcdefgh.old"
    folder(tmp_path / aside, "old.png")
    remove_leftovers(target)
    assert (target / "old.png").exists()
    folder(tmp_path / aside, "older.png")
    remove_leftovers(target)
    assert list(tmp_path.iterdir()) == [target] and (target / "old.png").exists()


@pytest.mark.parametrize("make", [Path.symlink_to, Path.hardlink_to])
def test_a_link_is_not_followed(tmp_path: Path, make) -> None:
    theirs, ours = tmp_path / "letter.txt", tmp_path / ".out.part"
    theirs.write_text("dear")
    make(ours, theirs)
    for fresh in (False, True):
        with pytest.raises(ForeignError, match=r"\.out\.part is not a file of ours"):
            open_own(ours, fresh=fresh)
    assert theirs.read_text() == "dear"


def test_a_file_of_another_user_is_not_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / ".out.part"
    path.write_text("theirs")
    monkeypatch.setattr(os, "geteuid", lambda: 12345)
    with pytest.raises(ForeignError):
        open_own(path, fresh=True)
    assert path.read_text() == "theirs"


@pytest.mark.parametrize("length", [100, 239, 240, 251, 255])
def test_hidden_names_fit_whatever_the_name(tmp_path: Path, length: int) -> None:
    path = tmp_path / ("é" * ((length - 4) // 2) + "x" * ((length - 4) % 2) + ".mp4")
    assert len(os.fsencode(path.name)) == length
    found = [hidden_name(path, ending) for ending in (".part", ".frames", ".lock")]
    assert len({*found}) == 3
    for name in found:
        open_own(name).close()
    with whole_file(path) as temporary:
        temporary.write_text("made")
    assert path.read_text() == "made"
    temporary_file(path)
    remove_leftovers(path)
    assert sorted(tmp_path.iterdir()) == sorted([path, *found])


def test_only_here_do_files_get_their_names() -> None:
    """`publish` is the one way; a rename elsewhere would come without the disk's promise."""
    sources = [path for part in ("core", "plugins") for path in (ROOT / part).rglob("*.py")]
    assert len(sources) > 200
    assert {path.relative_to(ROOT).as_posix() for path in sources if _renames(path)} == {"core/files.py"}


def _renames(path: Path) -> bool:
    """Whether a module calls os.replace, os.rename, shutil.move or a path's rename."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Attribute):
            owner = node.value.id if isinstance(node.value, ast.Name) else ""
            if (owner, node.attr) in {("os", "replace"), ("shutil", "move")} or node.attr in (
                "rename",
                "renames",
            ):
                return True
    return False
