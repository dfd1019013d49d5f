"""Pieces done by processes: order, progress, errors, and processes that are killed."""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass
from pathlib import Path

import pytest

from core.crew import ATTEMPTS, LocalCrew, Seen, require_alike
from core.errors import CrewError, MediaError

pytestmark = pytest.mark.heavy


@dataclass
class Squares:
    """Squares numbers. A file stands for a mishap that is yet to happen to the number that names it."""

    mishaps: Path
    hello: str = "squares"

    def __call__(self) -> Squares:
        return self

    def do(self, piece: int, seen: Seen) -> int:
        seen(1)
        mishap = self.mishaps / str(piece)
        if mishap.exists():
            kind = mishap.read_text()
            if kind == "once":
                mishap.unlink()
            if kind == "wrong":
                raise MediaError(f"{piece} cannot be squared")
            if kind == "bug":
                raise ZeroDivisionError
            os.kill(os.getpid(), signal.SIGKILL)
        seen(1)
        return piece * piece


def test_pieces_come_back_in_order_and_a_killed_process_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / "3").write_text("once")
    seen: list[int] = []
    with LocalCrew(Squares(tmp_path), 2) as crew:
        assert crew.hello == "squares"
        assert list(crew.run(range(9), seen.append, ahead=4)) == [(n, n * n) for n in range(9)]
        assert sum(seen) == 18 and -1 in seen
        assert sorted(crew.run(range(5), seen.append)) == [(n, n * n) for n in range(5)]
        (tmp_path / "2").write_text("wrong")
        with pytest.raises(MediaError, match="2 cannot be squared"):
            list(crew.run(range(5), seen.append))


def test_what_no_process_survives_is_told(tmp_path: Path) -> None:
    (tmp_path / "1").write_text("always")
    with LocalCrew(Squares(tmp_path), 1) as crew, pytest.raises(CrewError) as told:
        list(crew.run(range(3), lambda parts: None))
    assert f"ended {ATTEMPTS} times by SIGKILL at 1: most likely memory ran out" in str(told.value)


def test_a_mistake_of_ours_keeps_its_place(tmp_path: Path) -> None:
    (tmp_path / "0").write_text("bug")
    with LocalCrew(Squares(tmp_path), 1) as crew, pytest.raises(RuntimeError, match="ZeroDivisionError"):
        list(crew.run([0], lambda parts: None))


def test_workers_that_compute_otherwise_are_refused() -> None:
    require_alike(None, "exact")
    with pytest.raises(CrewError, match="do not compute alike"):
        require_alike("exact", "other")
