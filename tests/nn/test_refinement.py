"""The refinement network against the same in numpy."""

import mindspore as ms
import numpy as np
from mindspore import Tensor
from scipy.signal import correlate2d

from core.nn.refinement import RefinementNetwork

FEATURES = 4


def convolve(x, cell):
    weight, bias = cell.weight.asnumpy().astype(np.float64), cell.bias.asnumpy()
    planes = [
        sum(correlate2d(plane, kernel, mode="same") for plane, kernel in zip(x, kernels, strict=True))
        for kernels in weight
    ]
    return np.stack(planes) + bias[:, None, None]


def block(x, cell):
    return x + convolve(np.maximum(convolve(np.maximum(x, 0), cell.conv1), 0), cell.conv2)


def halved(x):
    return x.reshape(x.shape[0], x.shape[1] // 2, 2, x.shape[2] // 2, 2).mean((2, 4))


def doubled(x):
    """Between the centres of the corner pixels."""
    for axis in (1, 2):
        size = x.shape[axis]
        at = np.linspace(0, size - 1, 2 * size)
        x = np.apply_along_axis(lambda line, at=at: np.interp(at, np.arange(len(line)), line), axis, x)
    return x


def by_definition(network, warped, reference):
    x = np.maximum(convolve(np.concatenate((warped, reference)), network.features), 0)
    full = block(x, network.down[0])
    half = block(halved(full), network.down[1])
    quarter = block(halved(half), network.down[2])
    x = block(quarter, network.up[0])
    x = block(half + doubled(x), network.up[1])
    x = block(full + doubled(x), network.up[2])
    return convolve(x, network.last)


def test_values_in_both_modes(either_kernels):
    ms.set_seed(4)
    network = RefinementNetwork(FEATURES)
    rng = np.random.default_rng(5)
    warped, reference = (rng.random((2, 3, 12, 20), dtype=np.float32) for _ in range(2))
    expected = np.stack([by_definition(network, *pair) for pair in zip(warped, reference, strict=True)])
    given = Tensor(warped), Tensor(reference)
    assert expected.std() > 0.01
    np.testing.assert_allclose(network(*given).asnumpy(), expected, atol=2e-6)
    np.testing.assert_allclose(ms.jit(network.construct)(*given).asnumpy(), expected, atol=2e-6)
