"""What is SSFVC's own of its network; the rest is tried with all codecs in tests/plugins/codecs."""

import mindspore as ms
import numpy as np
import pytest
from mindspore import Tensor, nn

from core.training.rate_distortion import AuxiliaryObjective, quantiles
from plugins.ssfvc.transforms import QuantizedReLU

from ..codecs.material import moved_by
from .conftest import NETWORK


def test_frames_depend_on_the_past_alone(make, frames):
    (whole, all_bits), (first, bits) = (NETWORK.run(make(), Tensor(clip)) for clip in (frames, frames[:, :2]))
    np.testing.assert_allclose(first, whole[:, :2], rtol=0, atol=1e-5)
    assert 0 < bits < all_bits


def test_only_the_auxiliary_loss_moves_quantiles(make):
    network = make().set_train()
    own = {parameter.name for parameter in quantiles(network)}
    assert len(own) == 3

    def rate_and_distortion():
        reconstructions, bits = network(*NETWORK.short)
        return reconstructions.sum() + bits

    assert not moved_by(rate_and_distortion, network).keys() & own
    assert moved_by(AuxiliaryObjective(network), network).keys() == own


def test_no_gradient_passes_to_the_first_reconstruction(make, frames):
    network = make()
    moved = moved_by(lambda: network(Tensor(frames[:1]))[0][:, 2].sum(), network)
    assert {name.split(".")[0] for name in moved} == {"motion", "residual"}


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
