"""What is DVC's own of its training; the rest is tried with all codecs in tests/plugins/codecs."""

import mindspore as ms
import numpy as np
import pytest
from mindspore import Tensor, nn

from core.training.checkpoint import tensors_of
from core.training.steps import Reference
from plugins.dvc.config import DvcLossConfig, DvcStepConfig
from plugins.dvc.plugin import LOSS, STEP
from plugins.dvc.step import DvcObjective

from ..codecs.material import build_frames
from .conftest import SMALLEST, build_network


@pytest.fixture(scope="module")
def frames():
    """Two clips of two frames."""
    return Tensor(np.stack([build_frames(2, 64, 64, seed) for seed in (1, 2)]))


def make(loss=None, seed=7, rate=1e-3, **options):
    """Network and step as a run builds them."""
    ms.set_seed(3)
    network = build_network(seed, **SMALLEST).set_train()
    optimizer = nn.Adam(network.trainable_params(), rate)
    step = STEP.build(DvcStepConfig(**options), network, LOSS.build(loss or DvcLossConfig()), optimizer)
    return network, step


def steps(step, frames, count):
    return [tuple(float(v.asnumpy()) for v in step(frames)) for _ in range(count)]


def moved(loss, frames):
    """Parts of the network that the first step moves."""
    network, step = make(loss)
    before = tensors_of(network, "")
    steps(step, frames[:1], 1)
    after = tensors_of(network, "")
    return {name.split(".")[0] for name in before if not np.array_equal(before[name], after[name])}


@pytest.mark.parametrize(
    ("stages", "parts"),
    [
        ({"flow_steps": 1}, {"spynet"}),
        ({"motion_steps": 1}, {"spynet", "motion", "refinement"}),
        ({}, {"spynet", "motion", "refinement", "residual"}),
    ],
)
def test_what_learns_in_a_stage(frames, stages, parts):
    assert moved(DvcLossConfig(**stages), frames) == parts


def test_the_warm_up_has_original_references():
    """The flow's loss, in which there is no noise, is the same for both."""
    clip = Tensor(build_frames(3, 64, 64)[None])
    losses = []
    for reference in Reference:
        loss = LOSS.build(DvcLossConfig(flow_steps=2))
        steps_done = ms.Parameter(Tensor(1, ms.int32), requires_grad=False)
        objective = DvcObjective(build_network(**SMALLEST), loss, steps_done, reference).set_train()
        losses.append(float(objective(clip)[0].asnumpy()))
    assert losses[0] > 0 and losses == [losses[0]] * 2


def test_elements_of_gradients_are_bounded(frames):
    """By a step whose optimizer moves parameters by the gradients themselves."""
    network = build_network(**SMALLEST).set_train()
    optimizer = nn.SGD(network.trainable_params(), 1.0)
    step = STEP.build(DvcStepConfig(clip_value=0.25), network, LOSS.build(DvcLossConfig()), optimizer)
    before = tensors_of(network, "")
    steps(step, frames, 1)
    after = tensors_of(network, "")
    largest = max(np.abs(after[name] - before[name]).max() for name in before)
    assert largest == pytest.approx(0.25, rel=1e-3)
