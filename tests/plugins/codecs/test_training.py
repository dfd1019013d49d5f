"""The training steps of codecs that code one frame under another, compiled: stages, resumption, references."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import mindspore as ms
import numpy as np
import pytest
from mindspore import Tensor, nn

from core.errors import ConfigError
from core.hooks import LossEntry, StepEntry
from core.losses.entries import Distortion
from core.training.checkpoint import assign, tensors_of
from core.training.steps import Reference
from plugins.dcvc import plugin as dcvc
from plugins.dcvc.step import DcvcObjective
from plugins.dvc import plugin as dvc
from plugins.dvc.step import DvcObjective
from plugins.dvcp import plugin as dvcp

from .cases import CASES
from .material import build_frames, mode

AFTER = 5
"""Steps after the resumption: beyond the fifth run some of MindSpore's operators begin to round otherwise."""


@dataclass(frozen=True)
class Training:
    """How a codec's training is tried."""

    loss: LossEntry
    step: StepEntry
    objective: type
    outputs: Sequence[str]
    stages: Mapping[str, int]
    """Options of a loss that goes through all stages in a few steps."""
    before: int
    """Steps before the resumption, in which all stages but the last begin."""
    in_a_stage: Mapping[str, int]
    """Options of one that is long in a stage."""
    fine: Mapping[str, float]
    """Options of one by MS-SSIM."""
    motion_costs: int
    """How many of the network's costs are those of motion."""
    pictures: Callable[[Any], Mapping[str, Tensor]]
    """By output, the pictures whose errors it is, of what the network gives."""


TRAININGS = {
    "dvc": Training(
        loss=dvc.LOSS,
        step=dvc.STEP,
        objective=DvcObjective,
        outputs=("loss", "mse", "warp_mse", "prediction_mse", "motion_bpp", "bpp"),
        stages={"flow_steps": 1, "motion_steps": 1, "warp_steps": 3},
        before=3,
        in_a_stage={"flow_steps": 10},
        fine={"warp_weight": 0},
        motion_costs=1,
        pictures=lambda made: dict(
            zip(("mse", "warp_mse", "prediction_mse"), (made[0], *made[1][1:]), strict=True)
        ),
    ),
    "dcvc": Training(
        loss=dcvc.LOSS,
        step=dcvc.STEP,
        objective=DcvcObjective,
        outputs=("loss", "mse", "warp_mse", "motion_bpp", "bpp"),
        stages={
            "rate_ramp": 2,
            "flow_steps": 1,
            "motion_steps": 1,
            "distortion_steps": 1,
            "content_steps": 3,
        },
        before=4,
        in_a_stage={"motion_steps": 10},
        fine={},
        motion_costs=2,
        pictures=lambda made: {"mse": made[0]},
    ),
}


@pytest.fixture(scope="module", params=TRAININGS)
def name(request):
    return request.param


@pytest.fixture(scope="module")
def training(name):
    return TRAININGS[name]


@pytest.fixture(scope="module")
def frames():
    """Two clips of two frames."""
    return Tensor(np.stack([build_frames(2, 64, 64, seed) for seed in (1, 2)]))


def make(name, **options):
    """Network and step as a run builds them, by a loss of these options."""
    training = TRAININGS[name]
    ms.set_seed(3)
    network = CASES[name].smallest().set_train()
    optimizer = nn.Adam(network.trainable_params(), 1e-3)
    loss = training.loss.build(training.loss.config(**options))
    return network, training.step.build(training.step.config(), network, loss, optimizer)


def steps(step, frames, count):
    return [floats(step(frames)) for _ in range(count)]


def floats(values):
    return [float(value.asnumpy()) for value in values]


@pytest.fixture(scope="module")
def trained(name, training, frames):
    """A step that ran through all stages, what it gave, and its parameters at the resumption and at the end."""
    with mode(ms.GRAPH_MODE):
        _, step = make(name, lmbda=256, **training.stages)
        first = steps(step, frames, training.before)
        middle = tensors_of(step, "")
        last = steps(step, frames, AFTER)
        return step, first + last, middle, tensors_of(step, "")


