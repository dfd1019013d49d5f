"""Every experiment of ours composes, and its parts are those that it names."""

from pathlib import Path

import pytest

import core
import core.errors

ROOT = Path(__file__).parents[2]
EXPERIMENTS = sorted(path.stem for path in ROOT.glob("plugins/*/conf/experiment/*.yaml"))
PRESETS = sorted(path.stem for path in ROOT.glob("plugins/*/conf/model/*.yaml"))


def opened(*words):
    """A run of these words; data sets get a folder that need not exist."""
    try:
        return core.open_run([*words, "dataset.root=/data"])
    except core.errors.ConfigError:
        return core.open_run(words)


def test_there_are_experiments():
    assert {"cycmunet_demo", "ssfvc_demo", "dvc_demo", "dvc_vimeo", "dcvc_demo", "dcvc_vimeo"} <= set(
        EXPERIMENTS
    )


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_experiments_compose(name):
    settings = opened(f"experiment={name}").settings
    plugin = name.partition("_")[0]
    for kind in ("model", "step"):
        section = settings.section(kind)
        assert section is not None
        assert type(section).__module__.startswith((f"plugins.{plugin}.", "core.")), kind
    assert settings.training.steps or settings.training.epochs


@pytest.mark.parametrize("name", PRESETS)
def test_presets_compose(name):
    settings = core.open_run(["experiment=none", f"model={name}", "task=doctor"]).settings
    assert type(settings.model).__module__ == f"plugins.{name.partition('_')[0]}.plugin"


@pytest.mark.parametrize(
    ("words", "crf"),
    [
        ([], 20),
        (["loss.lmbda=256"], 29),
        (["loss.lmbda=256", "task=encode", "task.input=a", "task.output=b"], 29),
        (["loss.lmbda=256", "codec.lmbda=512"], 26),
    ],
)
def test_the_quality_of_dvc_s_intra_frames_follows_the_loss(words, crf):
    assert opened("experiment=dvc_vimeo", *words).settings.codec.crf == pytest.approx(crf)


def test_the_staged_recipe_of_dvc():
    settings = opened("experiment=dvc_vimeo_staged").settings
    assert settings.loss.flow_steps > 0 and settings.loss.motion_steps > 0
    assert settings.step.reference.name == "decoded"
    assert settings.dataset.frames > 2 and settings.loader.batch_size == 4


def test_the_recipe_of_dcvc_has_all_stages():
    loss = opened("experiment=dcvc_vimeo").settings.loss
    assert list(loss.stage_ends) == sorted(set(loss.stage_ends)) and loss.stage_ends[0] > 0
    assert opened("experiment=dcvc_vimeo", "loss.lmbda=256").settings.codec.crf == 29
