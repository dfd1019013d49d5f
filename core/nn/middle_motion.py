"""Motion towards the middle of two frames, searched and not learned: a first guess for what learns from it.

Content that moves evenly is displaced by -v in the first frame and by v in the last one, as seen from the middle.
The search goes from an eighth of height and width to full size. At each level it displaces both frames by what is
known and tries the nine places around. No gradient passes.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from mindspore import Tensor, nn, ops
from mindspore.ops import constexpr

from core import backend
from core.kernels.operator import operator
from core.nn.pad import crop_like, replicate_margin, replicate_to_multiple
from core.nn.resize import Upsample
from core.nn.warp import Warp

_WINDOW = 9
"""Side of the window in which frames are compared."""
_SMOOTHING = 7
"""Side of the window over which displacements are averaged, good ones with more weight."""
_STEP_PRICE = 0.003
"""How much better a place that is a pixel away must be, as mean difference of luma in [0,1]."""
_REST_PRICE, _REST_SHARE = 0.002, 0.9
"""Motion must bring the difference at rest down to this share, and by this much more."""
_CERTAIN = 0.004
"""Differences below are all as good."""
_AROUND = tuple((x, y) for y in (-1, 0, 1) for x in (-1, 0, 1))
_RIGHT, _DOWN = tuple(float(x) for x, _ in _AROUND), tuple(float(y) for _, y in _AROUND)
_STEP_PRICES = tuple(_STEP_PRICE * math.hypot(x, y) for x, y in _AROUND)


class MiddleMotion(nn.Cell):
    """Two planes of luma, N,1,H,W in [0,1], to displacements towards the middle, N,2,H,W: right and down, in pixels.

    Motion of up to 15 pixels along either axis is found. Without our kernels the search is made of operators that
    every runtime has.
    """

    LEVELS = 4
    """Height and width are halved so many times but one."""

    def __init__(self) -> None:
        super().__init__()
        self.search = None
        if backend.current().kernels:
            prices: dict[str, Any] = {
                "step_price": _STEP_PRICE,
                "rest_price": _REST_PRICE,
                "rest_share": _REST_SHARE,
            }
            sides = (self.LEVELS, _WINDOW, _SMOOTHING)
            self.search = operator(
                "SearchMiddle", bprop=_no_gradients, sides=sides, certain=_CERTAIN, **prices
            )
        self.double = Upsample(2)
        self.warp = Warp()

    def construct(self, first: Tensor, last: Tensor) -> Tensor:
        first, last = ops.stop_gradient(first), ops.stop_gradient(last)
        if self.search is not None:
            return ops.stop_gradient(self.search(first, last))
        firsts, lasts = _pyramid(first, self.LEVELS), _pyramid(last, self.LEVELS)
        flow = self._refine(firsts[0], lasts[0], None)
        for level in range(1, self.LEVELS):
            flow = crop_like(2 * self.double(flow), firsts[level])
            flow = self._refine(firsts[level], lasts[level], flow)
        return ops.stop_gradient(flow)

    def _refine(self, first: Tensor, last: Tensor, known: Tensor | None) -> Tensor:
        """Displacements at one level, from those that are known of a coarser one."""
        if known is None:
            costs = _costs(first, last)
        else:
            costs = _costs(self.warp(first, -known), self.warp(last, known))
        flow = _least(costs)
        if known is not None:
            flow = flow + known
        moving, resting = _compare(self.warp(first, -flow), self.warp(last, flow)), _compare(first, last)
        flow = ops.where(moving + _REST_PRICE < _REST_SHARE * resting, flow, ops.zeros_like(flow))
        weight = 1 / ops.square(moving + _CERTAIN)
        return _mean(flow * weight, _SMOOTHING) / _mean(weight, _SMOOTHING)


def _no_gradients(first: Tensor, last: Tensor, out: Tensor, dout: Tensor) -> tuple[Tensor, Tensor]:
    return ops.zeros_like(first), ops.zeros_like(last)


def _pyramid(plane: Tensor, count: int) -> tuple[Tensor, ...]:
    """The plane at every level, the smallest first; height and width are halved and rounded up."""
    levels: tuple[Tensor, ...] = (plane,)
    for _ in range(count - 1):
        levels = (ops.avg_pool2d(replicate_to_multiple(levels[0], 2), 2, 2),) + levels
    return levels


def _costs(first: Tensor, last: Tensor) -> Tensor:
    """Differences of two planes, N,1,H,W, that are displaced to each of the places around: N,9,H,W."""
    height, width = first.shape[2], first.shape[3]
    before, after = replicate_margin(first, 1, 1), replicate_margin(last, 1, 1)
    earlier: tuple[Tensor, ...] = ()
    later: tuple[Tensor, ...] = ()
    for x, y in _AROUND:
        earlier = earlier + (before[:, :, 1 - y : 1 - y + height, 1 - x : 1 - x + width],)
        later = later + (after[:, :, 1 + y : 1 + y + height, 1 + x : 1 + x + width],)
    return _compare(ops.concat(earlier, 1), ops.concat(later, 1))


def _least(costs: Tensor) -> Tensor:
    """Displacements of the least costs, N,2,H,W; the mean of places that are alike. About the middle, below a
    pixel."""
    priced = costs + _constant(_STEP_PRICES)
    chosen = ops.equal(priced, ops.ReduceMin(keep_dims=True)(priced, 1)).astype(costs.dtype)
    count = ops.ReduceSum(keep_dims=True)(chosen, 1)
    x = ops.ReduceSum(keep_dims=True)(chosen * _constant(_RIGHT), 1) / count
    y = ops.ReduceSum(keep_dims=True)(chosen * _constant(_DOWN), 1) / count
    here, stays = costs[:, 4:5], chosen[:, 4:5] / count
    x = x + stays * _below_a_pixel(costs[:, 3:4], here, costs[:, 5:6])
    y = y + stays * _below_a_pixel(costs[:, 1:2], here, costs[:, 7:8])
    return ops.concat((x, y), 1)


@constexpr
def _constant(values: tuple[float, ...]) -> Tensor:
    return Tensor(np.array(values, np.float32).reshape(1, -1, 1, 1))


def _compare(first: Tensor, last: Tensor) -> Tensor:
    return _mean(ops.abs(first - last), _WINDOW)


def _mean(x: Tensor, side: int) -> Tensor:
    """Mean of a window around each element; beyond the edges the outermost ones are repeated."""
    padded = replicate_margin(x, side // 2, side // 2)
    return ops.avg_pool2d(ops.avg_pool2d(padded, (side, 1), 1), (1, side), 1)


def _below_a_pixel(before: Tensor, here: Tensor, after: Tensor) -> Tensor:
    """The minimum of the parabola through three costs, -0.5 to 0.5; 0 where it has none."""
    bend = before - 2 * here + after
    place = ops.clamp(0.5 * (before - after) / ops.maximum(bend, ops.full_like(bend, 1e-6)), -0.5, 0.5)
    return ops.where(bend > 1e-6, place, ops.zeros_like(place))
