"""A checkpoint says what it was made for and a stream what decodes it, so that neither need be typed."""

from pathlib import Path

import numpy as np
import pytest

import core
from core import implied, weights
from core.app import plugins
from core.coding.codec import join_fingerprints
from core.errors import CheckpointError, ConfigError, PluginError
from core.training.checkpoint import MODEL, TABLES, Checkpoint, describe

from .test_codec_commands import other_model, short_video

ENCODE = ("task.input=in.y4m", "task.output=out.mdv")
NAMED = """
    from pathlib import Path
    from core.hooks import WeightsEntry

    @hookimpl
    def weights():
        file = Path(__file__).with_name("small.safetensors")
        told = {"licence": "Apache-2.0", "recipe": "none"}
        return [
            WeightsEntry("toy-small", ("model=toy", "codec=toy"), file=file, default_for=DEFAULT, **told),
            WeightsEntry(
                "toy-far",
                ("model=toy",),
                url="http://localhost:9/x.npz",
                sha256="ab" * 4,
                fingerprint="ab" * 16,
                **told,
            ),
        ]
"""


def checkpoint(path, step=8.0, *words, made_for=None):
    """A checkpoint of the toy, as its training would leave it."""
    run = core.open_run(
        ["experiment=none", "task=doctor", "model=toy", f"model.step={step}", "codec=toy", *words]
    )
    tensors = {f"{MODEL}step": np.float32([step]), f"{TABLES}toy": np.arange(3, dtype=np.int32)}
    told = run.made_for if made_for is None else made_for
    Checkpoint(Path(path), tensors, run.model_section, run.model_plugin, {}, told).save()
    return str(path)


def chosen(*words):
    return core.open_run(words).settings


def executed(*words):
    return core.open_run(words, output="scratch").execute()


@pytest.fixture
def here(toy):
    toy()


@pytest.mark.usefixtures("here")
def test_a_checkpoint_alone_chooses_model_and_codec_with_their_options():
    file = checkpoint("a, b.safetensors", 4.0, "codec.gop=5")
    for task in ("encode", "evaluate", "measure", "profile"):
        given = [f"task={task}", f"task.checkpoint={file}", *(ENCODE if task == "encode" else ())]
        settings = chosen(*given)
        assert (type(settings.model).__name__, settings.model.step) == ("ToyConfig", 4.0), task
        assert (type(settings.codec).__name__, settings.codec.gop) == ("ToyCodecConfig", 5), task
        assert settings.upscaler is None, task
    assert chosen("task=export", f"task.checkpoint={file}").model.step == 4.0
    assert chosen("encode", *ENCODE, f"weights={file}").model.step == 4.0


@pytest.mark.usefixtures("here")
def test_what_is_typed_wins():
    file = checkpoint("a.safetensors", 8.0, "codec.gop=5")
    short_video(Path("in.y4m"), 1)
    assert chosen("encode", *ENCODE, f"task.checkpoint={file}", "codec.gop=7").codec.gop == 7
    assert (
        type(chosen("encode", *ENCODE, f"task.checkpoint={file}", "codec=x264").codec).__name__
        == "X264Config"
    )
    with pytest.raises(CheckpointError, match=r"it has model\.step=8\.0, the settings have model\.step=2\.0"):
        executed("encode", *ENCODE, f"task.checkpoint={file}", "model.step=2")


@pytest.mark.usefixtures("here")
def test_contradictions_are_one_sentence():
    file = checkpoint("a.safetensors")
    with pytest.raises(
        ConfigError, match=r"^a\.safetensors holds .* model=toy, which codec=ssfvc does not take: leave"
    ):
        chosen("encode", *ENCODE, f"task.checkpoint={file}", "codec=ssfvc")
    with pytest.raises(
        CheckpointError, match=r"which is not made for any upscaler: task=upscale needs one that is\.$"
    ):
        chosen("upscale", "in.y4m", f"task.checkpoint={file}")


@pytest.mark.usefixtures("here")
def test_a_training_is_not_changed_by_weights():
    file = checkpoint("a.safetensors")
    assert type(chosen(f"weights={file}").model).__name__ == "CycMuNetConfig"
    assert (
        type(chosen("experiment=ssfvc_demo", "task=evaluate", f"task.checkpoint={file}").model).__name__
        == "SsfvcConfig"
    )


@pytest.mark.usefixtures("here")
def test_an_older_checkpoint_is_known_by_its_plugin():
    file = checkpoint("old.safetensors", made_for={})
    settings = chosen("evaluate", file)
    assert type(settings.codec).__name__ == "ToyCodecConfig"
    assert type(settings.dataset).__name__ == "ClipsConfig"


