"""Block motion: a search for the vectors of a picture's blocks, and pictures displaced by such vectors.

A vector stands for the middle of a block of 16x16 pixels and says where its content lies in the reference, to the
right and down, in quarters of a pixel. Each pixel is a bilinear blend of what the vectors of the four blocks around
it lead to.
"""

from __future__ import annotations

import numpy as np
from mindspore import Tensor, nn, ops
from mindspore.ops import constexpr

from core import backend
from core.kernels.operator import operator

BLOCK = 16
"""Side of a block, pixels."""
FARTHEST = 48
"""No vector is longer along either axis, pixels."""
UNITS = 4
"""Vectors are whole numbers of this part of a pixel."""

# What `motion.h` has as well, by the same names.
_AROUND, _QUARTER, _COARSE = 2, 4, 8
_SIDE = BLOCK + 2 * _AROUND
_PER_DIFFERENCE = 16.0
"""Cost of a difference of samples."""
_NEVER = 2.0**24
_CUBIC, _TAPS = -0.75, 4


class SearchBlocks(nn.Cell):
    """The search: ``construct(luma, reference, price)`` -> vectors N,2,H/16,W/16 in pixels.

    ``luma`` and ``reference``: N,1,H,W, 0 to 255, height and width divisible by 16; ``price`` (N): how many
    differences of samples a bit of the vectors is worth. No gradient passes. Without our kernels it is
    `search`."""

    def __init__(self) -> None:
        super().__init__()
        kernels = backend.current().kernels
        self.search = operator("SearchBlocks", bprop=_no_gradients) if kernels else search

    def construct(self, luma: Tensor, reference: Tensor, price: Tensor) -> Tensor:
        luma, reference, price = (
            ops.stop_gradient(luma),
            ops.stop_gradient(reference),
            ops.stop_gradient(price),
        )
        return ops.stop_gradient(self.search(luma, reference, price))


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
        return displace(picture, ops.stop_gradient(vectors))


def displace(picture: Tensor, vectors: Tensor) -> Tensor:
    """`DisplaceBlocks` by MindSpore's operators."""
    height, width = picture.shape[2:]
    if vectors.shape[2:] == picture.shape[2:]:  # blocks of one pixel
        return _sample(picture, vectors, None)
    total = ops.zeros_like(picture)
    for down in (0, 1):
        rows, row_shares = _around(height, vectors.shape[2], down)
        for across in (0, 1):
            columns, column_shares = _around(width, vectors.shape[3], across)
            field = ops.gather(ops.gather(vectors, rows, 2), columns, 3)
            total = total + _sample(picture, field, row_shares.reshape(height, 1) * column_shares)
    return total


def _sample(picture: Tensor, field: Tensor, shares: Tensor | None) -> Tensor:
    """Samples displaced by a vector for each pixel, N,2,H,W, times shares (H,W)."""
    batch, channels, height, width = picture.shape
    flat = picture.reshape(batch, channels, height * width)
    x_places, x_weights = _cubic(field[:, 0], _numbers(width).reshape(1, 1, width), width)
    y_places, y_weights = _cubic(field[:, 1], _numbers(height).reshape(1, height, 1), height)
    total = ops.zeros_like(picture).expand_dims(2)
    for tap in range(_TAPS):
        places = y_places[:, tap : tap + 1] * width + x_places
        every = ops.tile(places.reshape(batch, 1, -1), (1, channels, 1))
        samples = ops.gather_elements(flat, 2, every).reshape(batch, channels, _TAPS, height, width)
        weights = y_weights[:, tap : tap + 1] * x_weights
        weights = weights if shares is None else shares * weights
        for part in ops.split(weights.expand_dims(1) * samples, 1, 2):
            total = total + part
    return total.reshape(picture.shape)


def _cubic(displacement: Tensor, place: Tensor, size: int) -> tuple[Tensor, Tensor]:
    """The four samples around each displaced place along an axis, and their weights, N,4,H,W both."""
    first = ops.floor(displacement)
    t = displacement - first
    u = 1.0 - t
    weights = (
        _CUBIC * t * u * u,
        ((_CUBIC + 2) * t - (_CUBIC + 3)) * t * t + 1.0,
        ((_CUBIC + 2) * u - (_CUBIC + 3)) * u * u + 1.0,
        _CUBIC * u * t * t,
    )
    places = (place + first).astype("int32").expand_dims(1) + _taps()
    return ops.clamp(places, 0, size - 1), ops.stack(weights, 1)


@constexpr
def _taps() -> Tensor:
    return Tensor((np.arange(_TAPS, dtype=np.int32) - 1).reshape(1, _TAPS, 1, 1))


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


