"""DCVC-UF's training: where it starts, how gradients pass through clips, and how it goes on after a stop."""

import mindspore as ms
import numpy as np
import pytest
from mindspore import Tensor, nn, ops

from core.errors import ConfigError
from core.testing.material import moving_frames
from core.training.checkpoint import assign, tensors_of
from plugins.dcvcuf.colour import to_ycbcr
from plugins.dcvcuf.config import (
    DcvcUfConfig,
    DcvcUfIntraConfig,
    DcvcUfIntraLossConfig,
    DcvcUfIntraStepConfig,
    DcvcUfLossConfig,
    DcvcUfStepConfig,
    Structure,
)
from plugins.dcvcuf.image import PictureNetwork
from plugins.dcvcuf.init import steps, transform
from plugins.dcvcuf.loss import DcvcUfLoss
from plugins.dcvcuf.step import build, build_intra, evaluation_qualities, planes_of
from plugins.dcvcuf.video import VideoNetwork

from ..codecs.material import mode
from .conftest import SMALLEST, WIDTHS, build_network, build_pictures

QUALITIES = Tensor(np.array([5, 40], np.int32))


def clips(count, side=32):
    return Tensor(np.stack([moving_frames(count, side, side, seed) for seed in (1, 2)]))


def step_of(network, **options):
    ms.set_seed(3)
    optimizer = nn.SGD(network.trainable_params(), 0.1)
    return build(
        DcvcUfStepConfig(clip_norm=0.0, **options), network, DcvcUfLoss(DcvcUfLossConfig()), optimizer
    )


def picture_error(made, truth):
    return float(((made.clamp(-0.5, 0.5) - truth) ** 2).mean().asnumpy())


def test_transforms_keep_lengths():
    basis = transform(200)
    np.testing.assert_allclose(basis[:192] @ basis[:192].T, np.eye(192), atol=1e-5)
    assert not basis[192:].any()
    np.testing.assert_allclose(basis[0, :64], 1 / 8, atol=1e-6)  # the mean of luma stands first


def test_a_fresh_network_codes():
    """Frames are near their sources, nearer at better qualities, though nothing was learned."""
    config = DcvcUfConfig(**{**WIDTHS, "features": 96, "latent": 48, "quality_scales": True})
    network = VideoNetwork(config).set_train(False)
    frames = [to_ycbcr(frame) for frame in ops.unstack(clips(2, 64), 1)]
    errors, bits = [], []
    for quality in (0, 21, 42, 63):
        quality = Tensor(np.full(2, quality, np.int32))
        made, _, costs = network(frames[1], network.start(frames[0]), None, quality)
        errors.append(picture_error(made, frames[1]))
        bits.append(sum(float(cost.sum().asnumpy()) for cost in costs))
        assert all((cost.asnumpy() > 0).all() for cost in costs)
    assert errors == sorted(errors, reverse=True) and bits == sorted(bits)
    assert errors[-1] < 0.9 * errors[0]
    assert errors[-1] < 0.5 * picture_error(frames[0] * 0, frames[1])


@pytest.mark.parametrize("loss", [DcvcUfLossConfig(), DcvcUfIntraLossConfig()])
def test_steps_of_quantisation_go_with_the_weight_of_the_distortion(loss):
    """As the root of its inverse (the theory of fine quantisation)."""
    made = steps(loss)
    assert made.shape == (64,) and (np.diff(made) < 0).all() and made[-1] > 0.5  # the least that is allowed
    np.testing.assert_allclose((made[0] / made[-1]) ** 2, loss.finest / loss.coarsest, rtol=1e-3)


def test_a_fresh_picture_network_codes():
    network = PictureNetwork(DcvcUfIntraConfig(features=96, latent=64, hyper=8, encoder=1, decoder=1))
    picture = to_ycbcr(clips(1, 64)[:, 0])
    made, _ = network.set_train(False)(picture, Tensor(np.full(2, 63, np.int32)))
    assert picture_error(made, picture) < 0.3 * picture_error(picture * 0, picture)


@pytest.mark.slow
def test_cascaded_gradients_are_those_of_the_whole_clip():
    """Packet by packet backwards, or all at once: the network moves alike."""
    frames = clips(4)
    network, twin = build_network(), build_network()
    network.set_train()
    twin.set_train(False)  # without noise, of which there is another here
    before = tensors_of(network, "")
    step = step_of(network, cascaded=True, quality=30)
    network.set_train(False)
    step(frames)

    loss, quality = DcvcUfLoss(DcvcUfLossConfig()), Tensor(np.full(2, 30, np.int32))

    def whole():
        features, memory, total = twin.start(to_ycbcr(frames[:, 0])), None, 0.0
        for number in range(1, 4):
            planes = planes_of(frames[:, number : number + 1])
            made, (memory, features), bits = twin(planes, features, memory, quality)
            total = total + loss(planes, made, bits[0] + bits[1], quality, Tensor(number, ms.int32))[0]
        return total / 3

    weights = ms.ParameterTuple(twin.trainable_params())
    expected = ops.grad(whole, None, weights)()
    after = tensors_of(network, "")
    for parameter, gradient in zip(weights, expected, strict=True):
        moved = (before[parameter.name] - after[parameter.name]) / 0.1
        limit = 1e-3 * max(np.abs(gradient.asnumpy()).max(), 1e-2)
        np.testing.assert_allclose(moved, gradient.asnumpy(), atol=limit, err_msg=parameter.name)


