"""The training step: stages, two optimizers that keep apart, and an exact resumption of both."""

import mindspore as ms
import numpy as np
import pytest
from mindspore import Tensor, nn

from core.errors import ConfigError
from core.training.checkpoint import assign, tensors_of
from core.training.steps import Reference
from plugins.dvcp.config import DiscriminatorConfig, DvcpLossConfig, DvcpStepConfig, Features, Head, Stages
from plugins.dvcp.discriminator import Discriminator, discriminator_loss
from plugins.dvcp.plugin import LOSS, STEP
from plugins.dvcp.step import DiscriminatorObjective

from ..codecs.material import build_frames, mode
from .conftest import SMALLEST, build_network

OUTPUTS = (
    "loss",
    "mse",
    "random_vgg",
    "adversarial",
    "warp_mse",
    "prediction_mse",
    "motion_bpp",
    "bpp",
    "discriminator",
)
LMBDA = 256.0
AT_ONCE = Stages(0, 0, 0, 0, 0)
ONE_EACH = Stages(motion=1, prediction=2, reconstruction=3, clips=4, adversarial=5)


@pytest.fixture(scope="module")
def frames():
    """Two clips of three frames."""
    return Tensor(np.stack([build_frames(3, 64, 64, seed) for seed in (1, 2)]))


def make(stages=AT_ONCE, optimizer=nn.Adam, rate=1e-3, discriminator=None, seed=3, **options):
    """Network and step as a run builds them."""
    ms.set_seed(seed)
    network = build_network(**SMALLEST).set_train()
    loss = LOSS.build(DvcpLossConfig(lmbda=LMBDA, vgg_channels=2, stages=stages, **options))
    config = DvcpStepConfig(
        discriminator=discriminator or DiscriminatorConfig(channels=4), discriminator_lr=1e-3
    )
    return network, STEP.build(config, network, loss, optimizer(network.trainable_params(), rate))


def run(step, frames, count=1):
    """What each of some steps gave, by name."""
    return [
        dict(zip(step.outputs, (float(v.asnumpy()) for v in step(frames)), strict=True)) for _ in range(count)
    ]


def parts_of(step):
    """Parameters of the discriminator, and of the codec, in their order."""
    objective = step.network
    return [
        [p.asnumpy().copy() for p in part.trainable_params()]
        for part in (objective.discriminator, objective.network)
    ]


def changed(before, after):
    """How many of some parameters did."""
    return sum(not np.array_equal(a, b) for a, b in zip(before, after, strict=True))


@pytest.fixture(scope="module")
def trained(frames):
    """A compiled step that ran 12 times through all stages: what it gave, and its parameters after every one."""
    with mode(ms.GRAPH_MODE):
        _, step = make(ONE_EACH)
        values, states = [], [tensors_of(step, "")]
        for _ in range(12):
            values += run(step, frames)
            states.append(tensors_of(step, ""))
        return step, values, states


def test_stages_follow_one_another_in_one_graph(trained):
    step, values, _ = trained
    assert step.outputs == OUTPUTS and len(step.compile_cache) == 1
    flow, motion, prediction, *whole = values
    assert flow["loss"] != pytest.approx(
        LMBDA * flow["warp_mse"], rel=1e-3
    )  # the flow as estimated, not as coded
    assert motion["loss"] == pytest.approx(LMBDA * motion["warp_mse"] + motion["motion_bpp"], rel=1e-5)
    error = LMBDA * prediction["prediction_mse"] + prediction["motion_bpp"]
    assert prediction["loss"] == pytest.approx(error, rel=1e-5)
    for value in whole:
        distortion = value["mse"] + 0.04 * value["random_vgg"] + 0.1 * value["adversarial"]
        assert value["loss"] == pytest.approx(LMBDA * distortion + value["bpp"], rel=1e-5)
    assert [value["random_vgg"] > 0 for value in values] == [False] * 3 + [True] * 9
    assert len({value["bpp"] for value in values}) == len(values)  # noise is new at each step