@pytest.mark.usefixtures("here")
def test_the_data_set_of_the_training_is_measured_without_its_paths(tmp_path):
    words = ["dataset=frames", f"dataset.root={tmp_path}", "dataset.frames=5"]
    file = checkpoint("a.safetensors", 8.0, *words)
    assert str(tmp_path) not in str(describe(Path(file)).made_for)
    with pytest.raises(ConfigError, match=r"dataset\.root has no value"):
        chosen("evaluate", file)
    assert chosen("evaluate", file, f"dataset.root={tmp_path}").dataset.frames == 5


def test_a_checkpoint_of_a_plugin_that_is_not_here(toy, within, monkeypatch):
    toy()
    file = checkpoint("a.safetensors")
    monkeypatch.setenv("MINDVIDEO_PLUGINS", "ssfvc")
    plugins.cache_clear()
    with pytest.raises(
        CheckpointError, match=r"is of model=toy, which toy offers and which is not here: install it\."
    ):
        chosen("evaluate", file)


@pytest.mark.usefixtures("here")
def test_checkpoints_of_a_sweep_must_agree():
    files = [checkpoint(f"{name}.safetensors", step) for name, step in (("a", 8.0), ("b", 8.0), ("c", 4.0))]
    words = implied.complete(["task=encode", f"task.checkpoint='{files[0]}','{files[1]}'"], plugins(()))
    assert "codec=toy" in words
    with pytest.raises(ConfigError, match=r"a\.safetensors and c\.safetensors are for different settings"):
        implied.complete(["task=encode", f"task.checkpoint='{files[0]}','{files[2]}'"], plugins(()))


@pytest.fixture
def coded(here):
    """A stream, of weights that are in a run's folder."""
    Path("runs/one/checkpoints").mkdir(parents=True)
    file = checkpoint("runs/one/checkpoints/best.safetensors")
    checkpoint("runs/one/checkpoints/other.safetensors", 2.0)
    short_video(Path("in.y4m"), 3)
    executed("encode", "in.y4m", f"task.checkpoint={file}")
    return Path("in.mdv")


def test_a_stream_finds_its_weights_among_the_runs(coded):
    executed("decode", "in.mdv")
    executed("decode", "in.mdv")
    executed("verify", "in.mdv")
    assert sorted(path.name for path in Path().glob("in*")) == ["in-2.mp4", "in.mdv", "in.mp4", "in.y4m"]


def test_a_stream_finds_weights_that_do_not_tell_their_fingerprint(coded):
    path = Path("runs/one/checkpoints/best.safetensors")
    kept = Checkpoint.open(path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Checkpoint, "fingerprint", b"")
        kept.save()
    assert describe(path).fingerprint == ""
    executed("verify", "in.mdv")


def test_weights_that_are_not_here_are_told(coded):
    other_model(coded, Path("other.mdv"))
    with pytest.raises(
        CheckpointError,
        match=rf"^other\.mdv needs weights .* codec=toy with fingerprint {'00' * 16}; give the checkpoint",
    ):
        chosen("decode", "other.mdv")
    assert chosen("decode", "other.mdv", "codec=toy", "model=toy", "experiment=none").task.checkpoint is None


def test_a_codec_that_is_not_here_is_told(coded, monkeypatch):
    monkeypatch.setenv("MINDVIDEO_PLUGINS", "ssfvc")
    plugins.cache_clear()
    with pytest.raises(
        PluginError, match=r"in\.mdv was made by codec 'toy', which no installed plugin offers"
    ):
        chosen("verify", "in.mdv")


def test_a_conventional_stream_needs_no_words(within, caplog):
    short_video(Path("in.y4m"), 3)
    executed("encode", "in.y4m", "codec=x264", "experiment=none")
    with caplog.at_level("INFO"):
        executed("verify", "in.mdv")
    assert "3 frames" in caplog.text


def test_a_learned_picture_codec_is_found_as_well(within):
    """The fingerprint of such a stream is that of two checkpoints together."""
    made = {}
    for name, words in {
        "dvc": ["model=dvc", "codec=dvc"],
        "ssfvc": ["model=ssfvc", "codec=ssfvc"],
        "cheng2020": ["model=cheng2020", "codec=cheng2020"],
    }.items():
        run = core.open_run(["experiment=none", "task=doctor", *words])
        path = Path(f"runs/{name}/checkpoints/best.safetensors")
        path.parent.mkdir(parents=True)
        made[name] = Checkpoint(
            path, {f"{MODEL}a": np.float32([1])}, run.model_section, run.model_plugin, {}, run.made_for
        )
        made[name].save()
    both = join_fingerprints(made["dvc"].fingerprint, made["cheng2020"].fingerprint)
    found = weights.deciding(Path("x.mdv"), "dvc", both, plugins(()))
    assert found == [
        "task.checkpoint='runs/dvc/checkpoints/best.safetensors'",
        "intra=cheng2020",
        "intra.checkpoint='runs/cheng2020/checkpoints/best.safetensors'",
    ]


