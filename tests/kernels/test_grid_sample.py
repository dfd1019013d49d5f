"""Sampling: values and gradients of the built-in operator, on any number of threads."""

import mindspore as ms
import numpy as np
import pytest
from mindspore import Tensor, nn, ops

from core.kernels import library
from core.kernels.grid_sample import SamplePicture, SampleStack
from core.nn.warp import warp, warp_volume

MODES = pytest.mark.parametrize("mode", [ms.GRAPH_MODE, ms.PYNATIVE_MODE], ids=["graph", "pynative"])


def arguments(slices=4):
    """Displacements up to beyond the borders, depths up to beyond the stack, and a gradient of the result."""
    rng = np.random.default_rng(5)
    shapes = ((2, 3, slices, 9, 11), (2, 2, 9, 11), (2, 1, 9, 11), (2, 3, 9, 11))
    widths = (1, 1.2, 1.3, 1)
    arrays = [rng.uniform(-w, w, s).astype(np.float32) for s, w in zip(shapes, widths, strict=True)]
    return [Tensor(array) for array in arrays]


def flat_arguments():
    """A picture, a flow of another size up to beyond the borders, and a gradient of the result."""
    rng = np.random.default_rng(6)
    shapes, widths = ((2, 3, 9, 11), (2, 2, 9, 11), (2, 3, 9, 11)), (1, 6, 1)
    return [Tensor(rng.uniform(-w, w, s).astype(np.float32)) for s, w in zip(shapes, widths, strict=True)]


class Weighted(nn.Cell):
    """Sum of the samples times given weights."""

    def __init__(self, sample):
        super().__init__()
        self.sample = sample

    def construct(self, stack, flow, depth, dout):
        return (self.sample(stack, flow, depth) * dout).sum()


class FlatWeighted(Weighted):
    def construct(self, picture, flow, dout):
        return (self.sample(picture, flow) * dout).sum()


class BuiltIn(nn.Cell):
    """The twin made of MindSpore's own operators."""

    def construct(self, stack, flow, depth):
        return warp_volume(stack, flow, depth)


class FlatBuiltIn(nn.Cell):
    def construct(self, picture, flow):
        return warp(picture, flow)


@MODES
@pytest.mark.parametrize("slices", [1, 2, 6])
def test_values_and_gradients_are_the_built_in_operators(kernels, mode, slices):
    ms.set_context(mode=mode)
    given = arguments(slices)
    ours, theirs = SampleStack(), BuiltIn()
    np.testing.assert_allclose(ours(*given[:3]).asnumpy(), theirs(*given[:3]).asnumpy(), atol=2e-6)
    for mine, other in zip(
        ms.grad(Weighted(ours), (0, 1, 2))(*given), ms.grad(Weighted(theirs), (0, 1, 2))(*given), strict=True
    ):
        largest = np.abs(other.asnumpy()).max()
        np.testing.assert_allclose(mine.asnumpy(), other.asnumpy(), atol=1e-5 * max(1.0, largest))


@MODES
def test_pictures_too(kernels, mode):
    ms.set_context(mode=mode)
    given = flat_arguments()
    ours, theirs = SamplePicture(), FlatBuiltIn()
    # The built-in operator has positions between -1 and 1, which it rounds.
    np.testing.assert_allclose(ours(*given[:2]).asnumpy(), theirs(*given[:2]).asnumpy(), atol=5e-6)
    for mine, other in zip(
        ms.grad(FlatWeighted(ours), (0, 1))(*given),
        ms.grad(FlatWeighted(theirs), (0, 1))(*given),
        strict=True,
    ):
        largest = np.abs(other.asnumpy()).max()
        np.testing.assert_allclose(mine.asnumpy(), other.asnumpy(), atol=1e-5 * max(1.0, largest))


def test_a_flow_in_pixels(kernels):
    """A whole displacement reads another pixel, and beyond the border the border's."""
    picture = np.arange(20, dtype=np.float32).reshape(1, 1, 4, 5)
    flow = np.zeros((1, 2, 4, 5), np.float32)
    flow[:, 0], flow[:, 1] = 1, -1
    moved = SamplePicture()(Tensor(picture), Tensor(flow)).asnumpy()[0, 0]
    rows, columns = np.maximum(np.arange(4) - 1, 0), np.minimum(np.arange(5) + 1, 4)
    np.testing.assert_array_equal(moved, picture[0, 0][rows][:, columns])


def test_displacements_that_are_no_numbers_stay_inside(kernels):
    stack, flow, depth, _ = arguments()
    broken = flow.asnumpy()
    broken[0, 0, 0, 0], broken[0, 1, 3, 3], broken[1, 0, 2, 2] = np.nan, np.inf, -np.inf
    made = SampleStack()(stack, Tensor(broken), depth).asnumpy()
    assert np.isfinite(made).all()
    assert np.abs(made).max() <= np.abs(stack.asnumpy()).max() * (1 + 1e-6)


def test_the_number_of_threads_changes_no_bit(kernels):
    ms.set_context(mode=ms.PYNATIVE_MODE)
    given, flat, results = arguments(), flat_arguments(), []
    for threads in (1, 2, 3):
        library.start(threads)
        made = [
            SampleStack()(*given[:3]),
            *ms.grad(Weighted(SampleStack()), (0, 1, 2))(*given),
            *ms.grad(FlatWeighted(SamplePicture()), (0, 1))(*flat),
        ]
        results.append(b"".join(tensor.asnumpy().tobytes() for tensor in made))
    assert len(set(results)) == 1


def test_sizes_that_vary(kernels):
    """The flow may have another size than the stack; one compilation serves all."""
    ms.set_context(mode=ms.GRAPH_MODE)
    sample = SampleStack()
    sample.set_inputs(
        *(
            Tensor(shape=[1, n, *rest], dtype=ms.float32)
            for n, rest in ((3, (2, None, None)), (2, (None, None)), (1, (None, None)))
        )
    )
    for height, width in ((4, 5), (7, 3)):
        stack = ops.ones((1, 3, 2, 6, 6), ms.float32)
        flow, depth = (
            ops.zeros((1, 2, height, width), ms.float32),
            ops.zeros((1, 1, height, width), ms.float32),
        )
        np.testing.assert_array_equal(sample(stack, flow, depth).asnumpy(), np.ones((1, 3, height, width)))