def test_the_discriminator_begins_with_its_stage(trained):
    """Neither side of the game is played before, and the optimizer of the discriminator has not counted a step."""
    _, values, states = trained
    for name in ("adversarial", "discriminator"):
        assert [value[name] > 0 for value in values] == [False] * 5 + [True] * 7
    first = states[0]
    judge = [name for name in first if name.startswith(("discriminator.", "discriminator_adam."))]
    assert len(judge) > 20
    for state in states[1:6]:
        assert [name for name in judge if not np.array_equal(state[name], first[name])] == []
    moved = [name for name in judge if not np.array_equal(states[6][name], first[name])]
    assert {name for name in judge if name.startswith("discriminator.")} <= set(moved)


def test_what_learns_in_a_stage(trained):
    _, _, states = trained

    def moved(number):
        before, after = states[number], states[number + 1]
        names = [name for name in before if not np.array_equal(before[name], after[name])]
        return {name.split(".")[0] for name in names} & {"spynet", "motion", "refinement", "residual"}

    assert moved(0) == {"spynet"}
    assert moved(1) == {"spynet", "motion"}
    assert moved(2) == {"spynet", "motion", "refinement"}
    assert moved(3) == moved(11) == {"spynet", "motion", "refinement", "residual"}


@pytest.mark.slow
def test_a_resumed_training_is_the_uninterrupted_one(trained, frames):
    """From before the adversarial stage, and beyond the fifth run, where some operators begin to round otherwise.

    By a step of its own, as a run that goes on has: what only a branch reads, a compiled step reads at its start.
    """
    _, values, states = trained
    with mode(ms.GRAPH_MODE):
        _, step = make(ONE_EACH, seed=4)
        judge = "discriminator.convolutions.0.weight"
        assert not np.array_equal(tensors_of(step, "")[judge], states[4][judge])
        assign(step, states[4], "state")
        assert run(step, frames, 8) == values[4:]
    for name, value in tensors_of(step, "").items():
        np.testing.assert_array_equal(value, states[-1][name], err_msg=name)


@pytest.mark.slow
def test_either_update_leaves_the_other_side_alone(frames):
    """One optimizer stands still at a time, while the adversarial loss is part of both sides' losses."""
    clip = frames[:, :2]
    _, step = make()
    judging, coding = step.discriminator_optimizer, step.optimizer
    assert not {p.name for p in judging.parameters} & {p.name for p in coding.parameters}
    start = parts_of(step)
    step.discriminator_optimizer = nn.SGD(judging.parameters, 0.0)
    (value,) = run(step, clip)
    middle = parts_of(step)
    assert value["adversarial"] > 0 and value["discriminator"] > 0
    assert changed(start[0], middle[0]) == 0
    assert changed(start[1], middle[1]) > 0.9 * len(start[1])
    step.discriminator_optimizer, step.optimizer = judging, nn.SGD(coding.parameters, 0.0)
    run(step, clip)
    end = parts_of(step)
    assert changed(middle[1], end[1]) == 0
    assert changed(middle[0], end[0]) == len(end[0])


def test_the_codec_learns_from_the_discriminator(frames):
    """Its gradients have the adversarial loss in them."""
    network, step = make(features=Features.discriminator)
    gradients = []
    for weight in (0.0, 10.0):
        step.network.loss.adversarial_weight = weight
        ms.ops.assign(step.steps_done, Tensor(0, ms.int32))
        gradients.append([g.asnumpy() for g in step.value_and_grad(frames[:1, :2])[1]])
    names = [parameter.name for parameter in network.trainable_params()]
    differ = {n for n, a, b in zip(names, *gradients, strict=True) if not np.array_equal(a, b)}
    assert len(differ) > 0.9 * len(names)


