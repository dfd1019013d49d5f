"""``training.beside``: other codecs are trained first, under the same conditions, and measured beside."""

import pytest

import core
from core.errors import ConfigError
from core.run import Run
from core.tasks import train

WORDS = ["experiment=dvcp_demo", "loss.lmbda=256", "seed=5", "training.steps=7", "dataset.crop=128"]


class Training:
    """Stands for `core.tasks.train.Training`."""

    made: list = []  # noqa: RUF012

    def __init__(self, config, run):
        self.run, self.resume, self.others = run, config.resume, None
        self.made.append(self)

    def execute(self):
        return 1.5

    def write_tables(self):
        self.tables = True

    def measure_best(self, others):
        self.others = others


@pytest.fixture
def trainings(monkeypatch):
    monkeypatch.setattr(train, "Training", Training)
    monkeypatch.setattr(Run, "codec", lambda run, path: (run, path))
    monkeypatch.setattr(Training, "made", [])
    return Training.made


def test_others_are_trained_first_under_the_same_conditions(trainings, tmp_path):
    run = core.open_run([*WORDS, "task.resume=true"], output=tmp_path)
    assert run.execute() == 1.5
    other, ours = trainings
    assert ours.run is run and other.run.output == tmp_path / "dvcp_demo_transposed"
    assert (other.resume, ours.resume) == (True, True)
    settings = other.run.settings
    assert (settings.seed, settings.training.steps, settings.dataset.crop) == (5, 7, 128)
    assert settings.loss.lmbda == 500 and settings.codec.lmbda == 1024  # its own, for about the same bytes
    assert settings.loss.adversarial_weight == 0
    assert settings.training.beside == [] and settings.model.upsampling.name == "transposed"
    assert other.others is None and other.tables
    best = other.run.output / "checkpoints" / "best.safetensors"
    assert ours.others == {"dvcp_demo_transposed": (other.run, best)}


def test_only_codecs_compare(trainings, tmp_path):
    run = core.open_run([*WORDS, "training.beside=[cycmunet_demo]"], output=tmp_path)
    with pytest.raises(ConfigError, match=r"training\.beside=cycmunet_demo compares codecs"):
        run.execute()
    assert trainings == []
