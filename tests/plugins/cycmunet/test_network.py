"""The network's options, sizes, modes and gradients. Its numbers are checked in tests/parity."""

import mindspore as ms
import numpy as np
import pytest
from mindspore import Tensor
from scipy import ndimage

from plugins.cycmunet.config import (
    CycMuNetConfig,
    CycMuNetLossConfig,
    Deformable,
    Distance,
    Format,
    MiddleResidual,
)
from plugins.cycmunet.loss import CycMuNetLoss

LEAN = {
    "levels": 1,
    "cycles": 0,
    "middle_blocks": 1,
    "trunk_blocks": 0,
    "middle_residual": MiddleResidual.own,
    "floor": True,
    "motion": True,
    "details": True,
}
"""As in the small experiment: motion is searched, and most is computed at low resolution."""


def run(network, frames):
    return [output.asnumpy() for output in network(*(Tensor(frame) for frame in frames))]


@pytest.mark.parametrize("format", list(Format))
@pytest.mark.parametrize("scale", [2, 3])
def test_any_size_in_every_format(randomised, frames, format, scale):
    outputs = run(randomised(format=format, scale=scale, levels=3), frames)
    assert [output.shape for output in outputs] == [(2, 3, 9 * scale, 13 * scale)] * 3 + [(2, 3, 9, 13)]
    assert all(np.isfinite(output).all() for output in outputs)


def test_graph_mode_gives_the_same(randomised, frames):
    network = randomised(format=Format.yuv420, levels=3, cycles=2)
    expected = run(network, frames)
    compiled = ms.jit(network.construct)(*(Tensor(frame) for frame in frames))
    for ours, theirs in zip(compiled, expected, strict=True):
        np.testing.assert_allclose(ours.asnumpy(), theirs, atol=1e-5)


def test_a_batch_is_its_members(randomised, frames):
    network = randomised()
    whole = run(network, frames)
    for i in range(2):
        for ours, theirs in zip(run(network, [frame[i : i + 1] for frame in frames]), whole, strict=True):
            np.testing.assert_allclose(ours, theirs[i : i + 1], atol=1e-5)


def test_two_outputs(randomised, frames):
    whole = run(randomised(), frames)
    some = run(randomised(all_frames=False), frames)
    assert len(some) == 2
    for ours, theirs in zip(some, whole, strict=False):
        np.testing.assert_allclose(ours, theirs, atol=1e-5)


def test_own_residual_changes_the_middle_frame_of_an_up_projection(randomised, frames):
    published, own = (randomised(middle_residual=choice).network for choice in MiddleResidual)
    triple = Tensor(np.random.default_rng(9).random((3, 8, 6, 6), dtype=np.float32))
    ours, theirs = own.cycle.up[0](triple).asnumpy(), published.cycle.up[0](triple).asnumpy()
    np.testing.assert_allclose(ours[[0, 2]], theirs[[0, 2]], atol=1e-6)
    assert np.abs(ours[1] - theirs[1]).max() > 1e-2


@pytest.mark.parametrize("format", [Format.rgb, Format.yuv420])
def test_a_floor_is_where_training_starts(fresh, frames, format):
    from PIL import Image

    outputs = run(fresh(floor=True, zero_offsets=True, format=format), frames)
    first, last = frames
    for output, source in zip(outputs[:3], (first, (first + last) / 2, last), strict=True):
        picture = Image.fromarray(source[0, 0]).resize((26, 18), Image.Resampling.BICUBIC)
        np.testing.assert_allclose(output[0, 0], np.asarray(picture), atol=1e-5)
    np.testing.assert_allclose(outputs[3], (first + last) / 2, atol=1e-6)


@pytest.mark.parametrize("format", [Format.rgb, Format.yuv444])
def test_what_moves_is_found_between(fresh, format):
    """A fresh network gives the moved pictures, where the floor without motion shows everything twice."""
    rng = np.random.default_rng(3)
    wide = ndimage.gaussian_filter(rng.random((3, 40, 80)), (0, 2, 2))
    wide = ((wide - wide.min()) / np.ptp(wide)).astype(np.float32)
    first, middle, last = (wide[None, :, :, start : start + 64] for start in (8, 4, 0))
    options = {**LEAN, "zero_offsets": True, "format": format}
    errors = [
        np.abs(run(fresh(**{**options, "motion": motion}), (first, last))[3] - middle)[..., 8:-8, 8:-8].mean()
        for motion in (False, True)
    ]
    assert errors[1] < 0.2 * errors[0]


