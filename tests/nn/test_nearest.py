"""Nearest-neighbour enlargement with a convolution: its fast form beside the two steps."""

import mindspore as ms
import numpy as np
import pytest
from mindspore import Tensor, ops

from core.backend import Backend
from core.nn.chain import ConvChain
from core.nn.nearest import NearestConv2d, repeat_pixels


@pytest.fixture
def x():
    return Tensor(np.random.default_rng(3).standard_normal((2, 5, 6, 4)).astype(np.float32))


def test_pixels_are_repeated(x):
    expected = np.repeat(np.repeat(x.asnumpy(), 2, 2), 2, 3)
    np.testing.assert_array_equal(repeat_pixels(x).asnumpy(), expected)


def value_and_gradients(layer, x):
    def objective(x):
        return (layer(x) ** 2).sum()

    value, (of_x, of_weights) = ops.value_and_grad(objective, 0, [layer.weight, layer.bias])(x)
    return [value.asnumpy(), layer(x).asnumpy(), of_x.asnumpy(), *(g.asnumpy() for g in of_weights)]


@pytest.mark.parametrize("kernel", [3, 5])
@pytest.mark.parametrize("outputs", [3, 8])
def test_both_steps_at_once(kernels, x, outputs, kernel):
    """Few outputs take one form, more another; sums of some hundred products in another order."""
    fast = NearestConv2d(5, outputs, kernel)
    with Backend():
        slow = NearestConv2d(5, outputs, kernel)
    slow.weight.set_data(fast.weight)
    slow.bias.set_data(fast.bias)
    assert fast.at_once is not None and slow.at_once is None
    for ours, expected in zip(value_and_gradients(fast, x), value_and_gradients(slow, x), strict=True):
        np.testing.assert_allclose(ours, expected, rtol=2e-5, atol=2e-5 * np.abs(expected).max())


def test_in_a_compiled_chain(kernels, x):
    """Channels last inside."""
    layers = [NearestConv2d(5, 8), NearestConv2d(8, 3)]
    expected = layers[1](layers[0](x)).asnumpy()
    chain = ConvChain(layers)
    np.testing.assert_allclose(ms.jit(chain.construct)(x).asnumpy(), expected, rtol=1e-5, atol=1e-5)
