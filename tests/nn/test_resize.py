"""Resizing against its definition: bilinear at half-pixel centres, borders clamped, no antialiasing."""

import mindspore as ms
import numpy as np
import pytest
from mindspore import Tensor, nn

from core.kernels import library
from core.nn import resize


def bilinear(x, height, width):
    """PyTorch's ``interpolate(size=…, mode="bilinear", align_corners=False)``, in float64."""

    def weights(old, new):
        matrix = np.zeros((new, old))
        for i in range(new):
            at = max((i + 0.5) * old / new - 0.5, 0)
            low = min(int(at), old - 1)
            high = min(low + 1, old - 1)
            matrix[i, low] += 1 - (at - low)
            matrix[i, high] += at - low
        return matrix

    return weights(x.shape[2], height) @ x.astype(np.float64) @ weights(x.shape[3], width).T


def random(*shape):
    return np.random.default_rng(1).random(shape, dtype=np.float32)


def test_stored_values_of_a_ramp():
    enlarged = resize.upsample(Tensor([[[[0.0, 4.0, 8.0]]]], ms.float32), 2).asnumpy()
    np.testing.assert_allclose(enlarged[0, 0], [[0, 1, 3, 5, 7, 8]] * 2, atol=1e-6)


@pytest.mark.parametrize("factor", [2, 3, 4, (1, 2)])
@pytest.mark.parametrize("size", [(5, 7), (3, 131)])
def test_upsample(factor, size):
    x = random(2, 3, *size)
    factor_y, factor_x = factor if isinstance(factor, tuple) else (factor, factor)
    expected = bilinear(x, size[0] * factor_y, size[1] * factor_x)
    position_rounding = max(size) * 2**-23  # MindSpore's operator computes positions in float32
    np.testing.assert_allclose(
        resize.upsample(Tensor(x), factor).asnumpy(), expected, atol=position_rounding + 1e-6
    )
    np.testing.assert_allclose(resize.upsample_dense(Tensor(x), factor).asnumpy(), expected, atol=1e-6)


@pytest.mark.parametrize("factor", [2, 3])
@pytest.mark.parametrize("size", [(5, 7), (1, 2), (3, 131)])
def test_upsample_aligned(factor, size):
    """The corner pixels keep their values; between, positions are evenly spaced."""
    x = random(2, 3, *size)
    expected = x.astype(np.float64)
    for axis in (2, 3):
        expected = np.apply_along_axis(stretched, axis, expected, factor)
    position_rounding = max(size) * 2**-23
    ours = resize.upsample_aligned(Tensor(x), factor).asnumpy()
    np.testing.assert_allclose(ours, expected, atol=position_rounding + 1e-6)


def stretched(line, factor):
    at = np.linspace(0, len(line) - 1, factor * len(line))
    return np.interp(at, np.arange(len(line)), line)


@pytest.mark.parametrize("factor", [2, 3, 4, (1, 2)])
@pytest.mark.parametrize("columns", [4, 70])
def test_downsample(factor, columns):
    factor_y, factor_x = factor if isinstance(factor, tuple) else (factor, factor)
    x = random(2, 3, 5 * factor_y, columns * factor_x)
    expected = bilinear(x, 5, columns)
    np.testing.assert_allclose(resize.downsample(Tensor(x), factor).asnumpy(), expected, atol=1e-6)
    np.testing.assert_allclose(resize.downsample_dense(Tensor(x), factor).asnumpy(), expected, atol=1e-6)


def test_downsample_by_four_is_the_mean_of_the_central_pixels():
    x = random(1, 2, 8, 12)
    blocks = x.reshape(1, 2, 2, 4, 3, 4)[:, :, :, 1:3, :, 1:3].mean((3, 5))
    np.testing.assert_allclose(resize.downsample(Tensor(x), 4).asnumpy(), blocks, atol=1e-6)


class Both(nn.Cell):
    def construct(self, x):
        return resize.downsample(resize.upsample(x, 2), 4)


def test_graph_mode():
    x = Tensor(random(1, 2, 6, 10))
    expected = Both()(x).asnumpy()
    compiled = ms.jit(Both().construct)(x).asnumpy()
    np.testing.assert_allclose(compiled, expected, atol=1e-6)


def test_bicubic_is_pillows():
    from PIL import Image

    x = random(1, 1, 6, 9)
    expected = np.asarray(Image.fromarray(x[0, 0]).resize((27, 18), Image.Resampling.BICUBIC))
    np.testing.assert_allclose(resize.upsample_bicubic(Tensor(x), 3).asnumpy()[0, 0], expected, atol=2e-6)


CELLS = {
    "upsample": (lambda: resize.Upsample((2, 3)), lambda x: resize.upsample_dense(x, (2, 3))),
    "aligned": (lambda: resize.AlignedUpsample(2), lambda x: resize.upsample_aligned(x, 2)),
    "downsample": (lambda: resize.Downsample((2, 3)), lambda x: resize.downsample_dense(x, (2, 3))),
    "downsample by four": (lambda: resize.Downsample(4), lambda x: resize.downsample_dense(x, 4)),
}


class Twin(nn.Cell):
    """A function, or a cell, of x times weights, summed."""

    def __init__(self, inner):
        super().__init__()
        self.inner = inner

    def construct(self, x, weights):
        return (weights * self.inner(x)).sum()


@pytest.mark.parametrize("name", CELLS)
@pytest.mark.parametrize("size", [(24, 36), (4, 12), (64, 12)])
def test_cells_compute_what_the_functions_do(either_kernels, name, size):
    """In values and gradients, and with the channels last where our kernels are in use."""
    build, function = CELLS[name]
    x = random(2, 3, *size)
    expected = function(Tensor(x)).asnumpy()
    weights = np.random.default_rng(2).standard_normal(expected.shape).astype(np.float32)
    slopes = ms.grad(Twin(function))(Tensor(x), Tensor(weights)).asnumpy()
    cell = build()
    np.testing.assert_allclose(ms.jit(cell.construct)(Tensor(x)).asnumpy(), expected, atol=1e-6)
    np.testing.assert_allclose(ms.grad(Twin(cell))(Tensor(x), Tensor(weights)).asnumpy(), slopes, atol=1e-5)
    if either_kernels == "builtin":
        return
    last = build()
    last.fuse()
    moved, moved_weights = (Tensor(np.ascontiguousarray(a.transpose(0, 2, 3, 1))) for a in (x, weights))
    np.testing.assert_allclose(last(moved).asnumpy().transpose(0, 3, 1, 2), expected, atol=1e-6)
    made = ms.grad(Twin(last))(moved, moved_weights).asnumpy().transpose(0, 3, 1, 2)
    np.testing.assert_allclose(made, slopes, atol=1e-5)


def test_the_number_of_threads_changes_no_bit_of_a_gradient(kernels):
    x, weights = random(1, 3, 24, 36), random(1, 3, 48, 72)
    made = []
    for threads in (1, 2, 3):
        library.start(threads)
        made.append(ms.grad(Twin(resize.Upsample(2)))(Tensor(x), Tensor(weights)).asnumpy().tobytes())
    assert len(set(made)) == 1
