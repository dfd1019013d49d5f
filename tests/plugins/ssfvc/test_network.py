"""The network's sizes, modes and gradients. Its numbers are checked in tests/parity."""

import mindspore as ms
import numpy as np
import pytest
from mindspore import Tensor, nn

from plugins.ssfvc.config import SsfvcConfig
from plugins.ssfvc.transforms import QuantizedReLU


def run(network, frames):
    reconstructions, bits = network(Tensor(frames))
    return reconstructions.asnumpy(), float(bits)


@pytest.fixture(scope="module")
def whole(make, frames):
    return run(make(), frames)


def test_graph_mode_gives_the_same(make, frames, whole):
    reconstructions, bits = ms.jit(make().construct)(Tensor(frames))
    assert reconstructions.shape == frames.shape
    np.testing.assert_allclose(reconstructions.asnumpy(), whole[0], rtol=0, atol=1e-5)
    assert float(bits) == pytest.approx(whole[1], rel=1e-6)


def test_a_batch_is_its_members(make, frames, whole):
    members = [run(make(), frames[i : i + 1]) for i in range(2)]
    np.testing.assert_allclose(np.concatenate([r for r, _ in members]), whole[0], rtol=0, atol=1e-5)
    assert sum(b for _, b in members) == pytest.approx(whole[1], rel=1e-6)


def test_frames_depend_on_the_past_alone(make, frames, whole):
    reconstructions, bits = run(make(), frames[:, :2])
    np.testing.assert_allclose(reconstructions, whole[0][:, :2], rtol=0, atol=1e-5)
    assert 0 < bits < whole[1]


def test_training_replaces_rounding_by_noise(make, frames):
    network = make().set_train()
    reconstructions, bits = run(network, frames[:1, :2])
    again, bits_again = run(network, frames[:1, :2])
    assert np.isfinite(reconstructions).all() and bits > 0
    assert bits != bits_again and not np.array_equal(reconstructions, again)


def test_every_parameter_learns(make, frames):
    network = make().set_train()
    parameters = network.trainable_params()
    clip = Tensor(frames[:1, :2])

    def objective():
        reconstructions, bits = network(clip)
        return ((reconstructions - clip) ** 2).sum() + bits / 1000 + network.auxiliary_loss()

    gradients = ms.grad(objective, None, ms.ParameterTuple(parameters))()
    pairs = [(p.name, g.asnumpy()) for p, g in zip(parameters, gradients, strict=True)]
    assert all(np.isfinite(g).all() for _, g in pairs)
    assert [name for name, g in pairs if not np.abs(g).max() > 0] == []


def test_only_the_auxiliary_loss_moves_quantiles(make, frames):
    network = make().set_train()
    parameters = network.trainable_params()
    quantiles = {p.name for p in network.quantiles()}
    assert len(quantiles) == 3

    def rate_and_distortion():
        reconstructions, bits = network(Tensor(frames[:1, :2]))
        return reconstructions.sum() + bits

    def auxiliary():
        return network.auxiliary_loss()

    moved = []
    for objective in (rate_and_distortion, auxiliary):
        gradients = ms.grad(objective, None, ms.ParameterTuple(parameters))()
        moved.append(
            {p.name for p, g in zip(parameters, gradients, strict=True) if np.abs(g.asnumpy()).max() > 0}
        )
    assert not moved[0] & quantiles
    assert moved[1] == quantiles


def test_no_gradient_passes_to_the_first_reconstruction(make, frames):
    network = make()
    parameters = network.trainable_params()

    def last_frame():
        return network(Tensor(frames[:1]))[0][:, 2].sum()

    gradients = ms.grad(last_frame, None, ms.ParameterTuple(parameters))()
    moved = {
        p.name.split(".")[0]
        for p, g in zip(parameters, gradients, strict=True)
        if np.abs(g.asnumpy()).max() > 0
    }
    assert moved == {"motion", "residual"}


@pytest.mark.parametrize("mode", ["graph", "pynative"])
@pytest.mark.parametrize(("height", "width"), [(64, 128), (128, 130)])
def test_other_sizes_are_refused(make, mode, height, width, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # MindSpore writes about a failed compilation into the current folder
    network = make()
    call = ms.jit(network.construct) if mode == "graph" else network
    with pytest.raises(ValueError, match=f"{width}x{height}.*multiples of 128"):
        call(Tensor(np.zeros((1, 1, 3, height, width), np.float32)))


def test_gradient_of_the_quantized_relu():
    x = np.array([-300, -1.5, -0.01, 0, 3, 255, 255.01, 256.5, 600], np.float32)
    network = QuantizedReLU()
    np.testing.assert_array_equal(network(Tensor(x)).asnumpy(), np.clip(x, 0, 255))
    gradient = ms.grad(_Sum(network))(Tensor(x)).asnumpy()
    inside = (x >= 0) & (x <= 255)
    np.testing.assert_array_equal(gradient[inside], 1)
    outside = np.exp(-(0.9943258522851727**100) * np.abs(2 * x[~inside].astype(np.float64) / 255 - 1) ** 100)
    np.testing.assert_allclose(gradient[~inside], outside, rtol=1e-3, atol=1e-30)
    assert gradient[2] == pytest.approx(0.565, abs=0.005) and gradient[0] == 0


class _Sum(nn.Cell):
    def __init__(self, cell):
        super().__init__()
        self.cell = cell

    def construct(self, x):
        return self.cell(x).sum()


@pytest.mark.parametrize("name", ["hidden", "latent"])
def test_wrong_options_are_named(name):
    with pytest.raises(ValueError, match=f"^{name} is 0; it must be at least 1"):
        SsfvcConfig(**{name: 0})
