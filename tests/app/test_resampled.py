"""``codec=resampled``: any codec and any upscaler together, as settings choose them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import core
from core.coding.entries import ResampledCodecConfig
from core.errors import CheckpointError, ConfigError, PluginError, StreamError
from core.media.reader import open_video
from core.media.writer import open_writer
from core.run import Run
from core.selection import CodecSelection, codec_of
from core.stream import StreamReader
from core.training.checkpoint import MODEL, Checkpoint, tensors_of

DVC = Path(__file__).parents[1] / "plugins/dvc/golden/dvc.safetensors"
START = ("experiment=none", "task=doctor", "codec=resampled", "codec.upscaler=floor")
X264 = ("codec.inner=x264", "+codec.inner_options.crf=12", "+codec.inner_options.preset=ultrafast")
WIDTH, HEIGHT, COUNT = 45, 31, 9
CYCMUNET = {"features": 4, "groups": 2, "levels": 1, "cycles": 1, "front_blocks": 1, "trunk_blocks": 1}


@pytest.fixture(scope="module")
def cycmunet(tmp_path_factory):
    """A checkpoint of a tiny CycMuNet+ that adds hardly anything to its floor."""
    words = [f"model.{name}={value}" for name, value in CYCMUNET.items()]
    run = core.open_run(["experiment=none", "model=cycmunet", "model.floor=true", *words, "task=doctor"])
    path = tmp_path_factory.mktemp("weights") / "cycmunet.safetensors"
    Checkpoint(path, tensors_of(run.model(), MODEL), run.model_section, run.model_plugin, {}).save()
    return path


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    path = tmp_path_factory.mktemp("video") / "in.y4m"
    y, x = np.mgrid[:HEIGHT, :WIDTH] / 9
    with open_writer(path, width=WIDTH, height=HEIGHT, frame_rate=25) as writer:
        for n in range(COUNT):
            waves = [np.sin(x + 0.2 * n), np.cos(y - 0.2 * n), np.sin(x + y)]
            writer.write((0.5 + 0.3 * np.stack(waves)).astype(np.float32))
    return path


def pictures(path):
    with open_video(path) as reader:
        return np.stack([frame.rgb for frame in reader])


@pytest.mark.slow
def test_a_learned_codec_and_a_learned_upscaler(cycmunet, video, tmp_path):
    """From file to file; the stream is bound to both."""
    words = ["codec.inner=dvc", f"codec.inner_checkpoint={DVC}", "codec.upscaler=cycmunet"]
    run = core.open_run([*START, *words, f"codec.upscaler_checkpoint={cycmunet}", "codec.gop=6"])
    loaded = run.codec()
    stream, back = tmp_path / "clip.mdv", tmp_path / "back.y4m"
    core.encode(video, stream, loaded)
    assert core.decode(stream, back, loaded).frames == COUNT
    assert pictures(back).shape == (COUNT, 3, HEIGHT, WIDTH)
    assert np.abs(pictures(back) - pictures(video)).mean() < 0.1
    with StreamReader(stream) as reader:
        assert reader.header.codec == "resampled" and reader.header.gop == 6
        assert [packet.time for packet in reader if packet.payload] == [0, 2, 4, 5, 6, 8]
    with pytest.raises(StreamError, match="made by another model"):
        core.decode(stream, tmp_path / "no.y4m", core.open_run([*START, *words[:2]]).codec())


def test_without_networks(video, tmp_path):
    """And what a decoder needs is in the fingerprint, what an encoder chooses is not."""
    loaded = core.open_run([*START, *X264]).codec()
    core.encode(video, tmp_path / "clip.mdv", loaded)
    other = core.open_run([*START, "codec.inner=x264", "+codec.inner_options.crf=40"]).codec()
    assert core.decode(tmp_path / "clip.mdv", tmp_path / "back.y4m", other).frames == COUNT
    assert np.abs(pictures(tmp_path / "back.y4m") - pictures(video)).mean() < 0.05
    without_temporal = core.open_run([*START, "codec.inner=x264", "codec.temporal=false"]).codec()
    with pytest.raises(
        StreamError,
        match=r"give codec\.inner and codec\.upscaler, and its other options, as when it was encoded",
    ):
        core.decode(tmp_path / "clip.mdv", tmp_path / "no.y4m", without_temporal)


@pytest.fixture(scope="module")
def select():
    run = core.open_run([*START, "codec.inner=x264"])

    def select(options) -> CodecSelection:
        settings = replace(run.settings, codec=ResampledCodecConfig(**options))
        return codec_of(Run(settings, run.registry, run.output))

    return select


def test_all_that_decodes_a_stream_is_in_its_fingerprint(select, cycmunet):
    chosen = [
        {"inner": "x264"},
        {"inner": "x265"},
        {"inner": "x264", "temporal": False},
        {"inner": "x264", "upscaler_options": {"scale": 3}},
        {"inner": "x264", "upscaler": "cycmunet", "upscaler_checkpoint": str(cycmunet)},
        {"inner": "dvc", "inner_checkpoint": str(DVC)},
    ]
    assert len({select(options).fingerprint for options in chosen}) == len(chosen)


@pytest.mark.parametrize(
    ("options", "fingerprint"),
    [
        ({"inner": "x264"}, "eb95e62dcbcba2fceb44c7e67f6645c9"),
        (
            {"inner": "dvc", "inner_checkpoint": str(DVC), "temporal": False},
            "01237caace991fd5565ff8d1e7e1be5a",
        ),
    ],
)
def test_fingerprints_stay(select, options, fingerprint):
    """Streams that were made before decode."""
    assert select(options).fingerprint.hex() == fingerprint


def test_it_stands_where_the_codec_within_stands(select):
    """But for the direction, where frames are interpolated; what it needs is told by the names of its options."""
    learned = {"inner": "dvc", "inner_checkpoint": str(DVC)}
    axes = select({**learned, "temporal": False}).axes
    assert axes == {
        "kind": "learned",
        "coding": "residual",
        "supervision": "objective",
        "direction": "unidirectional",
    }
    assert select(learned).axes == {**axes, "direction": "bidirectional"}
    assert select({"inner": "x264"}).axes["kind"] == "conventional"
    absent = {**learned, "inner_checkpoint": "no.safetensors"}
    assert select(learned).missing() == ""
    assert select(absent).missing() == "there is no checkpoint no.safetensors: train it, or give another one."
    assert select({"inner": "dvc"}).missing().endswith("give codec.inner_checkpoint=FILE.")


@pytest.mark.parametrize(
    ("options", "error", "sentence"),
    [
        ({"inner": "x263"}, PluginError, "there is no codec 'x263'; did you mean 'x26"),
        ({"inner": "resampled"}, ConfigError, "codec.inner=resampled is no codec of its own"),
        ({"inner": "dvc"}, ConfigError, "codec.inner=dvc needs a trained network: give codec.inner_checkpoint=FILE"),
        ({"inner": "x264", "inner_checkpoint": str(DVC)}, ConfigError, "codec.inner=x264 has no network"),
        ({"inner": "ssfvc", "inner_checkpoint": str(DVC)}, ConfigError, "model=dvc, which codec.inner=ssfvc does"),
        ({"inner": "dvc", "inner_checkpoint": "no.safetensors"}, CheckpointError, "there is no checkpoint no.safe"),
        ({"inner": "x264", "inner_options": {"crf": 99}}, ConfigError, "codec.inner_options: crf is 99"),
        ({"inner": "x264", "inner_options": {"crv": 9}}, ConfigError, "codec.inner_options: Key 'crv'"),
        ({"inner": "x264", "upscaler": "cycmunett"}, PluginError, "did you mean 'cycmunet'?"),
        ({"inner": "x264", "upscaler": "cycmunet"}, ConfigError, "codec.upscaler=cycmunet needs a trained network"),
        ({"inner": "x264", "upscaler_options": {"scale": 0}}, ConfigError, "codec.upscaler_options: scale is 0; it"),
    ],
)  # fmt: skip
def test_what_cannot_be(select, options, error, sentence):
    with pytest.raises(error) as told:
        select(options).load()
    assert sentence in str(told.value)


def test_the_inner_codec_must_be_named_where_no_weights_come_along():
    with pytest.raises(ConfigError, match=r"codec\.inner has no value"):
        core.open_run(["experiment=none", "task=measure", "codec=resampled", "plugins.disable=[compact]"])
