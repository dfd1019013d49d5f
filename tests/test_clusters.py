"""A crew of Ray's, where Ray is installed."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from core.clusters import RayCrew
from core.errors import CrewError, MediaError

from .test_crew import Squares

pytestmark = pytest.mark.slow


@pytest.fixture
def crew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RayCrew:
    """Two actors that square numbers, and may be killed."""
    pytest.importorskip("ray")
    monkeypatch.setenv("PYTHONPATH", ":".join(sys.path))
    return RayCrew(Squares(tmp_path), 2, 1)


@pytest.mark.timeout(180)
def test_pieces_come_back_in_order_and_a_killed_actor_changes_nothing(crew: RayCrew, tmp_path: Path) -> None:
    (tmp_path / "3").write_text("once")
    seen: list[int] = []
    with crew:
        assert crew.hello == "squares"
        assert list(crew.run(range(9), seen.append, ahead=4)) == [(n, n * n) for n in range(9)]
        assert not (tmp_path / "3").exists() and sum(seen) == 18
        (tmp_path / "2").write_text("wrong")
        with pytest.raises(MediaError, match="2 cannot be squared"):
            list(crew.run(range(5), seen.append))


def test_without_ray_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(CrewError, match=r"needs the extra cluster"), RayCrew(Squares(tmp_path), 1, 1):
        pass
