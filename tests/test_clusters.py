"""Crews of Ray's and of submitit's, where these are installed."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from core.clusters import RayCrew, SubmititCrew
from core.crew import QueuedCrew
from core.errors import CrewError, MediaError

from .test_crew import Squares

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]


@pytest.fixture(autouse=True)
def tests_for_workers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers find what is in these modules, and nothing is written elsewhere."""
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(Path(__file__).parents[1]), *sys.path]))
    monkeypatch.chdir(tmp_path)


def crews() -> Iterator[Any]:
    """By name, what makes a crew of two workers."""
    yield pytest.param(lambda recipe: RayCrew(recipe, 2, 1), id="ray")
    yield pytest.param(lambda recipe: SubmititCrew(recipe, 2, "local"), id="submitit")


@pytest.mark.parametrize("make", crews())
def test_pieces_come_back_in_order_and_a_killed_worker_changes_nothing(make: Any, tmp_path: Path) -> None:
    pytest.importorskip("ray")
    mishaps = tmp_path / "mishaps"
    mishaps.mkdir()
    (mishaps / "3").write_text("once")
    seen: list[int] = []
    crew: QueuedCrew = make(Squares(mishaps))
    with crew:
        assert crew.hello == "squares"
        assert list(crew.run(range(6), seen.append, ahead=4)) == [(n, n * n) for n in range(6)]
        assert not (mishaps / "3").exists() and sum(seen) == 12
        (mishaps / "2").write_text("wrong")
        with pytest.raises(MediaError, match="2 cannot be squared"):
            list(crew.run(range(5), seen.append))
    assert [path.name for path in tmp_path.iterdir()] == ["mishaps"]


@pytest.mark.parametrize("make", crews())
def test_what_no_worker_survives_is_told(make: Any, tmp_path: Path) -> None:
    pytest.importorskip("ray")
    (tmp_path / "1").write_text("always")
    with (
        make(Squares(tmp_path)) as crew,
        pytest.raises(CrewError, match=r"ended 3 times by .* at 1: most likely"),
    ):
        list(crew.run(range(3), lambda parts: None))
