"""What trainings and benchmarks refuse before anything is computed: another's folder, other options without a word."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import core
from core.errors import BusyError, CheckpointError, ConfigError
from core.locks import LOCK, Lock
from core.run import Run
from core.tasks import bench, train
from core.tasks.train import Training, facts_path, last_path
from core.training.checkpoint import Checkpoint
from tests.app.test_training import TINY


class ReachedError(Exception):
    """The guards let it pass."""


@pytest.fixture(autouse=True)
def stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    """The guards come before the device, which is where these trainings end."""

    def end(self: Run) -> None:
        raise ReachedError

    monkeypatch.setattr(Run, "device", property(end))


def begun(folder: Path, *words: str) -> Run:
    """A run whose folder holds a training that was begun with these words."""
    run = core.open_run([*TINY, *words], output=folder)
    last_path(run).parent.mkdir(parents=True, exist_ok=True)
    last_path(run).touch()
    facts_path(run).write_text(json.dumps(core.identity.training(run)))
    return run


def resumed(folder: Path, *words: str) -> None:
    run = core.open_run([*TINY, "task.resume=true", *words], output=folder)
    train.TRAIN.build(run.settings.task, run)


def test_the_same_words_go_on(tmp_path: Path) -> None:
    begun(tmp_path)
    for words in ([], ["loader.workers=1"], ["training.checkpoint_every=9", "device.threads=1"]):
        with pytest.raises(ReachedError):
            resumed(tmp_path, *words)


@pytest.mark.parametrize("word", ["optimizer.lr=0.5", "loader.batch_size=1", "dataset.crop=20", "seed=4"])
def test_other_options_are_refused_by_name(tmp_path: Path, word: str) -> None:
    begun(tmp_path)
    name = word.partition("=")[0]
    with pytest.raises(
        ConfigError, match=rf"was begun otherwise \({name} was .* and is .*task\.changed=true"
    ):
        resumed(tmp_path, word)
    with pytest.raises(ReachedError):
        resumed(tmp_path, word, "task.changed=true")


def test_weights_that_it_began_from_are_told_by_content(tmp_path: Path) -> None:
    (tmp_path / "w.npz").write_bytes(b"one")
    begun(tmp_path / "run", f"weights={tmp_path / 'w.npz'}")
    (tmp_path / "w.npz").write_bytes(b"two")
    with pytest.raises(ConfigError, match="begun otherwise \\(weights was"):
        resumed(tmp_path / "run", f"weights={tmp_path / 'w.npz'}")


@pytest.mark.parametrize("record", ["", "[]", "no json"])
def test_a_record_that_cannot_be_read(tmp_path: Path, record: str) -> None:
    facts_path(begun(tmp_path)).write_text(record)
    with pytest.raises(ConfigError, match="its record cannot be read"):
        resumed(tmp_path)


def test_two_trainings_do_not_share_a_folder(tmp_path: Path) -> None:
    tmp_path.mkdir(exist_ok=True)
    with Lock(tmp_path / LOCK, "held"), pytest.raises(BusyError, match="another training is writing to it"):
        resumed(tmp_path)
    with pytest.raises(ReachedError):
        resumed(tmp_path)
    assert not (tmp_path / LOCK).exists()


def test_a_checkpoint_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = begun(tmp_path)

    def full(self: Checkpoint) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Checkpoint, "save", full)
    monkeypatch.setattr("core.training.checkpoint.tensors_of", lambda *arguments, **options: {})
    training = object.__new__(Training)
    training.run, training.network, training.step = run, None, None
    training.state = type("State", (), {"record": lambda self: {}})()
    with pytest.raises(
        CheckpointError, match=r"No space left on device; the one before it stays, and task\.resume"
    ):
        training._save(last_path(run))


def test_two_benchmarks_do_not_share_a_folder(tmp_path: Path) -> None:
    run = core.open_run(["experiment=none", "task=bench"], output=tmp_path)
    with Lock(tmp_path / LOCK, "held"), pytest.raises(BusyError, match="another benchmark is writing to it"):
        bench.BENCH.build(run.settings.task, run)
    with pytest.raises(ConfigError, match="there is no contender"):
        bench.BENCH.build(run.settings.task, run)
