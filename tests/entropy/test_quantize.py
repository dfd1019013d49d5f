"""Rounding, its stand-ins and their gradients; the noise: uniform, independent, repeatable from any step on."""

import mindspore as ms
import numpy as np
import pytest
from mindspore import Tensor, nn, ops

from core.entropy.quantize import add_noise, round_about, round_straight_through, seed_noise

SHAPE = (2, 8, 64, 64)
SIZE = int(np.prod(SHAPE))


pytestmark = pytest.mark.usefixtures("either_mode")


class Weighted(nn.Cell):
    """sum(weights * f(x)), so that its gradient is f's applied to ``weights``."""

    def __init__(self, inner):
        super().__init__()
        self.inner = inner

    def construct(self, x, weights):
        return (weights * self.inner(x)).sum()


class StraightThrough(nn.Cell):
    def construct(self, x):
        return round_straight_through(x)


class Noisy(nn.Cell):
    def construct(self, x):
        return add_noise(x)


class About(nn.Cell):
    def construct(self, x, mean):
        return round_about(x, mean)


class Noise(nn.Cell):
    """The noise of two calls in one step, of a process that has its share of each batch."""

    def __init__(self, rank=0, world=1):
        super().__init__()
        self.rank, self.world = rank, world

    def construct(self, zeros, seed, step):
        seed_noise(seed, step, self.rank, self.world)
        return add_noise(zeros), add_noise(zeros)


def vector(*values):
    return Tensor(np.array(values, np.float32))


def gradient(cell, x, weights):
    return ops.grad(Weighted(cell))(x, weights).asnumpy()


def test_halves_go_to_the_even_side_of_the_mean():
    x, mean = vector(0.75, 1.75, -0.25, 3.2, 2.0**22 + 0.5), vector(0.25, 0.25, 0.25, 0.25, 0)
    np.testing.assert_array_equal(About()(x, mean).asnumpy(), [0.25, 2.25, 0.25, 3.25, 2.0**22])


def test_straight_through_rounding_is_exact_and_passes_gradients():
    x = np.random.default_rng(0).normal(0, 40, 5000).astype(np.float32)
    x[:4] = [0.5, 1.5, -2.5, 2.0**22 + 0.5]
    weights = np.arange(5000, dtype=np.float32)
    np.testing.assert_array_equal(StraightThrough()(Tensor(x)).asnumpy(), np.rint(x))
    np.testing.assert_array_equal(gradient(StraightThrough(), Tensor(x), Tensor(weights)), weights)


def test_noise_passes_gradients():
    weights = vector(1, -2, 3)
    np.testing.assert_array_equal(gradient(Noisy(), vector(0, 0, 0), weights), weights.asnumpy())


@pytest.fixture
def noise():
    cell, zeros = Noise(), Tensor(np.zeros(SHAPE, np.float32))

    def draw(seed, step):
        calls = cell(zeros, Tensor(seed, ms.int32), Tensor(step, ms.int32))
        return [call.asnumpy() for call in calls]

    return draw


def test_noise_of_a_step_does_not_depend_on_the_steps_before(noise):
    run = [noise(5, step) for step in range(4)]
    for late, again in zip(run[2:], [noise(5, 2), noise(5, 3)], strict=True):
        np.testing.assert_array_equal(late, again)


def hashed(x):
    """The hash of 31-bit words in plain integers."""
    x ^= x >> 16
    x = x * 0x7FEB352D % 2**31
    x ^= x >> 15
    x = x * 0x046CA68B % 2**31
    return x ^ x >> 16


@pytest.mark.parametrize(("seed", "step"), [(0, 0), (1234, 99), (2**31 - 1, 2**31 - 1)])
def test_noise_is_exactly_what_plain_integers_give(noise, seed, step):
    key = hashed(hashed(seed ^ 0x7FEB352D) ^ step)
    for call, ours in enumerate(noise(seed, step)):
        first = hashed(key ^ call)
        second = hashed(first ^ key)
        words = [hashed(hashed(i ^ first) ^ second) >> 7 for i in range(1000)]
        np.testing.assert_array_equal(ours.ravel()[:1000], [(2 * w + 1) / 2**25 - 0.5 for w in words])


def test_ranks_see_the_noise_of_the_whole_batch():
    seed, step = Tensor(5, ms.int32), Tensor(3, ms.int32)
    single, steps = Noise(), [Noise(rank, 2) for rank in (0, 1)]
    half, full = (Tensor(np.zeros((items, 2, 3, 5), np.float32)) for items in (2, 4))
    for _ in range(2):  # the second time after steps of other shares
        whole = single(full, seed, step)
        for rank, shared in enumerate(steps):
            for ours, all_ in zip(shared(half, seed, step), whole, strict=True):
                np.testing.assert_array_equal(ours.asnumpy(), all_.asnumpy()[rank::2])


@pytest.fixture
def streams(noise):
    """Noise of neighbouring seeds, steps and calls; also of extreme ones: rows of equal length."""
    pairs = [(0, 0), (0, 1), (1, 0), (1, 1), (7, 1000), (7, 1001), (2**31 - 1, 2**31 - 1), (2**31 - 1, 0)]
    return np.stack([call.ravel() for pair in pairs for call in noise(*pair)]).astype(np.float64)


def test_noise_is_uniform(streams):
    assert np.abs(streams).max() < 0.5
    deviations = SIZE**-0.5  # of a mean, in units of the distribution's own deviation
    assert np.abs(streams.mean(1)).max() < 4.5 * deviations / 12**0.5
    assert np.abs(streams.var(1) * 12 - 1).max() < 4.5 * deviations * 0.8**0.5
    cells = 256
    counts = np.stack([np.histogram(row, cells, (-0.5, 0.5))[0] for row in streams])
    chi_squared = ((counts - SIZE / cells) ** 2).sum(1) / (SIZE / cells)
    assert np.abs(chi_squared - (cells - 1)).max() < 4.5 * (2 * cells) ** 0.5


def test_noise_is_independent(streams):
    normal = streams * 12**0.5
    between = normal @ normal.T / SIZE**0.5
    assert np.abs(between[~np.eye(len(normal), dtype=bool)]).max() < 4.5
    for lag in (1, 2, 8, 64, 64 * 64, 8 * 64 * 64):
        within = (normal[:, :-lag] * normal[:, lag:]).sum(1) / (SIZE - lag) ** 0.5
        assert np.abs(within).max() < 4.5
