"""Quantisation of latents: rounding, and its stand-ins in training.

MindSpore's random operators keep a state inside a compiled graph that neither ``set_seed`` nor ``manual_seed``
reaches, so a resumed training would see other noise. The noise here is a hash of (seed, step, call, element), in
integer arithmetic, so it is the same in graph and PyNative mode and on every machine.
"""

from __future__ import annotations

import mindspore as ms
from mindspore import Parameter, Tensor, ops

_MASK = 0x7FFFFFFF
"""Words have 31 bits, so that shifts of int32 bring in zeros."""
_FIRST, _SECOND = 0x7FEB352D, 0x046CA68B
"""Odd multipliers of the hash."""
_UNIT = 2.0**-24


def round_about(x: Tensor, mean: Tensor) -> Tensor:
    """The nearest value to ``x`` at a whole distance from ``mean``; halves go to the even distance."""
    return ops.round(x - mean) + mean


def round_straight_through(x: Tensor) -> Tensor:
    """Rounding, half to even, whose gradient is that of the identity."""
    return x + ops.stop_gradient(ops.round(x) - x)


def add_noise(x: Tensor) -> Tensor:
    """``x`` plus independent noise, uniform in (-0.5,0.5): rounding's stand-in in training (Ballé et al. 2017).

    The noise depends on the last `seed_noise` and on the number of calls since; on nothing else. The first axis of
    ``x`` is the batch's.
    """
    return x + ops.stop_gradient(_STREAM.uniform(x.shape[0], x.size).reshape(x.shape))


def seed_noise(seed: Tensor, step: Tensor, rank: int = 0, world: int = 1) -> None:
    """Begin the noise of a training step anew, from two scalars, int32 and not negative.

    Where a batch is shared out, this process has its items ``rank``, ``rank + world``, …, as the loader does it; each
    sees the noise that it would see if one process had the whole batch. Called inside a compiled step, it takes effect
    at every run of it.
    """
    _STREAM.restart(seed, step, rank, world)


class _NoiseStream:
    """The noise's state, of the step that has begun it last.

    It lies outside of cells, so that it is no parameter of a network.
    """

    __ms_class__ = True

    def __init__(self) -> None:
        self.key = Parameter(Tensor(0, ms.int32), name="noise_key", requires_grad=False)
        self.calls = Parameter(Tensor(0, ms.int32), name="noise_calls", requires_grad=False)
        self.rank = Parameter(Tensor(0, ms.int32), name="noise_rank", requires_grad=False)
        self.world = Parameter(Tensor(1, ms.int32), name="noise_world", requires_grad=False)

    def restart(self, seed: Tensor, step: Tensor, rank: int, world: int) -> None:
        ops.assign(self.key, _hash(_hash((seed & _MASK) ^ _FIRST) ^ (step & _MASK)))
        ops.assign(self.calls, Tensor(0, ms.int32))
        ops.assign(self.rank, Tensor(rank, ms.int32))
        ops.assign(self.world, Tensor(world, ms.int32))

    def uniform(self, items: int, size: int) -> Tensor:
        """The next ``size`` values: odd multiples of 2**-25 in (-0.5,0.5), all 2**24 of them equally likely."""
        first = _hash(self.key ^ self.calls)
        second = _hash(first ^ self.key)
        ops.assign_add(self.calls, Tensor(1, ms.int32))
        words = _hash(_hash(self.places(items, size) ^ first) ^ second)
        return ops.bitwise_right_shift(words, 7).astype(ms.float32) * _UNIT - (0.5 - _UNIT / 2)

    def places(self, items: int, size: int) -> Tensor:
        """Places of ``size`` elements of ``items`` items among the elements of the whole batch."""
        length = size // items
        item = ops.arange(items).astype(ms.int32) * self.world + self.rank
        return (item.reshape(items, 1) * length + ops.arange(length).astype(ms.int32)).reshape(size)


def _hash(x: Tensor) -> Tensor:
    """A permutation of 31-bit words in which every bit of the result depends on every bit of ``x``."""
    x = x ^ ops.bitwise_right_shift(x, 16)
    x = (x * _FIRST) & _MASK
    x = x ^ ops.bitwise_right_shift(x, 15)
    x = (x * _SECOND) & _MASK
    return x ^ ops.bitwise_right_shift(x, 16)


_STREAM = _NoiseStream()
