"""Multiply-adds of networks, counted while they compute.

What counts are convolutions, transposed and deformable ones, the products of divisive normalisation, and dense layers,
each as its definition has it: taps that fall outside the picture count, and so do those that a faster form leaves out.
Warps, resizing, activations and what follows a network in integers are not counted.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import wraps
from typing import Any

from mindspore import Tensor, nn

from core.kernels.convolution import ConvolutionSum
from core.kernels.separable import Separable
from core.nn.conv import Conv2d, ConvTranspose2d
from core.nn.deform import DeformableConv2d
from core.nn.gdn import GDN
from core.nn.nearest import NearestConv2d


@dataclass
class Counter:
    """The count so far."""

    multiply_adds: int = 0
    is_counting: bool = False
    """Whether what computes now is counted already, with what it is a part of."""


def _of_results(result: Tensor, weight: Tensor) -> int:
    """Cost of a convolution: each number of the result is a sum over a filter."""
    return result.size * math.prod(weight.shape[1:])


def _of_block(result: Tensor, x: Tensor, *parameters: Tensor) -> int:
    """Cost of a separable block: each pixel of the result takes each number of a filter once."""
    pixels = x.size // parameters[4].shape[0]
    return pixels * sum(weight.size for weight in parameters[::2])


Cost = Callable[..., int]
"""Multiply-adds of a call, from its result, the cell and the arguments."""

_COUNTED: tuple[tuple[type[nn.Cell], str, Cost], ...] = (
    (Conv2d, "convolve", lambda result, cell, x, weight, bias: _of_results(result, weight)),
    (NearestConv2d, "construct", lambda result, cell, x: _of_results(result, cell.weight)),
    (ConvTranspose2d, "construct", lambda result, cell, x: x.size * math.prod(cell.weight.shape[1:])),
    (ConvolutionSum, "construct", lambda result, cell, x, weight, *rest: _of_results(result, weight)),
    (Separable, "construct", lambda result, cell, *inputs: _of_block(result, *inputs)),
    (DeformableConv2d, "construct", lambda result, cell, *inputs: _of_results(result, cell.weight)),
    (GDN, "norm", lambda result, cell, x: x.size * cell.beta.size),
    (nn.Dense, "construct", lambda result, cell, x: _of_results(result, cell.weight)),
)


@contextmanager
def counting() -> Iterator[Counter]:
    """Counts what cells compute meanwhile, operator by operator (in MindSpore's PyNative mode)."""
    counter = Counter()
    with ExitStack() as observed:
        for kind, method, cost in _COUNTED:
            observed.enter_context(_observe(kind, method, cost, counter))
        yield counter


@contextmanager
def _observe(kind: type[nn.Cell], method: str, cost: Cost, counter: Counter) -> Iterator[None]:
    """Count the calls of a method of all cells of a kind."""
    original, is_own = getattr(kind, method), method in vars(kind)

    @wraps(original)
    def observer(cell: nn.Cell, *inputs: Any) -> Any:
        if counter.is_counting:
            return original(cell, *inputs)
        counter.is_counting = True
        try:
            result = original(cell, *inputs)
        finally:
            counter.is_counting = False
        counter.multiply_adds += cost(result, cell, *inputs)
        return result

    setattr(kind, method, observer)
    try:
        yield
    finally:
        if is_own:
            setattr(kind, method, original)
        else:
            delattr(kind, method)
