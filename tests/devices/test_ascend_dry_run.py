"""What of an Ascend card can be tried without one: MindSpore's own dry run compiles our networks for it.

Every graph is compiled with the card's rules for types, and MindSpore selects a kernel for each operator. It does not
show that CANN has the kernel behind an aclop name, nor values, memory or speed. Values are tried on a processor,
against the same cells (`tests/nn`).
"""

import os
import platform
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from core.media.reader import open_video

from . import dry_run, fake_cann

pytestmark = pytest.mark.timeout(3600)
"""Compiling takes minutes of a busy machine's time."""
ROOT = Path(__file__).parents[2]
PLUGINS = ("cycmunet", "ssfvc", "dvc", "dvcp", "dcvc", "compact", "dcvcuf")
"""Those that train something."""
SELECTED = re.compile(r"\] (\w+) select (\w+) kernel")

ACLOPS = {
    *("Adam", "AddN", "Assign", "AssignAdd", "FillV2", "TensorMove", "ZerosLike"),
    *("RealDiv", "ReduceMean", "IsNan", "RsqrtGrad", "SqrtGrad"),
    # The noise's hash.
    *("BitwiseAnd", "BitwiseXor", "RightShift"),
    # Shapes.
    *("Gather", "Split", "Stack", "StridedSlice", "StridedSliceGrad", "Unstack"),
    # Pictures longer than 128, and halving.
    *("AvgPool3D", "AvgPool3DGrad", "ResizeBilinearGrad", "ResizeBilinearV2"),
    # Fixed windows of SSIM and of the scale space, the dense layer of DVC-P's discriminator.
    *("Conv2D", "Conv2DBackpropInput", "BiasAdd", "BiasAddGrad"),
    # The optimizer of cycmunet_vimeo; CANN has an operator of this name (nn_training_ops.h).
    "ApplyAdaMax",
    # Motion that is searched for the middle frame, in the form that other runtimes have.
    "ReduceSum",
    # LPIPS, a metric, whose gradient nothing asks for but the test.
    *("Conv2DBackpropFilter", "MaxPool", "MaxPoolGrad"),
}
"""Operators that MindSpore hands to CANN by name, to be compiled at first use. The others have kernels that are
compiled already. A further one is a decision: look it up in CANN's list, and whether there is another form."""


@dataclass(frozen=True)
class Result:
    """What a process of the dry run did and said."""

    status: int
    text: str

    @property
    def aclops(self) -> set[str]:
        return {name for name, kind in SELECTED.findall(self.text) if kind == "aclop"}

    @property
    def kernels(self) -> set[str]:
        return {name for name, _ in SELECTED.findall(self.text)}

    def said(self) -> str:
        """The end of what was said, without what MindSpore noted."""
        return "\n".join([line for line in self.text.splitlines() if not line.startswith("[")][-40:])


@pytest.fixture(scope="session")
def cann(tmp_path_factory):
    """The environment of a dry run."""
    if sys.platform != "linux" or platform.machine() != "x86_64":
        pytest.skip("the dry run is known on Linux on x86-64 alone")
    missing = [tool for tool in fake_cann.TOOLS if shutil.which(tool) is None]
    if missing:
        pytest.skip(f"the dry run needs {', '.join(missing)}")
    if not fake_cann.is_packed():
        pytest.skip("this MindSpore has no part for Ascend")
    return fake_cann.build(tmp_path_factory.mktemp("dry_run"))


@pytest.fixture
def run_dry(cann, tmp_path):
    """Runs words of Python's command line in the dry run, where falling back to the processor is an error."""

    def run(*words, **further):
        environment = os.environ | cann
        environment["PYTHONPATH"] = os.pathsep.join((cann["PYTHONPATH"], str(ROOT)))
        environment |= {"GLOG_v": "3", "MS_SUBMODULE_LOG_v": "{DEVICE:1}", "MS_DISABLE_KERNEL_BACKOFF": "1"}
        process = subprocess.run(
            [sys.executable, *words],
            cwd=tmp_path,
            env=environment | further,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
        return Result(process.returncode, process.stdout)

    return run


def compiled(result, *names):
    """All of them went through, on kernels of the card, and on no aclop that was not decided on."""
    assert result.status == 0, result.said()
    assert "failed: none" in result.text
    assert "backoff" not in result.text
    done = set(re.findall(r"^done: (.+) in [\d.]+ s$", result.text, re.MULTILINE))
    assert done >= set(names) and done
    assert result.aclops <= ACLOPS, f"aclops that nobody decided on: {sorted(result.aclops - ACLOPS)}"


def child(kind):
    return str(ROOT / "tests" / "devices" / "dry_run.py"), kind


def test_every_cell(run_dry):
    result = run_dry(*child("cells"))
    compiled(result)
    assert "device: Ascend (graph mode, no card, CANN 8.5.0, float32)" in result.text
    assert "ascend no card, CANN 8.5.0, float32, deterministic" in result.text
    assert {
        "Conv2DExt",
        "ConvTranspose2D",
        "GridSampler2D",
        "GridSampler3D",
        "LeakyReLUExt",
    } <= result.kernels
    assert not {"DeformableOffsets", "UnsortedSegmentSum"} & result.kernels


def test_networks_that_are_not_trained_here(run_dry):
    compiled(run_dry(*child("forwards")), "cheng2020", "dvcp_features", "dvcp_lpips")


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["mixed_float16", "mixed_bfloat16"])
def test_a_step_in_mixed_precision(run_dry, precision):
    """float16 has a scaled loss, and skips a step whose gradients are not finite."""
    result = run_dry(*child("steps"), "cycmunet", f"device.precision={precision}")
    assert f"CANN 8.5.0, {precision})" in result.text
    compiled(result, "cycmunet")
    assert "Cast" in result.kernels