@pytest.mark.slow
@pytest.mark.parametrize("cascaded", [False, True])
def test_a_resumed_training_is_the_uninterrupted_one(cascaded):
    """Compiled, as trainings run."""
    frames = clips(3)
    with mode(ms.GRAPH_MODE):
        step = step_of(build_network(**SMALLEST).set_train(), cascaded=cascaded)
        step(frames)
        middle = tensors_of(step, "")
        expected = [float(value.asnumpy()) for value in step(frames)]
        end = tensors_of(step, "")
        assign(step, middle, "state")
        assert [float(value.asnumpy()) for value in step(frames)] == expected
    # Each packet moves the network, but rates of learning are those of steps, of which two were done.
    assert step.optimizer.global_step.asnumpy().tolist() == [2]
    assert int(step.steps_done.asnumpy()) == 2
    changed = tensors_of(step, "")
    assert any((value != middle[name]).any() for name, value in changed.items())
    for name, value in changed.items():
        np.testing.assert_array_equal(value, end[name], err_msg=name)


def test_qualities_are_drawn_by_step():
    step = step_of(build_network().set_train())
    first = step.qualities(64).asnumpy()
    np.testing.assert_array_equal(step.qualities(64).asnumpy(), first)
    assert len(set(first.tolist())) > 20 and first.min() >= 0 and first.max() <= 63
    step.steps_done.set_data(step.steps_done + 1)
    assert (step.qualities(64).asnumpy() != first).any()
    np.testing.assert_array_equal(evaluation_qualities(5).asnumpy(), [0, 21, 42, 63, 0])


def test_evaluation_measures_without_noise():
    network = build_network()
    objective = step_of(network).network.set_train(False)
    values = [[float(value.asnumpy()) for value in objective(clips(3))] for _ in range(2)]
    assert values[0] == values[1] and all(value > 0 for value in values[0])


@pytest.mark.parametrize(
    "structure",
    [
        Structure.ld,
        *(pytest.param(each, marks=pytest.mark.slow) for each in Structure if each is not Structure.ld),
    ],
)
def test_every_parameter_learns(structure):
    """In an intra frame's successor and the frame after it."""
    network = build_network(structure=structure, portable=structure is not Structure.htl).set_train()
    chunk = network.config.chunk
    frames, loss = clips(1 + 2 * chunk), DcvcUfLoss(DcvcUfLossConfig())

    def objective():
        features, memory, total = network.start(to_ycbcr(frames[:, 0])), None, 0.0
        for number in (1, 2):
            at = 1 + (number - 1) * chunk
            planes = planes_of(frames[:, at : at + chunk])
            made, (memory, features), bits = network(planes, features, memory, QUALITIES)
            total = total + loss(planes, made, bits[0] + bits[1], QUALITIES, Tensor(number, ms.int32))[0]
        return total

    parameters = network.trainable_params()
    gradients = ops.grad(objective, None, ms.ParameterTuple(parameters))()
    for parameter, gradient in zip(parameters, gradients, strict=True):
        values = gradient.asnumpy()
        assert np.isfinite(values).all() and np.abs(values).max() > 0, parameter.name


@pytest.mark.slow
def test_the_picture_step_learns():
    ms.set_seed(3)
    network = build_pictures().set_train()
    loss = DcvcUfLoss(DcvcUfIntraLossConfig())
    optimizer = nn.Adam(network.trainable_params(), 1e-3)
    step = build_intra(DcvcUfIntraStepConfig(), network, loss, optimizer)
    losses = [float(step(clips(1))[0].asnumpy()) for _ in range(3)]
    assert np.isfinite(losses).all() and len(set(losses)) == 3


def test_clips_must_fit_chunks():
    step = step_of(build_network(structure=Structure.hts).set_train())
    with pytest.raises(ConfigError, match="a multiple of 8 frames"):
        step(clips(4))


def test_parts_that_do_not_fit_are_refused():
    network = nn.Dense(2, 2)
    optimizer = nn.SGD(network.trainable_params(), 0.1)
    loss = DcvcUfLoss(DcvcUfLossConfig())
    with pytest.raises(ConfigError, match="step=dcvcuf trains model=dcvcuf by loss=dcvcuf"):
        build(DcvcUfStepConfig(), network, loss, optimizer)
    with pytest.raises(ConfigError, match="step=dcvcuf_intra trains"):
        build_intra(DcvcUfIntraStepConfig(), build_pictures(), nn.MSELoss(), optimizer)
