"""Every experiment of ours composes, and its parts are those that it names."""

from pathlib import Path

import pytest
import yaml
from omegaconf import OmegaConf

import core
import core.errors
from core.device_options import AscendConfig
from core.hooks import Split
from core.tasks.measure import data_set, settle_words

ROOT = Path(__file__).parents[2]
OURS = [*ROOT.glob("plugins/*/conf/experiment/*.yaml"), *ROOT.glob("conf/experiment/*.yaml")]
BENCHMARKS = sorted(path.stem for path in OURS if path.stem.startswith("bench_"))
EXPERIMENTS = sorted(path.stem for path in OURS if path.stem not in {"none", *BENCHMARKS})
CONTENDERS = sorted([*ROOT.glob("plugins/*/conf/contender/*.yaml"), *ROOT.glob("conf/contender/*.yaml")])
TEST_SETS = sorted(ROOT.glob("conf/testset/*.yaml"))
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
    assert type(settings.model).__module__ == f"plugins.{name.partition('_')[0]}.config"


@pytest.mark.parametrize("path", CONTENDERS, ids=lambda path: path.stem)
def test_contenders_compose(path):
    preset = yaml.safe_load(path.read_text())
    assert set(preset) == {"words", "points"} and preset["points"]
    words = [*settle_words(preset["words"]), *next(iter(preset["points"].values())), "task=measure"]
    settings = core.open_run(words).settings
    section = settings.upscaler if settings.codec is None else settings.codec
    assert type(section).__module__.startswith((f"plugins.{path.parents[2].name}.", "core."))
    assert bool(settings.task.checkpoint) == (settings.model is not None)


@pytest.mark.parametrize("name", [*EXPERIMENTS, *BENCHMARKS])
def test_experiments_compose_with_every_device(name):
    """On a card as on a processor: no option of a preset is one that only some devices have.

    Every option of a GPU is one of an Ascend card.
    """
    settings = opened(f"experiment={name}", "device=ascend").settings
    assert isinstance(settings.device, AscendConfig)


def test_contenders_name_no_device():
    """What they say holds on every device that they are measured on."""
    words = [word for path in CONTENDERS for word in yaml.safe_load(path.read_text())["words"]]
    assert len(words) > 20 and not [word for word in words if word.startswith("device")]


@pytest.mark.parametrize("path", TEST_SETS, ids=lambda path: path.stem)
def test_test_sets_compose(path, monkeypatch):
    monkeypatch.setenv("MINDVIDEO_DATA", "/my data")
    words = OmegaConf.to_container(OmegaConf.load(path), resolve=True)["words"]
    entry, section = data_set(words, core.open_run(["experiment=none", "task=doctor"]).registry)
    if path.stem == "clips":
        assert section.held_out.value == "box_handheld"
    elif path.stem.startswith(("clips", "vid4", "vimeo90k")):
        assert section.scale in (2, 4) and section.frames == 3
        if path.stem != "clips_x2":
            with pytest.raises(
                core.errors.DataError, match=r"there is no folder /my data/(vid4|vimeo_septuplet)"
            ):
                entry.build(section, Split.TEST)
    else:
        assert (section.collection.value, section.root) == (path.stem, f"/my data/{path.stem}")
        with pytest.raises(core.errors.DataError, match=f"there is no folder /my data/{path.stem}"):
            entry.build(section, Split.TEST)


def test_the_benchmark_of_upscalers_composes():
    settings = core.open_run(["experiment=bench_upscaling"]).settings
    assert list(settings.task.contenders) == ["floor", "cycmunet", "cycmunet_small"] and list(
        settings.task.sets
    ) == ["clips"]


def test_the_benchmark_of_the_demos_has_the_contenders_that_plugins_bring():
    settings = core.open_run(["experiment=bench_clips"]).settings
    smaller = {"x265_floor", "x265_cycmunet"}
    assert {
        "x264",
        "x265",
        "compact",
        "ssfvc",
        "dvc",
        "dvcp",
        "dcvc",
        *smaller,
    } <= settings.task.contenders.keys()
    assert settings.task.anchors == ["x264", "x265"] and list(settings.task.sets) == ["clips"]


def test_contenders_of_a_benchmark_are_chosen_and_changed_as_all_settings():
    words = [
        "contender@task.contenders.dvc=dvc_rates",
        "~contender@task.contenders.x265",
        "task.contenders.x264.words=['codec=x264_dvc']",
        "+contender@task.contenders.vp9=vp9",
        "task.anchors=[x264]",
    ]
    task = core.open_run(["experiment=bench_clips", *words]).settings.task
    assert len(task.contenders["dvc"]["points"]) == 4 and task.contenders["x264"]["words"] == [
        "codec=x264_dvc"
    ]
    assert "vp9" in task.contenders and "x265" not in task.contenders and task.anchors == ["x264"]


def test_the_anchors_of_four_rates():
    task = core.open_run(["experiment=bench_rates"]).settings.task
    assert task.anchors == ["dcvc", "x265"]
    assert set(task.contenders) == {"ssfvc", "dvc", "dvcp", "dcvc", "dcvcuf", "x265"}
    assert all(len(contender["points"]) == 4 for contender in task.contenders.values())


def test_four_qualities_of_one_network_are_no_four_trainings():
    points = core.open_run(["experiment=bench_rates"]).settings.task.contenders["dcvcuf"]["points"]
    assert list(points.values()) == [[f"codec.quality={quality}"] for quality in (0, 21, 42, 63)]


@pytest.mark.parametrize("name", ["ssfvc", "dvc", "dvcp", "dcvc"])
def test_the_benchmark_of_four_rates_measures_the_jobs_of_the_sweep(name):
    experiment = ROOT / "plugins" / name / "conf" / "experiment" / f"{name}_demo_rates.yaml"
    swept = yaml.safe_load(experiment.read_text())["hydra"]["sweeper"]["params"]["loss.lmbda"].split(",")
    points = core.open_run(["experiment=bench_rates"]).settings.task.contenders[name]["points"]
    assert list(map(float, points)) == list(map(float, swept))
    for number, (point, words) in enumerate(points.items()):
        checkpoint = f"task.checkpoint=runs/{name}_rates/{number}/checkpoints/best.safetensors"
        # DVC's kin choose the quality of their intra frames by it.
        weight = [] if name == "ssfvc" else [f"loss.lmbda={point}"]
        assert words == [checkpoint, *weight]


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
    begins = list(loss.phases.begins.values())
    assert begins == sorted(set(begins)) and begins[0] == 0
    assert opened("experiment=dcvc_vimeo", "loss.lmbda=256").settings.codec.crf == 29