def named(toy, within, default="None"):
    toy(NAMED.replace("DEFAULT", default))
    checkpoint(within.folder / "toy_plugin" / "small.safetensors", 4.0)


def test_weights_have_names(toy, within):
    named(toy, within)
    settings = chosen("encode", *ENCODE, "task.checkpoint=toy-small")
    assert settings.task.checkpoint == str(within.folder / "toy_plugin" / "small.safetensors")
    assert settings.model.step == 4.0
    with pytest.raises(
        CheckpointError, match=r"^the weights 'toy-far' are not here: get them with mindvideo weights get"
    ):
        chosen("encode", *ENCODE, "task.checkpoint=toy-far")
    with pytest.raises(
        CheckpointError, match=r"neither a file nor weights called 'toy-smal'; did you mean 'toy-small'"
    ):
        chosen("encode", *ENCODE, "task.checkpoint=toy-smal")
    Path("toy-small").touch()
    assert (
        chosen(
            "encode", *ENCODE, "codec=x264", "experiment=none", "task.checkpoint=toy-small"
        ).task.checkpoint
        == "toy-small"
    )


def test_weights_that_come_along_are_the_default(toy, within):
    named(toy, within, '"codec"')
    short_video(Path("in.y4m"), 3)
    executed("encode", "in.y4m")
    executed("decode", "in.mdv", "back.y4m")
    assert Path("back.y4m").stat().st_size == Path("in.y4m").stat().st_size
    assert type(chosen("encode", *ENCODE, "codec=x264", "experiment=none").codec).__name__ == "X264Config"
    assert type(chosen("encode", *ENCODE, "experiment=ssfvc_demo").codec).__name__ == "SsfvcCodecConfig"


def test_without_default_weights_the_sentence_is_the_old_one(here):
    with pytest.raises(ConfigError, match=r"task=encode needs codec="):
        chosen("encode", *ENCODE, "plugins.disable=[compact]")


def test_ours_are_the_default_of_who_chooses_nothing(here):
    assert type(chosen("encode", *ENCODE).codec).__name__ == "CompactCodecConfig"
    assert type(chosen("upscale", "in.y4m", "out.y4m").upscaler).__name__ == "CycMuNetUpscalerConfig"


SMALLER = ("task=encode", "codec=resampled", *ENCODE)


@pytest.mark.parametrize(
    ("words", "inner", "upscaler"),
    [
        ((), ("compact", "compact.safetensors"), ("cycmunet", "cycmunet-small-x2.safetensors")),
        (
            ("codec.inner=compact", "codec.upscaler=floor"),
            ("compact", "compact.safetensors"),
            ("floor", None),
        ),
        (("codec.inner=x264",), ("x264", None), ("cycmunet", "cycmunet-small-x2.safetensors")),
        (
            ("codec.inner_checkpoint=compact", "codec.upscaler=floor"),
            ("compact", "compact.safetensors"),
            ("floor", None),
        ),
    ],
)
def test_a_codec_around_others_takes_ours_where_none_is_given(here, words, inner, upscaler):
    codec = chosen(*SMALLER, *words).codec
    assert codec is not None
    for name, file, (expected, its_file) in (
        (codec.inner, codec.inner_checkpoint, inner),
        (codec.upscaler, codec.upscaler_checkpoint, upscaler),
    ):
        assert (name, file and Path(file).name) == (expected, its_file)


def test_codecs_of_a_sweep_are_told_nothing_of_what_is_within_one_of_them():
    words = ["task=encode", "codec=resampled,x264", "experiment=none"]
    assert implied.complete(words, plugins(())) == words


def test_a_checkpoint_says_what_it_is_within_a_codec(here):
    path = checkpoint("small.safetensors")
    codec = chosen(*SMALLER, f"codec.inner_checkpoint={path}").codec
    assert (codec.inner, codec.inner_checkpoint) == ("toy", path)


def test_a_stream_of_known_weights_is_told_by_name(toy, within):
    named(toy, within)
    with pytest.raises(
        CheckpointError, match=rf"'toy-far' \({'ab' * 16}\); get them with mindvideo weights get toy-far"
    ):
        weights.deciding(Path("x.mdv"), "toy", bytes.fromhex("ab" * 16), plugins(()))
