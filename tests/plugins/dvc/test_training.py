"""The training step, compiled: stages of the loss, references, gradients' bound, and an exact resumption."""

import mindspore as ms
import numpy as np
import pytest
from mindspore import Tensor, nn

from core.errors import ConfigError
from core.training.checkpoint import assign, tensors_of
from core.training.steps import Reference
from plugins.dvc.config import DvcLossConfig, DvcStepConfig
from plugins.dvc.loss import DvcLoss
from plugins.dvc.plugin import LOSS, STEP
from plugins.dvc.step import DvcObjective

from ..codecs.material import build_frames, mode
from .conftest import SMALLEST, build_network

OUTPUTS = ("loss", "mse", "warp_mse", "prediction_mse", "motion_bpp", "bpp")


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


@pytest.fixture(scope="module")
def trained(frames):
    """A step that ran 8 times through all stages, what it gave, and its parameters after 3 and at the end."""
    loss = DvcLossConfig(lmbda=256, flow_steps=1, motion_steps=1, warp_steps=3)
    with mode(ms.GRAPH_MODE):
        _, step = make(loss)
        first = steps(step, frames, 3)
        middle = tensors_of(step, "")
        last = steps(step, frames, 5)
        return step, first + last, middle, tensors_of(step, "")


def test_stages_follow_one_another_in_the_compiled_step(trained):
    """The first step is the flow's, the second the motion's; after it the loss holds w for one step."""
    step, values, _, _ = trained
    assert step.outputs == OUTPUTS
    flow, motion, helped, *rest = [dict(zip(OUTPUTS, each, strict=True)) for each in values]
    assert flow["loss"] < 256 * flow["warp_mse"] * 4
    errors = {n: 256 * (v["warp_mse"] + v["prediction_mse"]) for n, v in (("m", motion), ("h", helped))}
    assert motion["loss"] == pytest.approx(errors["m"] + motion["motion_bpp"], rel=1e-5)
    assert helped["loss"] == pytest.approx(256 * helped["mse"] + helped["bpp"] + 0.1 * errors["h"], rel=1e-5)
    for value in rest:
        assert value["loss"] == pytest.approx(256 * value["mse"] + value["bpp"], rel=1e-5)
    assert len({value["bpp"] for value in rest}) == len(rest)  # noise is new at each step
    assert len(step.compile_cache) == 1


def test_a_resumed_training_is_the_uninterrupted_one(trained, frames):
    """Also beyond the fifth run, where some of MindSpore's operators begin to round otherwise."""
    step, values, middle, end = trained
    with mode(ms.GRAPH_MODE):
        assign(step, middle, "state")
        assert steps(step, frames, 5) == values[3:]
    for name, value in tensors_of(step, "").items():
        np.testing.assert_array_equal(value, end[name], err_msg=name)


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


def test_evaluation_measures_rate_and_distortion_alone(frames):
    """Without noise, in whatever stage the training is; and the same as the network itself."""
    network, step = make(DvcLossConfig(lmbda=512, flow_steps=10))
    values = [[float(v.asnumpy()) for v in step.network.set_train(False)(frames)] for _ in range(2)]
    assert values[0] == values[1]
    told = dict(zip(OUTPUTS, values[0], strict=True))
    assert told["loss"] == pytest.approx(512 * told["mse"] + told["bpp"], rel=1e-5)
    reconstruction, (_, warped, prediction), costs = network(frames[:, 1], frames[:, 0])
    truth = frames[:, 1].asnumpy()
    for name, picture in (("mse", reconstruction), ("warp_mse", warped), ("prediction_mse", prediction)):
        assert told[name] == pytest.approx(np.square(picture.asnumpy() - truth).mean(), rel=1e-5)
    bits = [float(cost.asnumpy()) for cost in costs]
    assert told["bpp"] == pytest.approx(sum(bits) / (2 * 64 * 64), rel=1e-5)
    assert told["motion_bpp"] == pytest.approx(bits[0] / (2 * 64 * 64), rel=1e-5)


@pytest.mark.parametrize("reference", Reference)
def test_references(reference):
    """Of three frames the last is coded under the second, original or decoded."""
    network = build_network(**SMALLEST)
    clip = Tensor(build_frames(3, 64, 64)[None])
    loss = DvcLoss(DvcLossConfig())
    steps_done = ms.Parameter(Tensor(0, ms.int32), requires_grad=False)
    objective = DvcObjective(network, loss, steps_done, reference).set_train(False)
    whole = np.array([float(v.asnumpy()) for v in objective(clip)])
    original = DvcObjective(network, loss, steps_done, Reference.original).set_train(False)
    first = np.array([float(v.asnumpy()) for v in original(clip[:, :2])])
    before = clip[:, 1]
    if reference is Reference.decoded:
        before = network(clip[:, 1], clip[:, 0])[0].clamp(0, 1)
    last = original(ms.ops.stack((before, clip[:, 2]), 1))
    last = np.array([float(v.asnumpy()) for v in last])
    np.testing.assert_allclose(whole, (first + last) / 2, rtol=1e-5)


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


def test_parts_that_do_not_fit_are_refused(frames):
    network = nn.Dense(2, 2)
    optimizer = nn.Adam(network.trainable_params())
    for model, loss in ((network, LOSS.build(DvcLossConfig())), (build_network(**SMALLEST), nn.MSELoss())):
        with pytest.raises(ConfigError, match="step=dvc trains model=dvc by loss=dvc"):
            STEP.build(DvcStepConfig(), model, loss, optimizer)


@pytest.mark.parametrize(
    ("config", "option"),
    [
        (DvcLossConfig, {"lmbda": 0.0}),
        (DvcLossConfig, {"warp_weight": -1.0}),
        (DvcLossConfig, {"flow_steps": -1}),
        (DvcStepConfig, {"clip_value": -0.5}),
    ],
)
def test_bad_options_are_refused(config, option):
    with pytest.raises(ValueError, match=next(iter(option))):
        config(**option)


def test_ms_ssim_is_for_fine_tuning():
    from core.losses.entries import Distortion

    with pytest.raises(ValueError, match=r"loss\.warp_weight"):
        DvcLossConfig(distortion=Distortion.ms_ssim)
    assert (
        DvcLoss(DvcLossConfig(distortion=Distortion.ms_ssim, warp_weight=0)).outputs[1] == "ms_ssim_distance"
    )
