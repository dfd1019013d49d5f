"""The training step, compiled: stages of the loss, references, gradients' bound, and an exact resumption."""

from itertools import pairwise

import mindspore as ms
import numpy as np
import pytest
from mindspore import Tensor, nn

from core.errors import ConfigError
from core.losses.entries import Distortion
from core.training.checkpoint import assign, tensors_of
from core.training.steps import Reference
from plugins.dcvc.config import DcvcLossConfig, DcvcStepConfig
from plugins.dcvc.loss import DcvcLoss
from plugins.dcvc.plugin import LOSS, STEP
from plugins.dcvc.step import DcvcObjective

from ..codecs.material import build_frames, mode
from .conftest import SMALLEST, build_network

OUTPUTS = ("loss", "mse", "warp_mse", "motion_bpp", "bpp")
RATE = 2.0**-7
MOTION, CONTENT = {"spynet", "motion"}, {"features", "context_refinement", "contextual"}


@pytest.fixture(scope="module")
def frames():
    """Two clips of two frames."""
    return Tensor(np.stack([build_frames(2, 64, 64, seed) for seed in (1, 2)]))


def make(loss=None, seed=7, rate=1e-3, **options):
    """Network and step as a run builds them."""
    ms.set_seed(3)
    network = build_network(seed, **SMALLEST).set_train()
    optimizer = nn.Adam(network.trainable_params(), rate)
    step = STEP.build(DcvcStepConfig(**options), network, LOSS.build(loss or DcvcLossConfig()), optimizer)
    return network, step


def steps(step, frames, count):
    return [tuple(float(v.asnumpy()) for v in step(frames)) for _ in range(count)]


@pytest.fixture(scope="module")
def trained(frames):
    """A step that ran 9 times through all stages, what it gave, and its parameters after 4 and at the end."""
    lengths = {"flow_steps": 1, "motion_steps": 1, "distortion_steps": 1, "content_steps": 3}
    with mode(ms.GRAPH_MODE):
        _, step = make(DcvcLossConfig(lmbda=256, rate_ramp=2, **lengths))
        first = steps(step, frames, 4)
        middle = tensors_of(step, "")
        last = steps(step, frames, 5)
        return step, first + last, middle, tensors_of(step, "")


def test_stages_follow_one_another_in_the_compiled_step(trained):
    step, values, _, _ = trained
    assert step.outputs == OUTPUTS
    flow, motion, distortion, *rest = [dict(zip(OUTPUTS, each, strict=True)) for each in values]
    assert flow["loss"] < 256 * flow["warp_mse"] * 4
    assert motion["loss"] == pytest.approx(256 * motion["warp_mse"] + motion["motion_bpp"], rel=1e-5)
    assert distortion["loss"] == pytest.approx(256 * distortion["mse"], rel=1e-5)
    shares = [(0, 0.5), (0, 1), (0, 1), *[(1, 1)] * 3]
    for value, (of_motion, of_content) in zip(rest, shares, strict=True):
        content_bpp = value["bpp"] - value["motion_bpp"]
        rate = of_motion * value["motion_bpp"] + of_content * content_bpp
        assert value["loss"] == pytest.approx(256 * value["mse"] + rate, rel=1e-5)
    assert len({value["bpp"] for value in rest}) == len(rest)  # noise is new at each step
    assert len(step.compile_cache) == 1


def test_a_resumed_training_is_the_uninterrupted_one(trained, frames):
    """Also beyond the fifth run, where some of MindSpore's operators begin to round otherwise."""
    step, values, middle, end = trained
    with mode(ms.GRAPH_MODE):
        assign(step, middle, "state")
        assert steps(step, frames, 5) == values[4:]
    for name, value in tensors_of(step, "").items():
        np.testing.assert_array_equal(value, end[name], err_msg=name)


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


def test_evaluation_measures_rate_and_distortion_alone(frames):
    """Without noise, in whatever stage the training is; and the same as the network itself."""
    network, step = make(DcvcLossConfig(lmbda=512, motion_steps=10))
    values = [[float(v.asnumpy()) for v in step.network.set_train(False)(frames)] for _ in range(2)]
    assert values[0] == values[1]
    told = dict(zip(OUTPUTS, values[0], strict=True))
    assert told["loss"] == pytest.approx(512 * told["mse"] + told["bpp"], rel=1e-5)
    reconstruction, _, costs = network(frames[:, 1], frames[:, 0])
    truth = frames[:, 1].asnumpy()
    assert told["mse"] == pytest.approx(np.square(reconstruction.asnumpy() - truth).mean(), rel=1e-5)
    bits = [float(cost.asnumpy()) for cost in costs]
    assert told["bpp"] == pytest.approx(sum(bits) / (2 * 64 * 64), rel=1e-5)
    assert told["motion_bpp"] == pytest.approx(sum(bits[:2]) / (2 * 64 * 64), rel=1e-5)


@pytest.mark.parametrize("reference", Reference)
def test_references(reference):
    """Of three frames the last is coded under the second, original or decoded."""
    network = build_network(**SMALLEST)
    clip = Tensor(build_frames(3, 64, 64)[None])
    loss = DcvcLoss(DcvcLossConfig())
    steps_done = ms.Parameter(Tensor(0, ms.int32), requires_grad=False)
    objective = DcvcObjective(network, loss, steps_done, reference).set_train(False)
    whole = np.array([float(v.asnumpy()) for v in objective(clip)])
    original = DcvcObjective(network, loss, steps_done, Reference.original).set_train(False)
    first = np.array([float(v.asnumpy()) for v in original(clip[:, :2])])
    before = clip[:, 1]
    if reference is Reference.decoded:
        before = network(clip[:, 1], clip[:, 0])[0].clamp(0, 1)
    last = original(ms.ops.stack((before, clip[:, 2]), 1))
    last = np.array([float(v.asnumpy()) for v in last])
    np.testing.assert_allclose(whole, (first + last) / 2, rtol=1e-5)


def test_parts_that_do_not_fit_are_refused():
    network = nn.Dense(2, 2)
    optimizer = nn.Adam(network.trainable_params())
    for model, loss in ((network, LOSS.build(DcvcLossConfig())), (build_network(**SMALLEST), nn.MSELoss())):
        with pytest.raises(ConfigError, match="step=dcvc trains model=dcvc by loss=dcvc"):
            STEP.build(DcvcStepConfig(), model, loss, optimizer)


@pytest.mark.parametrize(
    ("config", "option"),
    [
        (DcvcLossConfig, {"lmbda": 0.0}),
        (DcvcLossConfig, {"flow_steps": -1}),
        (DcvcLossConfig, {"rate_ramp": -1}),
        (DcvcStepConfig, {"clip_value": -0.5}),
    ],
)
def test_bad_options_are_refused(config, option):
    with pytest.raises(ValueError, match=next(iter(option))):
        config(**option)


def test_ms_ssim_is_for_fine_tuning():
    with pytest.raises(ValueError, match=r"loss\.motion_steps"):
        DcvcLossConfig(distortion=Distortion.ms_ssim, motion_steps=1)
    assert DcvcLoss(DcvcLossConfig(distortion=Distortion.ms_ssim)).outputs[1] == "ms_ssim_distance"