def test_what_no_card_has_is_noticed(run_dry):
    """The control: pooling by the operator that takes float16 alone on a card does not pass."""
    result = run_dry("-c", CONTROL)
    assert result.status != 0 and "done" not in result.text.splitlines()


CONTROL = """
import mindspore as ms
from mindspore import nn, ops
ms.set_device("Ascend")
ms.set_context(mode=ms.GRAPH_MODE)
class Pool(nn.Cell):
    def construct(self, x):
        return ops.max_pool2d(x, 3, 2)
Pool()(ops.zeros((1, 3, 8, 8), ms.float32))
print("done")
"""


@pytest.mark.slow
@pytest.mark.parametrize("name", PLUGINS)
def test_a_training_step_of_every_plugin(run_dry, name):
    """Network, loss and step with its optimizers, DVC-P's two among them."""
    compiled(run_dry(*child("steps"), name), name)


@pytest.mark.slow
def test_a_training_step_with_searched_motion(run_dry):
    """As ``experiment=cycmunet_small_x2`` has it."""
    compiled(run_dry(*child("steps"), "cycmunet", "model.motion=true", "model.details=true"), "cycmunet")


@pytest.mark.slow
def test_cells_that_take_long(run_dry):
    """The loss of fine-tuning, and motion that is searched."""
    names = ("MsSsimLoss", "MiddleMotion", "SearchBlocks", "DisplaceBlocks")
    compiled(run_dry(*child("cells"), *names), *names)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["cycmunet", "ssfvc"])
def test_one_rank_of_eight(run_dry, name):
    result = run_dry(*child("steps"), name, RANK_SIZE="8", RANK_ID="3")
    compiled(result, name)
    assert ", rank 3 of 8)" in result.text and "AllReduce" in result.text


@pytest.mark.slow
def test_the_doctor_says_what_a_question_about_a_card_needs(run_dry):
    result = run_dry("-m", "core", "experiment=none", "task=doctor", "device=ascend")
    assert result.status == 0, result.said()
    for fact in ("Ascend (graph mode, no card, CANN 8.5.0, float32)", "ASCEND_HOME_PATH", "LD_LIBRARY_PATH"):
        assert fact in result.text


@pytest.mark.slow
@pytest.mark.parametrize("name", PLUGINS)
def test_every_demo(run_dry, tmp_path, name):
    """Two steps, validation and checkpoints, and a video coded and decoded, or upscaled, by the last of these."""
    name = f"{name}_demo"
    tasks = ("train", "upscale") if name == "cycmunet_demo" else ("train", "encode", "decode")
    compiled(run_dry(*child("demos"), name), *(f"{name}: {task}" for task in tasks))
    with open_video(tmp_path / name / "out.y4m") as made:
        assert len(list(made)) >= dry_run.FRAMES


@pytest.mark.slow
def test_cycmunet_at_published_size(run_dry, tmp_path):
    """4x, 10 million parameters, crops of 256 pixels: what ``experiment=cycmunet_vimeo`` trains, on other clips."""
    words = [
        *(
            "-m",
            "core",
            "experiment=cycmunet_vimeo",
            "device=ascend",
            "training.epochs=null",
            "training.steps=1",
        ),
        *("dataset=stills", "dataset.frames=3", "dataset.crop=256", "dataset.evaluation_crop=256"),
        *("dataset.scale=4", "task.evaluate=false", "output=run", "loader.batch_size=2"),
    ]
    result = run_dry(*words)
    assert result.status == 0, result.said()
    assert "10,074,323 parameters" in result.text
    assert "backoff" not in result.text and result.aclops <= ACLOPS
