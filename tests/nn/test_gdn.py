"""Divisive normalisation against its definition, in value and gradient."""

import mindspore as ms
import numpy as np
import pytest
from mindspore import Tensor, nn

from core.nn.gdn import GDN, InverseGDN

CHANNELS = 5
PEDESTAL = 2.0**-36
MIN_BETA, MIN_GAMMA = (1e-6 + PEDESTAL) ** 0.5, 2.0**-18


def arguments():
    """A picture, and parameters of which some lie under their bounds."""
    rng = np.random.default_rng(1)
    x = rng.standard_normal((2, CHANNELS, 3, 4))
    beta = 1 + 0.1 * rng.standard_normal(CHANNELS)
    beta[:2] = 0.0, -0.5
    gamma = 0.3 * np.eye(CHANNELS) + 0.1 * rng.standard_normal((CHANNELS, CHANNELS))
    return x.astype(np.float32), beta.astype(np.float32), gamma.astype(np.float32)


def effective(root, least):
    return np.maximum(root.astype(np.float64), least) ** 2 - PEDESTAL


def normalised(x, beta, gamma, inverse):
    """In float64, under effective parameters; row i of gamma makes output channel i."""
    norm = np.sqrt(beta[:, None, None] + np.einsum("ij,njhw->nihw", gamma, x.astype(np.float64) ** 2))
    return x * norm if inverse else x / norm


def by_definition(x, beta, gamma, inverse):
    return normalised(x, effective(beta, MIN_BETA), effective(gamma, MIN_GAMMA), inverse)


def cell_of(kind, beta, gamma):
    cell = kind(CHANNELS)
    cell.beta.set_data(Tensor(beta))
    cell.gamma.set_data(Tensor(gamma))
    return cell


class Weighted(nn.Cell):
    def __init__(self, inner):
        super().__init__()
        self.inner = inner

    def construct(self, x, weights):
        return (weights * self.inner(x)).sum()


@pytest.mark.parametrize(("kind", "inverse"), [(GDN, False), (InverseGDN, True)])
@pytest.mark.parametrize("mode", ["graph", "pynative"])
def test_values(kind, inverse, mode):
    x, beta, gamma = arguments()
    cell = cell_of(kind, beta, gamma)
    call = ms.jit(cell.construct) if mode == "graph" else cell
    expected = by_definition(x, beta, gamma, inverse)
    # Where beta and gamma are at their bounds the norm is a small root, so errors are relative.
    np.testing.assert_allclose(call(Tensor(x)).asnumpy(), expected, rtol=2e-5, atol=1e-6)


@pytest.mark.parametrize(("kind", "inverse"), [(GDN, False), (InverseGDN, True)])
def test_channels_last(kernels, kind, inverse):
    """With our kernels, in values and gradients."""
    x, beta, gamma = arguments()
    plain, fused = (cell_of(kind, beta, gamma) for _ in range(2))
    fused.fuse()
    weights = np.random.default_rng(3).standard_normal(x.shape).astype(np.float32)
    last = np.ascontiguousarray(x.transpose(0, 2, 3, 1)), np.ascontiguousarray(weights.transpose(0, 2, 3, 1))
    made = fused(Tensor(last[0])).asnumpy().transpose(0, 3, 1, 2)
    np.testing.assert_allclose(made, by_definition(x, beta, gamma, inverse), rtol=2e-5, atol=1e-6)
    gradients = [
        ms.grad(Weighted(cell), 0, ms.ParameterTuple(cell.trainable_params()))(*map(Tensor, given))
        for cell, given in ((fused, last), (plain, (x, weights)))
    ]
    (ours, ours_inside), (theirs, theirs_inside) = gradients
    np.testing.assert_allclose(ours.asnumpy().transpose(0, 3, 1, 2), theirs.asnumpy(), rtol=1e-4, atol=1e-5)
    for mine, other in zip(ours_inside, theirs_inside, strict=True):
        np.testing.assert_allclose(mine.asnumpy(), other.asnumpy(), rtol=1e-4, atol=1e-4)


def test_the_start():
    cell, x = GDN(CHANNELS), arguments()[0]
    np.testing.assert_allclose(cell(Tensor(x)).asnumpy(), x / np.sqrt(1 + 0.1 * x**2), rtol=1e-5)
    np.testing.assert_allclose(cell.beta.asnumpy(), 1, rtol=1e-6)
    np.testing.assert_allclose(np.diag(cell.gamma.asnumpy()), 0.1**0.5, rtol=1e-6)


@pytest.mark.parametrize(("kind", "inverse"), [(GDN, False), (InverseGDN, True)])
def test_gradients_are_those_of_the_definition(kind, inverse):
    """A parameter below its bound moves as one at the bound would, but only up."""
    rng = np.random.default_rng(2)
    x, beta, gamma = arguments()
    weights = rng.standard_normal(x.shape).astype(np.float32)
    cell = Weighted(cell_of(kind, beta, gamma))
    ours = ms.grad(cell, None, ms.ParameterTuple(cell.trainable_params()))(Tensor(x), Tensor(weights))
    roots, bounds = (beta, gamma), (MIN_BETA, MIN_GAMMA)
    for position, (gradient, root, least) in enumerate(zip(ours, roots, bounds, strict=True)):
        expected = slopes(x, position, (beta, gamma), inverse, weights) * 2 * np.maximum(root, least)
        expected[(root < least) & (expected >= 0)] = 0
        np.testing.assert_allclose(gradient.asnumpy(), expected, rtol=1e-3, atol=1e-6)


def slopes(x, position, roots, inverse, weights):
    """How the weighted sum changes with each effective parameter."""
    result = np.zeros(roots[position].shape)
    for index in np.ndindex(result.shape):
        ends = []
        for step in (-1e-8, 1e-8):
            given = [effective(roots[0], MIN_BETA), effective(roots[1], MIN_GAMMA)]
            given[position][index] += step
            ends.append((weights * normalised(x, *given, inverse)).sum())
        result[index] = (ends[1] - ends[0]) / 2e-8
    return result
