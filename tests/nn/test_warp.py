"""The warps against their definitions, in value and gradient."""

import mindspore as ms
import numpy as np
import pytest
from mindspore import Tensor

from core.nn.warp import Warp, warp_volume

SHAPE = (2, 3, 4, 5, 7)


def arguments():
    """Displacements up to beyond the borders, depths up to beyond the stack."""
    rng = np.random.default_rng(5)
    batch, _, _, height, width = SHAPE
    return (
        rng.standard_normal(SHAPE).astype(np.float32),
        rng.uniform(-1.2, 1.2, (batch, 2, height, width)).astype(np.float32),
        rng.uniform(-1.3, 1.3, (batch, 1, height, width)).astype(np.float32),
    )


def by_definition(volume, flow, depth):
    """Sums neighbour by neighbour, in float64."""
    volume, flow, depth = (a.astype(np.float64) for a in (volume, flow, depth))
    batch, channels, slices, height, width = volume.shape
    result = np.zeros((batch, channels, height, width))
    for n, y, x in np.ndindex(batch, height, width):
        position = (
            ((depth[n, 0, y, x] + 1) * slices - 1) / 2,
            y + flow[n, 1, y, x] * height / 2,
            x + flow[n, 0, y, x] * width / 2,
        )
        clamped = np.clip(position, 0, (slices - 1, height - 1, width - 1))
        first = np.floor(clamped).astype(int)
        for corner in np.ndindex(2, 2, 2):
            at = first + corner
            weight = np.prod(np.maximum(0, 1 - np.abs(clamped - at)))
            if weight:
                result[n, :, y, x] += weight * volume[n, :, at[0], at[1], at[2]]
    return result


def test_values_follow_the_definition():
    given = arguments()
    ours = warp_volume(*map(Tensor, given)).asnumpy()
    np.testing.assert_allclose(ours, by_definition(*given), rtol=0, atol=1e-5)


def test_graph_mode_gives_the_same():
    given = [Tensor(a) for a in arguments()]
    compiled = ms.jit(warp_volume)(*given)
    np.testing.assert_allclose(compiled.asnumpy(), warp_volume(*given).asnumpy(), rtol=0, atol=1e-6)


def test_no_displacement_at_a_slice_gives_the_slice():
    volume, flow, depth = arguments()
    for index in range(SHAPE[2]):
        depths = np.full_like(depth, (2 * index + 1) / SHAPE[2] - 1)
        ours = warp_volume(Tensor(volume), Tensor(np.zeros_like(flow)), Tensor(depths)).asnumpy()
        np.testing.assert_allclose(ours, volume[:, :, index], rtol=0, atol=1e-5)


def test_gradients_are_those_of_the_definition():
    """Along a random direction of each argument, away from the kinks of the definition."""
    rng = np.random.default_rng(6)
    given = arguments()
    weights = rng.standard_normal(by_definition(*given).shape).astype(np.float32)

    def objective(volume, flow, depth):
        return (warp_volume(volume, flow, depth) * Tensor(weights)).sum()

    gradients = ms.grad(objective, (0, 1, 2))(*map(Tensor, given))
    for position, gradient in enumerate(gradients):
        direction = rng.standard_normal(given[position].shape)
        step = 1e-7 * direction
        ends = []
        for sign in (-1, 1):
            moved = [a.astype(np.float64) for a in given]
            moved[position] = moved[position] + sign * step
            ends.append((by_definition(*moved) * weights).sum())
        expected = (ends[1] - ends[0]) / 2e-7
        np.testing.assert_allclose((gradient.asnumpy() * direction).sum(), expected, rtol=1e-4)


def flat_arguments(batch=2, height=5, width=7):
    """A picture, and flow up to beyond its borders."""
    rng = np.random.default_rng(7)
    picture = rng.standard_normal((batch, 3, height, width)).astype(np.float32)
    return picture, rng.uniform(-4, 4, (batch, 2, height, width)).astype(np.float32)


def flat_by_definition(picture, flow):
    """In float64."""
    batch, _, height, width = picture.shape
    result = np.zeros(picture.shape)
    for n, y, x in np.ndindex(batch, height, width):
        at = np.clip((y + flow[n, 1, y, x], x + flow[n, 0, y, x]), 0, (height - 1, width - 1))
        first = np.floor(at).astype(int)
        for corner in np.ndindex(2, 2):
            place = first + corner
            weight = np.prod(np.maximum(0, 1 - np.abs(at - place)))
            if weight:
                result[n, :, y, x] += weight * picture[n, :, place[0], place[1]]
    return result


@pytest.mark.parametrize("mode", ["graph", "pynative"])
@pytest.mark.parametrize(("height", "width"), [(5, 7), (1, 4), (3, 1)])
def test_flow_is_in_pixels_and_zero_is_the_identity(either_kernels, mode, height, width):
    picture, flow = flat_arguments(height=height, width=width)
    cell = Warp()
    call = ms.jit(cell.construct) if mode == "graph" else cell
    ours = call(Tensor(picture), Tensor(flow)).asnumpy()
    np.testing.assert_allclose(ours, flat_by_definition(picture, flow), rtol=0, atol=1e-5)
    still = call(Tensor(picture), Tensor(np.zeros_like(flow))).asnumpy()
    np.testing.assert_allclose(still, picture, rtol=0, atol=2e-6)


def test_gradients_of_the_flat_warp(either_kernels):
    rng = np.random.default_rng(8)
    given = flat_arguments()
    weights = rng.standard_normal(given[0].shape).astype(np.float32)

    warp = Warp()

    def objective(picture, flow):
        return (warp(picture, flow) * Tensor(weights)).sum()

    gradients = ms.grad(objective, (0, 1))(*map(Tensor, given))
    for position, gradient in enumerate(gradients):
        direction = rng.standard_normal(given[position].shape)
        ends = []
        for sign in (-1, 1):
            moved = [a.astype(np.float64) for a in given]
            moved[position] = moved[position] + sign * 1e-7 * direction
            ends.append((flat_by_definition(*moved) * weights).sum())
        expected = (ends[1] - ends[0]) / 2e-7
        np.testing.assert_allclose((gradient.asnumpy() * direction).sum(), expected, rtol=1e-4)


def test_a_flow_that_is_no_number_does_no_harm(either_kernels):
    """As the gradient of a training that has diverged: what it gives does not matter, but it gives something."""
    picture = Tensor(np.random.default_rng(6).random((1, 4, 64, 64), dtype=np.float32))
    flow, warp = Tensor(np.full((1, 2, 64, 64), np.nan, np.float32)), Warp()
    assert np.isfinite(warp(picture, flow).asnumpy()).all()
    of_picture, _ = ms.grad(lambda a, b: warp(a, b).sum(), (0, 1))(picture, flow)
    assert of_picture.asnumpy().sum() == pytest.approx(picture.size)