def in_training(frames, **options):
    """What the objective gives in training, without its pictures, by name."""
    _, step = make(**options)
    values = [float(v.asnumpy()) for v in step.network(frames)[:-2]]
    return step, dict(zip(step.outputs, values, strict=False))


def test_without_weight_there_is_no_adversary(frames):
    step, value = in_training(frames[:1, :2], adversarial_weight=0.0, perceptual_weight=0.0)
    assert value["adversarial"] == value["random_vgg"] == 0 and not step.is_adversarial
    assert value["loss"] == pytest.approx(LMBDA * value["mse"] + value["bpp"], rel=1e-5)


def test_features_of_the_discriminator(frames):
    _, value = in_training(frames[:1, :2], features=Features.discriminator)
    assert value["feature_matching"] > 0
    distortion = value["mse"] + 0.04 * value["feature_matching"] + 0.1 * value["adversarial"]
    assert value["loss"] == pytest.approx(LMBDA * distortion + value["bpp"], rel=1e-5)


def test_evaluation_leaves_out_what_the_discriminator_says(frames):
    """Over whole clips, in whatever stage the training is."""
    _, step = make(Stages(prediction=10, reconstruction=10, clips=10, adversarial=10))
    objective = step.network.set_train(False)
    values = [float(v.asnumpy()) for v in objective(frames[:1])]
    told = dict(zip(OUTPUTS, values, strict=False))
    distortion = told["mse"] + 0.04 * told["random_vgg"]
    assert told["loss"] == pytest.approx(LMBDA * distortion + told["bpp"], rel=1e-5)
    short = [float(v.asnumpy()) for v in objective(frames[:1, :2])]
    assert short[1] != pytest.approx(values[1], rel=1e-3)


def test_references_are_decoded_frames():
    assert DvcpStepConfig().reference is Reference.decoded


def test_a_flattening_head_needs_its_size(frames):
    pictures = frames[:, 0]
    score, features = Discriminator(DiscriminatorConfig(4, Head.flatten, 64))(pictures)
    assert score.shape == (2, 1) and features.shape == (2, 32, 4, 4)
    with pytest.raises(ConfigError, match=r"128x128, not 64x64: set step\.discriminator\.crop"):
        Discriminator(DiscriminatorConfig(4, Head.flatten, 128))(pictures)


@pytest.mark.parametrize("head", Head)
def test_the_discriminator_learns_to_tell_frames_from_blurred_ones(frames, head):
    ms.set_seed(3)
    discriminator = Discriminator(DiscriminatorConfig(8, head, 64))
    sharp = ms.ops.concat((frames[:, 0], frames[:, 2]))
    blurred = ms.ops.avg_pool2d(sharp, 5, 1, 2)
    optimizer = nn.Adam(discriminator.trainable_params(), 2e-3)
    step = ms.ops.value_and_grad(DiscriminatorObjective(discriminator), None, optimizer.parameters)
    losses = []
    for _ in range(25):
        loss, gradients = step(sharp, blurred)
        optimizer(gradients)
        losses.append(float(loss.asnumpy()))
    assert losses[0] > 0.2 and losses[-1] < 0.05


def test_a_pooling_head_takes_any_size(frames):
    discriminator = Discriminator(DiscriminatorConfig(4))
    for size in (64, 48):
        score, _ = discriminator(frames[:, 0, :, :size])
        assert ((score.asnumpy() > 0) & (score.asnumpy() < 1)).all()


def test_least_squares():
    real, fake = Tensor(np.array([[0.5], [1.0]], np.float32)), Tensor(np.array([[0.0], [1.0]], np.float32))
    assert float(discriminator_loss(real, fake).asnumpy()) == pytest.approx(0.5 * (0.125 + 0.5))


def test_stages_scale():
    stages = Stages(scale=0.01)
    assert [stages.step(name) for name in ("prediction", "reconstruction", "clips", "adversarial")] == [
        200,
        400,
        1000,
        4000,
    ]
