"""Crews of Ray's and of submitit's, where these are installed."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from core import clusters
from core.clusters import RayCrew, SubmititCrew
from core.crew import QueuedCrew, Seen, Where
from core.errors import CrewError, MediaError
from core.testing.limits import becomes_true

from .test_crew import Squares

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]


@pytest.fixture(scope="module", autouse=True)
def here() -> Iterator[None]:
    """Workers find what is in these modules."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", os.pathsep.join([str(Path(__file__).parents[1]), *sys.path]))
        yield


@pytest.fixture(scope="module")
def ray() -> Iterator[None]:
    """Ray, on this machine, for all tests that do not need more."""
    ray = pytest.importorskip("ray")
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    yield
    ray.shutdown()


@dataclass
class Slow(Squares):
    """Takes its time, and notes the node that it is on."""

    def do(self, piece: int, seen: Seen) -> int:
        import ray

        node = ray.get_runtime_context().get_node_id()
        (self.mishaps / f"{piece}.{node}").touch()
        if piece == 3:
            becomes_true(lambda: (self.mishaps / "gone").exists(), 60)
        return super().do(piece, seen)


def test_a_node_that_fails_half_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """There is no room for another worker in its place: the one that is left does all."""
    pytest.importorskip("ray")
    from ray.cluster_utils import Cluster

    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    try:
        second = cluster.add_node(num_cpus=1)
        monkeypatch.setenv("RAY_ADDRESS", cluster.address)
        crew = RayCrew(Slow(tmp_path), 2, 1)
        with crew:
            assert crew.hello == "squares"
            pieces = []
            for piece, result in crew.run(range(12), lambda parts: None, ahead=4):
                assert result == piece * piece
                pieces.append(piece)
                if piece == 2:
                    cluster.remove_node(second)
                    (tmp_path / "gone").touch()
            assert pieces == list(range(12))
    finally:
        cluster.shutdown()
    nodes = {path.suffix for path in tmp_path.glob("[0-9]*.*")}
    assert len(nodes) == 2 and second.node_id in {node[1:] for node in nodes}


def test_an_address_where_no_cluster_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("ray")
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:1")
    with (
        pytest.raises(CrewError, match="no Ray cluster at RAY_ADDRESS=127"),
        RayCrew(Squares(tmp_path), 1, 1),
    ):
        pass


def crews() -> Iterator[Any]:
    """By name, what makes a crew of two workers."""
    yield pytest.param(lambda recipe: RayCrew(recipe, 2, 1), id="ray")
    yield pytest.param(lambda recipe: SubmititCrew(recipe, 2, "local"), id="submitit")


@pytest.mark.parametrize("make", crews())
def test_pieces_come_back_in_order_and_a_killed_worker_changes_nothing(
    make: Any, ray: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
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
def test_what_no_worker_survives_is_told(
    make: Any, ray: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "1").write_text("always")
    with (
        make(Squares(tmp_path)) as crew,
        pytest.raises(CrewError, match=r"ended 3 times by .* at 1: most likely"),
    ):
        list(crew.run(range(3), lambda parts: None))


@dataclass
class Readers:
    """Tells what is in a file or folder, and where it lies."""

    path: Path
    hello: str = "reader"

    def __call__(self, where: Where) -> Readers:
        return Readers(where(self.path))

    def do(self, piece: str, seen: Seen) -> tuple[Path, bytes]:
        seen(1)
        return self.path, (self.path / piece).read_bytes()


@pytest.mark.parametrize("piece", ["", "inner/b"])
def test_files_that_a_machine_does_not_see_are_copied(
    piece: str, ray: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a"
    if piece:
        (path / "inner").mkdir(parents=True)
        (path / "inner" / "c").write_bytes(b"other")
    (path / piece).write_bytes(b"bytes")
    monkeypatch.setattr("core.carried.BLOCK", 2)
    with RayCrew(Readers(path), 1, 1, [path]) as crew:
        assert list(crew.run([piece], lambda parts: None)) == [(piece, (path, b"bytes"))]
    traces = clusters.trace(path)
    monkeypatch.setattr(clusters, "trace", lambda path: traces[1:])  # for who leads; workers have it as it is
    with RayCrew(Readers(path), 2, 1, [path]) as crew:
        for _, (where, data) in crew.run([piece] * 3, lambda parts: None):
            assert where != path and where.name == "a" and data == b"bytes"
    assert not where.exists()


@dataclass
class Unlike(Squares):
    """Each says that it computes in a way of its own."""

    def __call__(self, where: Where) -> Unlike:
        return Unlike(self.mishaps, f"arithmetic {os.getpid()}")


def test_machines_that_compute_otherwise_are_refused_before_work_begins(ray: None, tmp_path: Path) -> None:
    with RayCrew(Unlike(tmp_path), 2, 1) as crew, pytest.raises(CrewError, match="do not compute alike"):
        assert crew.hello
