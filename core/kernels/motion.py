"""Block motion: a search for the vectors of a picture's blocks, and pictures displaced by such vectors.

A vector stands for the middle of a block of 16x16 pixels and says where its content lies in the reference, to the
right and down, in quarters of a pixel. Each pixel is a bilinear blend of what the vectors of the four blocks around
it lead to.
"""

from __future__ import annotations

import numpy as np
from mindspore import Tensor, nn, ops
from mindspore.ops import constexpr
from numpy.typing import NDArray

from core import backend
from core.hooks import Array
from core.kernels.operator import operator

BLOCK = 16
"""Side of a block, pixels."""
FARTHEST = 48
"""No vector is longer along either axis, pixels."""
UNITS = 4
"""Vectors are whole numbers of this part of a pixel."""

# What `motion.h` has as well, by the same names.
_AROUND, _QUARTER, _COARSE, _COST_BITS = 2, 4, 8, 4
_SIDE, _SMALL_SIDE = BLOCK + 2 * _AROUND, BLOCK // _QUARTER + 2 * _AROUND
_MARGIN, _SMALL_MARGIN = FARTHEST + _AROUND + 2, _COARSE + _AROUND
_CUBIC = -0.75

Ints = NDArray[np.int32]


class SearchBlocks(nn.Cell):
    """The search as an operator: ``construct(luma, reference, price)`` -> vectors N,2,H/16,W/16 in pixels.

    ``luma`` and ``reference``: N,1,H,W, 0 to 255, sides divisible by 16; ``price`` (N): how many differences of
    samples a bit of the vectors is worth. No gradient passes. Without our kernels it is `searched_by_numpy`."""

    def __init__(self) -> None:
        super().__init__()
        if backend.current().kernels:
            self.search = operator("SearchBlocks", bprop=_no_gradients)
        else:
            self.search = ops.Custom(
                searched_by_numpy, _vector_shape, lambda *types: types[0], "pyfunc", _no_gradients
            )

    def construct(self, luma: Tensor, reference: Tensor, price: Tensor) -> Tensor:
        luma, reference = ops.stop_gradient(luma), ops.stop_gradient(reference)
        return ops.stop_gradient(self.search(luma, reference, price))


