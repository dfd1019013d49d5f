"""Runs of one process beside each other: each computes as it would alone, and its streams say how."""

import numpy as np
import pytest

import core
from core.coding.encode import encode_video
from core.hooks import CodecEntry
from core.media.reader import open_video
from core.stream import StreamReader
from core.training.checkpoint import MODEL, Checkpoint, tensors_of
from tests.plugins.codecs.material import build_frames

onnxruntime = pytest.importorskip("onnxruntime")

WIDTHS = ("hidden", "latent", "motion", "refinement", "flow")
WORDS = ("experiment=none", "model=dvc", *(f"model.{width}=4" for width in WIDTHS), "codec=dvc", "intra=png")
RUNS = {
    "onnxruntime": ("runtime=onnxruntime",),
    "our kernels": ("device.kernels=onednn",),
    "MindSpore's operators": ("device.kernels=builtin",),
}


def opened(name):
    """A run whose device is set."""
    run = core.open_run([*WORDS, *RUNS[name], "task=doctor"])
    assert run.device is not None
    return run


@pytest.fixture
def checkpoint(tmp_path):
    """Fresh weights of a small DVC."""
    run = opened("MindSpore's operators")
    network, path = run.model(), tmp_path / "small.safetensors"
    made = Checkpoint(path, tensors_of(network, MODEL), run.model_section, run.model_plugin, {})
    made.with_tables(run.entry("codec", CodecEntry).tables(network)).save()
    return path


@pytest.fixture
def pictures(tmp_path):
    """A folder of two pictures."""
    from PIL import Image

    folder = tmp_path / "pictures"
    folder.mkdir()
    for number, frame in enumerate(build_frames(2, 48, 64)):
        Image.fromarray(np.rint(255 * frame).astype(np.uint8).transpose(1, 2, 0)).save(
            folder / f"{number}.png"
        )
    return folder


def encode(pictures, folder, codecs):
    """The stream of each codec; the others code theirs between the two frames of the first one."""
    if not codecs:
        return {}
    (name, loaded), *others = codecs.items()
    path, streams = folder / f"{name}.mdv", {}

    def note(record):
        if record.time == 0:
            streams.update(encode(pictures, folder, dict(others)))

    with open_video(pictures) as reader:
        assert encode_video(reader, path, loaded, source=pictures, note=note).frames == 2
    return {name: path, **streams}


def computes_by(loaded):
    """What a stage and its convolutions were built for."""
    stage = loaded.codec.residual_synthesis
    if stage.computed is not None:
        return "onnxruntime"
    convolution = stage.network.residual.synthesis[0].convolution
    return "our kernels" if convolution is not None else "MindSpore's operators"


@pytest.mark.usefixtures("kernels")
@pytest.mark.timeout(300)
@pytest.mark.slow
def test_three_runs_beside_each_other(tmp_path, checkpoint, pictures):
    (alone := tmp_path / "alone").mkdir()
    (beside := tmp_path / "beside").mkdir()
    expected = {}
    for name in RUNS:
        expected |= encode(pictures, alone, {name: opened(name).codec(checkpoint)})
    runs = {name: opened(name) for name in RUNS}
    codecs = {name: run.codec(checkpoint) for name, run in runs.items()}
    streams = encode(pictures, beside, codecs)
    assert list(streams) == list(RUNS)
    for name, path in streams.items():
        assert computes_by(codecs[name]) == name
        with StreamReader(path) as stream:
            assert stream.header.arithmetic == runs[name].arithmetic
        assert path.read_bytes() == expected[name].read_bytes()
    assert runs["onnxruntime"].arithmetic.startswith(f"onnxruntime {onnxruntime.__version__} beside")
    assert "onednn kernels" in runs["our kernels"].arithmetic
    assert "builtin kernels" in runs["MindSpore's operators"].arithmetic