def search(luma: Tensor, reference: Tensor, price: Tensor) -> Tensor:
    """`SearchBlocks` by MindSpore's operators, to the last bit: all numbers are whole, and exact in float32."""
    now, before = _samples(luma), _samples(reference)
    cost = ops.round(_PER_DIFFERENCE * _positive(price)).reshape(-1, 1, 1, 1)
    vectors = _coarse(_small(now), _small(before), cost)
    for step in (0, 8, 4, 0, 2, 1, 0):
        vectors = _refine(now, before, vectors, cost, step)
    return vectors * (1 / UNITS)


def _samples(luma: Tensor) -> Tensor:
    """N,H,W"""
    return ops.round(ops.clamp(_positive(luma[:, 0]), 0.0, 255.0))


def _positive(x: Tensor) -> Tensor:
    """The values without negative ones; what is no number counts as 0 too."""
    return ops.where(x > 0, x, ops.zeros_like(x))


def _small(plane: Tensor) -> Tensor:
    return ops.floor((_block_sums(plane, _QUARTER) + 8) * (1 / 16))


def _block_sums(plane: Tensor, side: int) -> Tensor:
    """Sums over blocks of this side: N,H,W -> N,H/side,W/side."""
    batch, height, width = plane.shape
    of_rows = plane.reshape(batch, height // side, side, width).sum(2)
    return of_rows.reshape(batch, height // side, width // side, side).sum(3)


def _coarse(now: Tensor, before: Tensor, price: Tensor) -> Tensor:
    """Vectors N,2,h,w by a search of all places within reach, at a quarter of height and width."""
    batch, height, width = now.shape
    rows, columns, reach = height // _QUARTER, width // _QUARTER, 2 * _COARSE + 1
    current, moved = _with_margin(now, 0), _with_margin(before, _COARSE)
    wide, high = width + _QUARTER, height + _QUARTER
    differences = ops.abs(
        moved.reshape(batch, reach, high, reach, wide) - current.reshape(batch, 1, high, 1, wide)
    )
    sums = _block_sums(differences.reshape(batch, reach * high, reach * wide), _QUARTER)
    sums = sums.reshape(batch, reach, rows + 1, reach, columns + 1).transpose(0, 1, 3, 2, 4)
    sums = sums[:, :, :, :-1] + sums[:, :, :, 1:]  # a window is two small blocks high and wide
    sums = (sums[..., :-1] + sums[..., 1:]).reshape(batch, reach**2, rows, columns)
    at_rest = sums[:, reach**2 // 2 : reach**2 // 2 + 1]
    places, lengths = _places()
    costs = 4 * _PER_DIFFERENCE * ops.concat((at_rest, sums), 1) + price * lengths
    return _cheapest(places, costs)


def _with_margin(plane: Tensor, reach: int) -> Tensor:
    """The plane and what of it lies around, for all moves down by -reach to reach, and for all to the right."""
    rows = ops.gather(plane, _moved(plane.shape[1], reach), 1)
    return ops.gather(rows, _moved(plane.shape[2], reach), 2)


@constexpr
def _moved(size: int, reach: int) -> Tensor:
    moves = np.arange(-reach, reach + 1)[:, None]
    at = np.arange(-_AROUND, size + _AROUND) + moves
    return Tensor(np.clip(at, 0, size - 1).astype(np.int32).reshape(-1))


@constexpr
def _places() -> tuple[Tensor, Tensor]:
    """Vectors that the coarse search tries, (1,K,2,1,1), and the bits of each, (1,K,1,1); the first is at rest."""
    reach = range(-_COARSE, _COARSE + 1)
    places = np.array([(0, 0), *((x, y) for y in reach for x in reach)]) * _QUARTER * UNITS
    lengths = _bits(np.abs(places)).sum(1)
    return Tensor(places.astype(np.float32).reshape(1, -1, 2, 1, 1)), Tensor(lengths.reshape(1, -1, 1, 1))


def _refine(now: Tensor, before: Tensor, vectors: Tensor, price: Tensor, step: int) -> Tensor:
    """One pass: `BlockSearch.Refine`."""
    rows, columns = vectors.shape[2], vectors.shape[3]
    beside = (
        ops.gather(vectors, _next(columns, -1), 3),
        ops.gather(vectors, _next(columns, 1), 3),
        ops.gather(vectors, _next(rows, -1), 2),
        ops.gather(vectors, _next(rows, 1), 2),
    )
    around = ops.stack(beside, 1)
    outer = ops.ReduceMin()(around, 1) + ops.ReduceMax()(around, 1)
    predicted = ops.floor((around.sum(1) - outer) * 0.5).expand_dims(1)
    own = vectors.expand_dims(1)
    tried = own + _ring(step) if step else ops.concat((ops.zeros_like(own), around), 1)
    tried = ops.concat((own, tried), 1)
    lengths = ops.gather(_lengths(), ops.abs(tried - predicted).astype("int32"), 0).sum(2)
    too_far = (ops.ReduceMax()(ops.abs(tried), 2) > FARTHEST * UNITS).astype("float32")
    costs = _PER_DIFFERENCE * _differences(now, before, tried) + price * lengths + _NEVER * too_far
    return _cheapest(tried, costs)


@constexpr
def _next(size: int, step: int) -> Tensor:
    return Tensor(np.clip(np.arange(size) + step, 0, size - 1).astype(np.int32))


@constexpr
def _ring(step: int) -> Tensor:
    """The eight vectors around none, (1,8,2,1,1)."""
    ring = [(x, y) for y in (-1, 0, 1) for x in (-1, 0, 1) if x or y]
    return Tensor(step * np.array(ring, np.float32).reshape(1, -1, 2, 1, 1))


@constexpr
def _lengths() -> Tensor:
    """Bits of a component's distance from its prediction, roughly, for all distances that occur."""
    return Tensor(_bits(np.arange(3 * FARTHEST * UNITS)))


def _bits(distances: np.ndarray) -> np.ndarray:
    _, exponents = np.frexp(distances.astype(np.float64))
    return (2 * exponents + 1).astype(np.float32)


def _differences(now: Tensor, before: Tensor, vectors: Tensor) -> Tensor:
    """Sums of differences between the windows of blocks and those that vectors N,K,2,h,w lead to: N,K,h,w."""
    batch, count, _, rows, columns = vectors.shape
    height, width = now.shape[1], now.shape[2]
    blocks = rows * columns
    whole = ops.floor(vectors * (1 / UNITS))
    across, down = ops.split((vectors - UNITS * whole).reshape(-1, 2, blocks), 1, 1)
    across, down = across.reshape(-1, 1, 1), down.reshape(-1, 1, 1)
    y = whole[:, :, 1].expand_dims(4) + _windows(rows, _SIDE + 1).reshape(rows, 1, _SIDE + 1)
    x = whole[:, :, 0].expand_dims(4) + _windows(columns, _SIDE + 1)
    y, x = (
        ops.clamp(y, 0, height - 1).astype("int32").expand_dims(5),
        ops.clamp(x, 0, width - 1).astype("int32").expand_dims(4),
    )
    found = ops.gather_elements(before.reshape(batch, -1), 1, (y * width + x).reshape(batch, -1))
    found = found.reshape(-1, _SIDE + 1, _SIDE + 1)
    left = (UNITS - down) * found[:, :-1] + down * found[:, 1:]
    made = ops.floor(((UNITS - across) * left[:, :, :-1] + across * left[:, :, 1:] + 8) * (1 / 16))
    current = ops.gather(ops.gather(now, _within(rows), 1), _within(columns), 2)
    current = current.reshape(batch, rows, _SIDE, columns, _SIDE)
    current = current.transpose(0, 1, 3, 2, 4).reshape(batch, 1, blocks, _SIDE**2)
    sums = ops.abs(made.reshape(batch, count, blocks, _SIDE**2) - current).sum(3)
    return sums.reshape(batch, count, rows, columns)


@constexpr
def _windows(blocks: int, side: int) -> Tensor:
    """Positions of the samples of blocks' windows along an axis, (blocks,side)."""
    return Tensor((BLOCK * np.arange(blocks)[:, None] + np.arange(side) - _AROUND).astype(np.float32))


@constexpr
def _within(blocks: int) -> Tensor:
    """The same of the picture itself, one window after another; beyond its edges the outermost are repeated."""
    at = BLOCK * np.arange(blocks)[:, None] + np.arange(_SIDE) - _AROUND
    return Tensor(np.clip(at, 0, BLOCK * blocks - 1).astype(np.int32).reshape(-1))


def _cheapest(vectors: Tensor, costs: Tensor) -> Tensor:
    """Those of the vectors N,K,2,h,w with the least costs N,K,h,w, the first of equals: N,2,h,w."""
    count = costs.shape[1]
    numbers = _numbers(count).reshape(1, count, 1, 1)
    dearer = (costs > ops.ReduceMin(keep_dims=True)(costs, 1)).astype("float32")
    first = ops.ReduceMin(keep_dims=True)(numbers + count * dearer, 1)
    return (vectors * ops.equal(numbers, first).astype("float32").expand_dims(2)).sum(1)