def _vector_shape(luma: list[int], reference: list[int], price: list[int]) -> list[int]:
    return [luma[0], 2, luma[2] // BLOCK, luma[3] // BLOCK]


def _no_gradients(
    luma: Tensor, reference: Tensor, price: Tensor, out: Tensor, dout: Tensor
) -> tuple[Tensor, ...]:
    return ops.zeros_like(luma), ops.zeros_like(reference), ops.zeros_like(price)


class DisplaceBlocks(nn.Cell):
    """A picture displaced by the vectors of its blocks: ``construct(picture, vectors)`` -> N,C,H,W.

    ``picture``: N,C,H,W; ``vectors``: N,2,h,w in the picture's pixels, blocks of any side H/h = W/w. Samples are cubic
    (a = -0.75), and the picture continues beyond its edges. Gradients are those of the picture; vectors have none.
    """

    def __init__(self) -> None:
        super().__init__()
        self.displace: ops.Custom | None = None
        if backend.current().kernels:
            gradient = operator("DisplaceBlocksGradient")

            def gradients(
                picture: Tensor, vectors: Tensor, out: Tensor, dout: Tensor
            ) -> tuple[Tensor, Tensor]:
                return gradient(vectors, dout), ops.zeros_like(vectors)

            self.displace = operator("DisplaceBlocks", bprop=gradients)

    def construct(self, picture: Tensor, vectors: Tensor) -> Tensor:
        if self.displace is not None:
            return self.displace(picture, vectors)
        return displaced(picture, ops.stop_gradient(vectors))


def displaced(picture: Tensor, vectors: Tensor) -> Tensor:
    """`DisplaceBlocks` by MindSpore's operators."""
    batch, channels, height, width = picture.shape
    flat = picture.reshape(batch, channels, height * width)
    total = ops.zeros_like(picture)
    for down in (0, 1):
        rows, row_shares = _around(height, vectors.shape[2], down)
        for across in (0, 1):
            columns, column_shares = _around(width, vectors.shape[3], across)
            field = ops.gather(ops.gather(vectors, rows, 2), columns, 3)
            x_places, x_weights = _cubic(field[:, 0], _numbers(width).reshape(1, 1, width), width)
            y_places, y_weights = _cubic(field[:, 1], _numbers(height).reshape(1, height, 1), height)
            shares = row_shares.reshape(height, 1) * column_shares
            for y_place, y_weight in zip(y_places, y_weights):  # noqa: B905 - graphs have no strict
                for x_place, x_weight in zip(x_places, x_weights):  # noqa: B905
                    places = (y_place * width + x_place).reshape(batch, 1, height * width)
                    samples = ops.gather_elements(flat, 2, ops.tile(places, (1, channels, 1)))
                    weights = (shares * y_weight * x_weight).expand_dims(1)
                    total = total + weights * samples.reshape(batch, channels, height, width)
    return total


def _cubic(displacement: Tensor, place: Tensor, size: int) -> tuple[list[Tensor], list[Tensor]]:
    """The four samples around each displaced place along an axis, and their weights."""
    first = ops.floor(displacement)
    t = displacement - first
    u = 1.0 - t
    weights = [
        _CUBIC * t * u * u,
        ((_CUBIC + 2) * t - (_CUBIC + 3)) * t * t + 1.0,
        ((_CUBIC + 2) * u - (_CUBIC + 3)) * u * u + 1.0,
        _CUBIC * u * t * t,
    ]
    whole = (place + first).astype("int32")
    places = [ops.clamp(whole + tap, 0, size - 1) for tap in (-1, 0, 1, 2)]
    return places, weights


@constexpr
def _numbers(size: int) -> Tensor:
    return Tensor(np.arange(size, dtype=np.float32))


@constexpr
def _around(size: int, blocks: int, second: int) -> tuple[Tensor, Tensor]:
    """One of the two blocks between whose middles each pixel lies, and the pixel's share of it: (size) each."""
    at = np.clip((np.arange(size) + 0.5) * blocks / size - 0.5, 0, blocks - 1)
    low = np.floor(at).astype(np.int32)
    share = at - low
    return (
        Tensor(np.minimum(low + second, blocks - 1)),
        Tensor((share if second else 1 - share).astype(np.float32)),
    )


def searched_by_numpy(luma: Array, reference: Array, price: Array) -> Array:
    """What `SearchBlocks` gives, to the last bit, slowly."""
    return np.concatenate([_searched(*each) for each in zip(luma, reference, price, strict=True)])


def _searched(luma: Array, reference: Array, price: np.float32) -> Array:
    """Of one picture."""
    now, before = (
        np.rint(np.clip(np.nan_to_num(part[0]), 0, 255)).astype(np.int32) for part in (luma, reference)
    )
    cost = round(max(float(price), 0.0) * (1 << _COST_BITS))
    vectors = _coarse(now, before, cost)
    current, other = (np.pad(part, _MARGIN, mode="edge") for part in (now, before))
    for step in (0, 8, 4, 0, 2, 1, 0):
        vectors = _refined(current, other, vectors, cost, step)
    return (vectors / np.float32(UNITS)).astype(np.float32)[None]


def _coarse(now: Ints, before: Ints, price: int) -> Ints:
    """Vectors 2,h,w by a search of all places within reach, at a quarter of the sides."""
    current, other = (np.pad(_small(part), _SMALL_MARGIN, mode="edge") for part in (now, before))
    rows, columns = now.shape[0] // BLOCK, now.shape[1] // BLOCK
    reach = range(-_COARSE, _COARSE + 1)
    tried = [(0, 0), *((x, y) for y in reach for x in reach)]
    costs = []
    for x, y in tried:
        shifted = np.roll(other, (-y, -x), (0, 1))
        sums = _window_sums(np.abs(current - shifted), rows, columns)
        length = _length(np.array(x * _QUARTER * UNITS)) + _length(np.array(y * _QUARTER * UNITS))
        costs.append((sums << (_COST_BITS + 2)) + price * length)
    best = np.argmin(costs, 0)
    return np.moveaxis(np.array(tried, np.int32)[best], -1, 0) * (_QUARTER * UNITS)


def _small(samples: Ints) -> Ints:
    height, width = samples.shape
    blocks = samples.reshape(height // _QUARTER, _QUARTER, width // _QUARTER, _QUARTER)
    return (blocks.sum((1, 3)) + 8) >> 4


def _window_sums(differences: Ints, rows: int, columns: int) -> Ints:
    """Sums over the windows of small blocks, from a plane with its margin."""
    side = BLOCK // _QUARTER
    first = _SMALL_MARGIN - _AROUND
    windows = np.lib.stride_tricks.sliding_window_view(differences, (_SMALL_SIDE, _SMALL_SIDE))
    chosen = windows[first : first + rows * side : side, first : first + columns * side : side]
    return chosen.sum((2, 3)).astype(np.int32)


def _refined(current: Ints, other: Ints, vectors: Ints, price: int, step: int) -> Ints:
    """One pass: `BlockSearch.Refine`."""
    padded = np.pad(vectors, ((0, 0), (1, 1), (1, 1)), mode="edge")
    around = [padded[:, 1:-1, :-2], padded[:, 1:-1, 2:], padded[:, :-2, 1:-1], padded[:, 2:, 1:-1]]
    stacked = np.stack(around)
    predicted = (stacked.sum(0) - stacked.min(0) - stacked.max(0)) >> 1
    best, least = vectors, _costs(current, other, vectors, predicted, price)
    if step:
        tried = [
            vectors + np.reshape((x * step, y * step), (2, 1, 1))
            for y in (-1, 0, 1)
            for x in (-1, 0, 1)
            if x or y
        ]
    else:
        tried = [np.zeros_like(vectors), *around]
    for candidate in tried:
        allowed = np.abs(candidate).max(0) <= FARTHEST * UNITS
        within = np.where(allowed, candidate, best)
        cost = _costs(current, other, within, predicted, price)
        better = allowed & (cost < least)
        best, least = np.where(better, candidate, best), np.where(better, cost, least)
    return best.astype(np.int32)


def _costs(current: Ints, other: Ints, vectors: Ints, predicted: Ints, price: int) -> Ints:
    """What each block's vector costs."""
    _, rows, columns = vectors.shape
    side = np.arange(_SIDE + 1)
    y = np.arange(rows)[:, None, None, None] * BLOCK - _AROUND + _MARGIN + side[:, None]
    x = np.arange(columns)[:, None, None] * BLOCK - _AROUND + _MARGIN + side
    across, down = vectors[0][:, :, None, None], vectors[1][:, :, None, None]
    found = other[y + (down >> 2), x + (across >> 2)]
    fx, fy = across & 3, down & 3
    left = (UNITS - fy) * found[:, :, :-1] + fy * found[:, :, 1:]
    made = ((UNITS - fx) * left[..., :-1] + fx * left[..., 1:] + 8) >> 4
    sums = np.abs(current[y[:, :, :-1], x[..., :-1]] - made).sum((2, 3))
    lengths = _length(vectors - predicted).sum(0)
    return ((sums << _COST_BITS) + price * lengths).astype(np.int32)


def _length(distance: Ints) -> Ints:
    """Bits of a component's distance from its prediction, roughly."""
    _, exponent = np.frexp(np.abs(distance).astype(np.float64))
    return 2 * exponent + 1
