"""``task=export`` and ``runtime=``, from settings to files."""

import json
import subprocess
import sys

import numpy as np
import onnxruntime
import pytest

import core
import core.hooks
from core.errors import ConfigError
from core.testing.limits import seconds
from core.training.checkpoint import MODEL, Checkpoint, tensors_of

WORDS = ("experiment=none", "model=dvc", *(f"model.{width}=4" for width in ("hidden", "latent", "motion")))
WORDS += ("model.refinement=4", "model.flow=4", "codec=dvc", "intra=png")


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    """Fresh weights of a small DVC."""
    run = core.open_run([*WORDS, "task=doctor"])
    network, path = run.model(), tmp_path_factory.mktemp("weights") / "small.safetensors"
    made = Checkpoint(path, tensors_of(network, MODEL), run.model_section, run.model_plugin, {})
    made.with_tables(run.entry("codec", core.hooks.CodecEntry).tables(network)).save()
    return path


def export(folder, checkpoint, *words):
    """Run the task into a folder."""
    chosen = [*WORDS, "task=export", f"task.checkpoint={checkpoint}", *words]
    core.open_run(chosen, folder).execute()
    return folder / "export"


def test_writes_models_and_says_what_they_take(tmp_path, checkpoint):
    folder = export(
        tmp_path, checkpoint, "task.parts=[motion_synthesis,residual_synthesis]", "task.size=64x128"
    )
    record = json.loads((folder / "parts.json").read_text())
    assert record["model"]["model"] == "dvc"
    motion, residual = record["parts"]
    assert motion == {
        "name": "motion_synthesis",
        "file": "motion_synthesis.onnx",
        "inputs": [
            {"name": "motion", "shape": [1, 4, 4, 8]},
            {"name": "reference", "shape": [1, 3, 64, 128]},
        ],
        "outputs": ["prediction"],
        "multiple": 64,
    }
    session = onnxruntime.InferenceSession(folder / residual["file"], providers=["CPUExecutionProvider"])
    taken = {put["name"]: np.ones(put["shape"], np.float32) for put in residual["inputs"]}
    (frame,) = session.run(residual["outputs"], taken)
    assert frame.shape == (1, 3, 64, 128) and np.isfinite(frame).all()
    assert sorted(path.name for path in folder.iterdir()) == [
        "motion_synthesis.onnx",
        "parts.json",
        "residual_synthesis.onnx",
    ]
    with pytest.raises(ConfigError, match=r"residual_synthesis\.onnx exists: give another task\.output"):
        export(tmp_path, checkpoint, "task.parts=[residual_synthesis]", "task.size=64x128")


def test_writes_mindir(tmp_path, checkpoint):
    words = ("task.format=mindir", "task.parts=[residual_synthesis]", "task.size=64x64")
    folder = export(tmp_path, checkpoint, *words)
    assert (folder / "residual_synthesis.mindir").stat().st_size > 1000


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("task.format=mindir",), "format=mindir is for one size of pictures: give size=HEIGHTxWIDTH"),
        (("task.size=64",), "size=64 is not HEIGHTxWIDTH"),
        (("task.size=60x64",), "task.size=60x64 does not fit: both must be multiples of 64"),
        (
            ("task.parts=[motion_sythesis]",),
            "there is no part 'motion_sythesis'; did you mean 'motion_synthesis'",
        ),
        (("task.checkpoint=null",), "no trained network is given"),
        (("task.checkpoint=none.safetensors",), "none.safetensors"),
    ],
)
def test_mistakes(tmp_path, checkpoint, words, reason):
    chosen = [*WORDS, "task=export", f"task.checkpoint={checkpoint}", *words]
    with pytest.raises(core.errors.MindvideoError, match=reason):
        core.open_run(chosen, tmp_path).execute()
    assert not (tmp_path / "export").exists()


def test_a_model_without_parts_is_refused(tmp_path, checkpoint):
    run = core.open_run(["experiment=none", "model=vgg19", "task=export", f"weights={checkpoint}"], tmp_path)
    with pytest.raises(ConfigError, match="model=vgg19 names no parts that could be exported"):
        run.execute()


def test_run_computes_by_onnxruntime(checkpoint):
    run = core.open_run([*WORDS, "task=doctor", "runtime=onnxruntime"])
    loaded = run.codec(checkpoint)
    assert loaded.arithmetic.startswith(f"onnxruntime {onnxruntime.__version__} beside mindspore")
    assert loaded.codec.residual_synthesis.computed is not None
    with pytest.raises(ConfigError, match="runtime=onnxruntime does not train"):
        run.step(run.model(), 1)
    by_mindspore = core.open_run([*WORDS, "task=doctor"]).codec(checkpoint)
    assert by_mindspore.codec.residual_synthesis.computed is None
    assert not by_mindspore.arithmetic.startswith("onnxruntime")


def test_without_its_packages_it_says_what_to_install(tmp_path, checkpoint):
    words = [
        *WORDS,
        "task=export",
        f"task.checkpoint={checkpoint}",
        "task.size=64x64",
        "hydra/job_logging=none",
    ]
    hidden = (
        "import sys; sys.modules.update(onnx=None, onnxruntime=None); "
        "import mindvideo; sys.exit(mindvideo.main())"
    )
    done = subprocess.run(
        [sys.executable, "-c", hidden, *words],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=seconds(120),
    )
    assert done.returncode == 1
    assert "ONNX needs the package onnx: pip install 'mindvideo[onnx]'" in done.stderr + done.stdout
    assert "Traceback" not in done.stderr
