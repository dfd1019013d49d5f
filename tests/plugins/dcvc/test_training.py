"""What is DCVC's own of its training; the rest is tried with all codecs in tests/plugins/codecs."""

from itertools import pairwise

import mindspore as ms
import numpy as np
import pytest
from mindspore import Tensor, nn

from core.training.checkpoint import tensors_of
from plugins.dcvc.config import DcvcLossConfig, DcvcStepConfig
from plugins.dcvc.plugin import LOSS, STEP

from ..codecs.material import build_frames, mode
from .conftest import SMALLEST, build_network

RATE = 2.0**-7
MOTION, CONTENT = {"spynet", "motion"}, {"features", "context_refinement", "contextual"}


@pytest.fixture(scope="module")
def frames():
    """Two clips of two frames."""
    return Tensor(np.stack([build_frames(2, 64, 64, seed) for seed in (1, 2)]))


def steps(step, frames, count):
    return [tuple(float(v.asnumpy()) for v in step(frames)) for _ in range(count)]


@pytest.fixture(scope="module")
def changes(frames):
    """By how much each of five steps, one of each stage, changes each parameter: by its bounded gradient."""
    network = build_network(**SMALLEST).set_train()
    optimizer = nn.SGD(network.trainable_params(), RATE)
    lengths = dict.fromkeys(("flow_steps", "motion_steps", "distortion_steps", "content_steps"), 1)
    loss = LOSS.build(DcvcLossConfig(**lengths))
    with mode(ms.GRAPH_MODE):
        step = STEP.build(DcvcStepConfig(clip_value=0.25), network, loss, optimizer)
        states = [tensors_of(network, "")]
        for _ in range(5):
            steps(step, frames, 1)
            states.append(tensors_of(network, ""))
    return [{n: np.abs(new[n] - old[n]).max() for n in old} for old, new in pairwise(states)]


@pytest.mark.parametrize(
    ("stage", "parts"), enumerate([{"spynet"}, MOTION, CONTENT, CONTENT, MOTION | CONTENT])
)
def test_what_learns_in_a_stage(changes, stage, parts):
    assert {name.split(".")[0] for name, change in changes[stage].items() if change > 0} == parts


def test_elements_of_gradients_are_bounded(changes):
    for change in changes:
        assert max(change.values()) == pytest.approx(0.25 * RATE, rel=1e-3)