def test_stages_follow_one_another_in_the_compiled_step(name, training, trained):
    step, values, _, _ = trained
    assert step.outputs == training.outputs
    told = [dict(zip(training.outputs, each, strict=True)) for each in values]
    CASES[name].tests.assert_stages(told, lmbda=256)
    whole = [each["bpp"] for each in told[3:]]
    assert len(set(whole)) == len(whole) >= AFTER  # noise is new at each step
    assert len(step.compile_cache) == 1


def test_a_resumed_training_is_the_uninterrupted_one(training, trained, frames):
    step, values, middle, end = trained
    with mode(ms.GRAPH_MODE):
        assign(step, middle, "state")
        assert steps(step, frames, AFTER) == values[training.before :]
    for name, value in tensors_of(step, "").items():
        np.testing.assert_array_equal(value, end[name], err_msg=name)


def test_evaluation_measures_rate_and_distortion_alone(name, training, frames):
    """Without noise, in whatever stage the training is; and the same as the network itself."""
    network, step = make(name, lmbda=512, **training.in_a_stage)
    values = [floats(step.network.set_train(False)(frames)) for _ in range(2)]
    assert values[0] == values[1]
    told = dict(zip(training.outputs, values[0], strict=True))
    assert told["loss"] == pytest.approx(512 * told["mse"] + told["bpp"], rel=1e-5)
    made = network(frames[:, 1], frames[:, 0])
    truth = frames[:, 1].asnumpy()
    for output, picture in training.pictures(made).items():
        assert told[output] == pytest.approx(np.square(picture.asnumpy() - truth).mean(), rel=1e-5)
    bits = floats(made[-1])
    assert told["bpp"] == pytest.approx(sum(bits) / (2 * 64 * 64), rel=1e-5)
    assert told["motion_bpp"] == pytest.approx(sum(bits[: training.motion_costs]) / (2 * 64 * 64), rel=1e-5)


@pytest.mark.parametrize("reference", Reference)
def test_references(name, training, reference):
    """Of three frames the last is coded under the second, original or decoded."""
    network, clip = CASES[name].smallest(), Tensor(build_frames(3, 64, 64)[None])
    loss = training.loss.build(training.loss.config())
    steps_done = ms.Parameter(Tensor(0, ms.int32), requires_grad=False)
    objective = training.objective(network, loss, steps_done, reference).set_train(False)
    whole = np.array(floats(objective(clip)))
    original = training.objective(network, loss, steps_done, Reference.original).set_train(False)
    first = np.array(floats(original(clip[:, :2])))
    before = clip[:, 1]
    if reference is Reference.decoded:
        before = network(clip[:, 1], clip[:, 0])[0].clamp(0, 1)
    last = np.array(floats(original(ms.ops.stack((before, clip[:, 2]), 1))))
    np.testing.assert_allclose(whole, (first + last) / 2, rtol=1e-5)


def test_fine_tuning_by_ms_ssim_is_told(training):
    loss = training.loss.build(training.loss.config(distortion=Distortion.ms_ssim, **training.fine))
    assert loss.outputs[1] == "ms_ssim_distance"


@pytest.mark.parametrize(
    ("name", "plugin", "models"), [("dvc", dvc, "dvc"), ("dcvc", dcvc, "dcvc"), ("dvcp", dvcp, "dvcp or dvc")]
)
def test_parts_that_do_not_fit_are_refused(name, plugin, models):
    network = nn.Dense(2, 2)
    optimizer = nn.Adam(network.trainable_params())
    loss = plugin.LOSS.build(plugin.LOSS.config())
    for model, criterion in ((network, loss), (CASES[name].smallest(), nn.MSELoss())):
        with pytest.raises(ConfigError, match=f"step={name} trains model={models} by loss={name}"):
            plugin.STEP.build(plugin.STEP.config(), model, criterion, optimizer)