@pytest.mark.slow
def test_without_cycles(randomised, frames):
    network = randomised(**LEAN, scale=3)
    outputs = run(network, frames)
    assert [output.shape for output in outputs] == [(2, 3, 27, 39)] * 3 + [(2, 3, 9, 13)]
    compiled = ms.jit(network.construct)(*(Tensor(frame) for frame in frames))
    for ours, theirs in zip(compiled, outputs, strict=True):
        np.testing.assert_allclose(ours.asnumpy(), theirs, atol=1e-5)


def test_details_are_added_at_their_places(randomised, frames):
    """The sub-pixel convolution's result for each position between pixels, and nothing to the small output."""
    network = randomised(**LEAN)
    before = run(network, frames)
    conv = network.network.details.conv
    conv.bias.set_data(conv.bias + Tensor(np.arange(12, dtype=np.float32)))
    after = run(network, frames)
    expected = (
        np.arange(12).reshape(3, 2, 2) * np.array([0.229, 0.224, 0.225])[:, None, None]
    )  # normalised RGB
    for ours, theirs in zip(after[:3], before[:3], strict=True):
        added = (ours - theirs)[0].reshape(3, 9, 2, 13, 2)
        np.testing.assert_allclose(added, np.broadcast_to(expected[:, None, :, None], added.shape), atol=1e-4)
    np.testing.assert_array_equal(after[3], before[3])


@pytest.mark.parametrize(
    ("options", "distance"),
    [
        ({"cycles": 2}, Distance.charbonnier),
        pytest.param({"cycles": 2}, Distance.ssim, marks=pytest.mark.slow),
        pytest.param(LEAN, Distance.charbonnier, marks=pytest.mark.slow),
        pytest.param(LEAN, Distance.ssim, marks=pytest.mark.slow),
    ],
)
def test_every_parameter_learns(randomised, frames, distance, options):
    network = randomised(**options)
    loss = CycMuNetLoss(CycMuNetLossConfig(distance=distance))
    first, last = (Tensor(np.tile(frame, (1, 1, 2, 1))) for frame in frames)
    targets = tuple(output * 0.9 for output in network(first, last))

    def objective():
        return loss(network(first, last), targets)

    gradients = ms.grad(objective, None, ms.ParameterTuple(network.trainable_params()))()
    silent = [
        parameter.name
        for parameter, gradient in zip(network.trainable_params(), gradients, strict=True)
        if not np.abs(gradient.asnumpy()).max() > 0
    ]
    assert silent == []


def test_loss_weights():
    loss = CycMuNetLoss(CycMuNetLossConfig())
    zero, one = Tensor(np.zeros((1, 3, 12, 12), np.float32)), Tensor(np.ones((1, 3, 12, 12), np.float32))
    at_zero, at_one = 1 / 255, np.hypot(1, 1 / 255)
    for position, weight in enumerate((1, 0.5, 1, 0.5)):
        outputs = tuple(one if i == position else zero for i in range(4))
        expected = weight * at_one + (3 - weight) * at_zero
        assert float(loss(outputs, (zero,) * 4)) == pytest.approx(expected, rel=1e-5)


def test_implementations_of_deformable_convolution_agree(randomised, frames):
    gather = run(randomised(deformable=Deformable.gather), frames)
    operator = run(randomised(deformable=Deformable.operator), frames)
    for ours, theirs in zip(gather, operator, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-5)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"features": 60}, "multiple of model.groups"),
        ({"scale": 5}, "2, 3 or 4"),
        ({"cycles": -1}, "at least 0"),
        ({"motion": True}, "model.floor=true"),
        ({"details": True}, "model.format=rgb"),
    ],
)
def test_wrong_options_are_named(options, words):
    with pytest.raises(ValueError, match=words):
        CycMuNetConfig(**options)
