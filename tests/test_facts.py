"""Facts of a job: plain, by name, and of what files hold instead of where they lie."""

import json
from enum import Enum
from pathlib import Path

import pytest

from core.facts import changes, content_of, digest, facts, outline_of


class Colour(Enum):
    RED = "r"


def test_facts_are_flat_and_plain() -> None:
    known = facts({"codec": {"crf": 27, "deep": {"er": (1.5, None)}}, "colour": Colour.RED, "on": True})
    assert known == {"codec.crf": 27, "codec.deep.er": [1.5, None], "colour": "RED", "on": True}
    assert json.loads(json.dumps(known)) == known
    assert facts({"a": {"b": 1, "c": 2}}, without={"a.b"}) == {"a.c": 2}


def test_a_file_is_told_by_its_content(tmp_path: Path) -> None:
    first, second = tmp_path / "a.safetensors", tmp_path / "b.safetensors"
    first.write_bytes(b"weights"), second.write_bytes(b"weights")
    assert facts({"w": str(first)}) == facts({"w": str(second)}) == facts({"w": second})
    assert facts({"w": [str(first)]}) != facts({"w": str(first)})
    before = facts({"w": str(first)})
    first.write_bytes(b"WEIGHTS")  # of the same size
    assert facts({"w": str(first)}) != before
    assert facts({"w": str(tmp_path / "none")}) == {"w": str(tmp_path / "none")}
    assert facts({"w": "x" * 5000, "empty": ""}) == {"w": "x" * 5000, "empty": ""}


def test_a_word_that_has_a_namesake_stays_a_word(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("floor", "bicubic"):
        (tmp_path / name).touch()
    assert facts({"u": "floor"}) != facts({"u": "bicubic"})


def test_a_folder_is_told_by_names_and_sizes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "1.png").write_bytes(b"1234")
    assert content_of(tmp_path / "a") == outline_of(tmp_path / "b")
    (tmp_path / "a" / "1.png").write_bytes(b"12345")
    assert content_of(tmp_path / "a") != outline_of(tmp_path / "b")
    assert outline_of(tmp_path / "a" / "1.png") == "file 1.png of 5 bytes"


def test_what_differs_is_named() -> None:
    now = {"codec.crf": 45, "codec.gop": 12}
    assert changes(dict(now), now) == ""
    assert changes({"codec.crf": 10, "codec.gop": 12}, now) == "codec.crf was 10 and is 45"
    assert changes({"codec.crf": 45}, now) == "codec.gop is 12 and was not told"
    assert changes({**now, "x": None}, now) == "x was null and is not told"
    assert changes({str(i): i for i in range(9)}, {}).endswith(", 5 more")
    assert changes(None, now) == changes([], now) == "its record cannot be read"
    assert digest({"a": 1, "b": 2}) == digest({"b": 2, "a": 1}) != digest({"a": 1, "b": 3})
