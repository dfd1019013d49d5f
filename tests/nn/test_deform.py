"""All implementations of deformable convolution against each other and against the definition."""

from itertools import product

import mindspore as ms
import numpy as np
import pytest
from mindspore import Tensor, nn

from core.backend import PORTABLE, Backend
from core.kernels import library
from core.nn.deform import (
    DeformableConv2d,
    deformable_conv2d_by_gathering,
    deformable_conv2d_by_operator,
    deformable_conv2d_by_sampling,
)

GROUPS = 4
NAMES = ("x", "offsets", "mask", "weight", "bias")


def arguments(batch=2, channels=8, height=6, width=7, out=5):
    """Offsets of several pixels; fractions stay away from 0, where the derivative jumps."""
    rng = np.random.default_rng(3)
    taps = GROUPS * 9
    whole = rng.integers(-4, 5, (batch, 2 * taps, height, width))
    offsets = whole + rng.uniform(0.1, 0.9, whole.shape)
    shapes = (
        rng.standard_normal((batch, channels, height, width)),
        offsets,
        rng.random((batch, taps, height, width)),
        rng.standard_normal((out, channels, 3, 3)),
        rng.standard_normal(out),
    )
    return [Tensor(a.astype(np.float32)) for a in shapes]


def by_definition(x, offsets, mask, weight, bias):
    """Sums tap by tap and neighbour by neighbour, in float64."""
    x, offsets, mask, weight, bias = (
        np.asarray(t.asnumpy(), np.float64) for t in (x, offsets, mask, weight, bias)
    )
    batch, channels, height, width = x.shape
    taps = GROUPS * 9
    result = np.tile(bias[None, :, None, None], (batch, 1, height, width))
    for n, g, t, r, c in np.ndindex(batch, GROUPS, 9, height, width):
        across = offsets[n, 9 * g + t, r, c]
        down = offsets[n, taps + 9 * g + t, r, c]
        own = slice(g * channels // GROUPS, (g + 1) * channels // GROUPS)
        y, z = r - 1 + t // 3 + down, c - 1 + t % 3 + across
        sample = np.zeros(channels // GROUPS)
        for row in (int(np.floor(y)), int(np.floor(y)) + 1):
            for column in (int(np.floor(z)), int(np.floor(z)) + 1):
                if 0 <= row < height and 0 <= column < width:
                    sample += (1 - abs(y - row)) * (1 - abs(z - column)) * x[n, own, row, column]
        result[n, :, r, c] += weight[:, own, t // 3, t % 3] @ sample * mask[n, 9 * g + t, r, c]
    return result


FUNCTIONS = [deformable_conv2d_by_gathering, deformable_conv2d_by_sampling, deformable_conv2d_by_operator]


@pytest.mark.parametrize("function", FUNCTIONS)
def test_value_follows_the_definition(function):
    given = arguments()
    np.testing.assert_allclose(function(*given, GROUPS).asnumpy(), by_definition(*given), atol=2e-5)


def test_zero_offsets_and_full_mask_make_an_ordinary_convolution():
    x, offsets, mask, weight, bias = arguments()
    ours = deformable_conv2d_by_gathering(x, offsets * 0, mask * 0 + 1, weight, bias, GROUPS)
    plain = ms.ops.conv2d(x, weight, bias, pad_mode="pad", padding=1)
    np.testing.assert_allclose(ours.asnumpy(), plain.asnumpy(), atol=1e-5)


def _weighted(function):
    """A scalar that depends on every output differently."""
    scale = Tensor(np.random.default_rng(4).standard_normal((2, 5, 6, 7)).astype(np.float32))

    def total(*given):
        return (function(*given, GROUPS) * scale).sum()

    return total


def test_gradients_agree():
    given = arguments()
    gathered, sampled, operator = (
        ms.grad(_weighted(function), tuple(range(5)))(*given) for function in FUNCTIONS
    )
    for name, *ours, theirs in zip(NAMES, gathered, sampled, operator, strict=True):
        scale = np.abs(theirs.asnumpy()).max()
        for form in ours:
            np.testing.assert_allclose(form.asnumpy(), theirs.asnumpy(), atol=5e-6 * scale, err_msg=name)


@pytest.mark.parametrize(("height", "width"), [(1, 5), (4, 1)])
def test_the_sampler_takes_pictures_of_one_row_or_column(height, width):
    given = arguments(height=height, width=width)
    made = deformable_conv2d_by_sampling(*given, GROUPS)
    np.testing.assert_allclose(made.asnumpy(), by_definition(*given), atol=2e-5)


def test_cards_take_the_sampler():
    """And what other runtimes compute keeps to the operator."""
    with Backend(target="Ascend"):
        assert DeformableConv2d(8, 5, GROUPS).form == "sampler"
    with PORTABLE:
        assert DeformableConv2d(8, 5, GROUPS).form == "operator"


@pytest.mark.parametrize("implementation", ["auto", "gather", "sampler", "operator"])
def test_cell_in_graph_mode(either_kernels, implementation):
    x, offsets, mask, weight, bias = arguments()
    cell = DeformableConv2d(8, 5, GROUPS, implementation)
    cell.weight.set_data(weight)
    cell.bias.set_data(bias)
    compiled = ms.jit(cell.construct)(x, offsets, mask).asnumpy()
    np.testing.assert_allclose(compiled, by_definition(x, offsets, mask, weight, bias), atol=2e-5)


def test_displacements_far_outside_give_zero():
    x, offsets, mask, weight, bias = arguments()
    for far, function in product((1e4, -1e4), FUNCTIONS[:2]):
        result = function(x, offsets + far, mask, weight, bias * 0, GROUPS)
        assert not result.asnumpy().any()


class Total(nn.Cell):
    """A scalar that depends on every output of a cell differently; channels last if the cell is fused."""

    def __init__(self, cell):
        super().__init__()
        self.cell = cell

    def construct(self, x, offsets, mask, scale):
        return (self.cell(x, offsets, mask) * scale).sum()


@pytest.mark.parametrize("fused", [False, True])
def test_our_kernel_has_the_gradients_of_gathering(kernels, fused):
    *given, weight, bias = arguments()
    scale = Tensor(np.random.default_rng(4).standard_normal((2, 5, 6, 7)).astype(np.float32))
    results = []
    for implementation in ("auto", "gather"):
        cell = DeformableConv2d(8, 5, GROUPS, implementation)
        cell.weight.set_data(weight)
        cell.bias.set_data(bias)
        inputs = [*given, scale]
        if fused and cell.fuse():
            inputs = [Tensor(np.ascontiguousarray(t.asnumpy().transpose(0, 2, 3, 1))) for t in inputs]
        slopes, inside = ms.grad(Total(cell), (0, 1, 2), ms.ParameterTuple(cell.trainable_params()))(*inputs)
        arrays = [t.asnumpy() for t in slopes]
        results.append(
            [a.transpose(0, 3, 1, 2) if cell.is_fused else a for a in arrays] + [t.asnumpy() for t in inside]
        )
    for name, ours, theirs in zip(NAMES, *results, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=5e-6 * np.abs(theirs).max(), err_msg=name)


def test_our_kernel_on_any_number_of_threads(kernels):
    """No bit of a value or gradient changes; displacements far outside or no numbers give zero."""
    x, offsets, mask, weight, bias = arguments()
    broken = offsets.asnumpy().copy()
    broken[0, 0], broken[0, 1], broken[1, 2] = 1e9, np.nan, -np.inf
    scale = Tensor(np.random.default_rng(4).standard_normal((2, 5, 6, 7)).astype(np.float32))
    made = []
    for threads in (1, 2, 3):
        library.start(threads)
        cell = DeformableConv2d(8, 5, GROUPS)
        cell.weight.set_data(weight)
        cell.bias.set_data(bias)
        value = cell(x, Tensor(broken), mask).asnumpy()
        assert np.isfinite(value).all()
        slopes = ms.grad(Total(cell), (0, 1, 2))(x, Tensor(broken), mask, scale)
        made.append(value.tobytes() + b"".join(t.asnumpy().tobytes() for t in slopes))
    assert len(set(made)) == 1
