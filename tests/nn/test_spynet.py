"""The pyramid of flows: sizes, modes, and how levels add up. Its numbers are checked in tests/parity."""

import mindspore as ms
import numpy as np
import pytest
from mindspore import Tensor

from core.nn.spynet import SPYNET_LEVELS, SPyNet


def pictures(height=32, width=48):
    rng = np.random.default_rng(3)
    return [Tensor(rng.random((2, 3, height, width), dtype=np.float32)) for _ in range(2)]


def zeroed():
    network = SPyNet()
    for parameter in network.get_parameters():
        parameter.set_data(Tensor(np.zeros(parameter.shape, np.float32)))
    return network


def test_levels_double_the_flow_before_them(either_kernels):
    """Every level adds a constant of its own, in its own pixels."""
    network = zeroed()
    added = np.array([[0.5, -1.0], [0.25, 2.0], [3.0, 0.125], [-0.75, 1.0]], np.float32)
    for level, constant in zip(network.levels, added, strict=True):
        level.residual[-1].bias.set_data(Tensor(constant))
    expected = sum(constant * 2 ** (SPYNET_LEVELS - 1 - i) for i, constant in enumerate(added))
    flow = network(*pictures()).asnumpy()
    assert flow.shape == (2, 2, 32, 48)
    np.testing.assert_allclose(flow, np.broadcast_to(expected[:, None, None], flow.shape), rtol=1e-6)


def test_a_level_sees_picture_warped_reference_and_flow(either_kernels):
    """In that order: each channel is copied out by a network that passes one of its inputs."""
    picture, reference = pictures(16, 16)
    network = zeroed()
    network.levels[0].residual[-1].bias.set_data(Tensor(np.array([1 / 8, 0], np.float32)))
    for channel, seen in ((1, picture.asnumpy()[:, 1]), (4, shifted(reference.asnumpy())[:, 1])):
        pass_on(network.levels[-1], channel)
        flow = network(picture, reference).asnumpy()
        np.testing.assert_allclose(flow[:, 1], seen, atol=1e-5)
    pass_on(network.levels[-1], 6)
    flow = network(picture, reference).asnumpy()
    np.testing.assert_allclose(flow[:, 1], 1, rtol=1e-6)


def shifted(x):
    """Sampled a pixel to the right."""
    return np.concatenate((x[..., 1:], x[..., -1:]), -1)


def pass_on(level, channel):
    """Copy an input channel, which must not be negative, into the vertical flow."""
    convolutions = list(level.residual)[::2]
    for number, conv in enumerate(convolutions):
        weight = np.zeros(conv.weight.shape, np.float32)
        last = number == len(convolutions) - 1
        weight[1 if last else 0, channel if number == 0 else 0, 3, 3] = 1
        conv.weight.set_data(Tensor(weight))


def test_graph_mode_gives_the_same(either_kernels):
    ms.set_seed(1)
    network = SPyNet()
    given = pictures()
    compiled = ms.jit(network.construct)(*given).asnumpy()
    np.testing.assert_allclose(compiled, network(*given).asnumpy(), atol=1e-5)
    assert np.abs(compiled).max() > 1e-3


@pytest.mark.parametrize("level", range(SPYNET_LEVELS))
def test_every_level_learns(level):
    ms.set_seed(2)
    network = SPyNet()
    given = pictures(16, 16)
    parameters = network.levels[level].trainable_params()

    def objective():
        return (network(*given) ** 2).sum()

    gradients = ms.grad(objective, None, ms.ParameterTuple(parameters))()
    assert all(np.isfinite(g.asnumpy()).all() and np.abs(g.asnumpy()).max() > 0 for g in gradients)
