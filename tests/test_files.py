"""Files are whole or not there."""

from pathlib import Path

import pytest

from core.files import whole_file, write_json


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
