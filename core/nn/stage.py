"""Pieces of a network that are compiled by themselves, as a codec or an upscaler runs them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from time import perf_counter
from typing import Any

import mindspore as ms
from mindspore import Tensor, nn

from core import backend
from core.hooks import Plane

Computed = Callable[..., Any]
"""A function from tensors to what the stage gives: a tensor, or a tuple of tensors."""


_PATIENCE = 2.0
"""Seconds of calls operator by operator after which a stage is compiled in any case."""


class Stage(nn.Cell):
    """A part of ``network``. It holds the network without registering it as a child cell, because MindSpore walks
    through all children at every call.

    It is computed by the runtime of the backend that it is made under (`core.backend`), so make it when its codec or
    upscaler is built. In graph mode it is compiled after as many calls as the backend says, or sooner where these took
    as long as a compile.
    """

    inputs: Sequence[Plane] = ()
    """The inputs of ``construct``; a stage that states them can be exported."""
    outputs: Sequence[str] = ()
    """Names of what it gives."""
    network: Any
    computed: Computed | None
    """What computes it in MindSpore's place."""
    interpreted: int
    """See `core.backend.Backend.interpreted`."""
    calls: Counter[tuple[tuple[int, ...], ...]]
    """Number of calls that were computed operator by operator, by the inputs' shapes."""
    seconds: defaultdict[tuple[tuple[int, ...], ...], float]
    """Seconds that these calls took."""

    def __init__(self, network: nn.Cell) -> None:
        super().__init__()
        object.__setattr__(self, "network", network)
        current = backend.current()
        computed = current.runtime(self) if current.runtime else None
        object.__setattr__(self, "computed", computed)
        object.__setattr__(self, "interpreted", current.interpreted)
        object.__setattr__(self, "calls", Counter())
        object.__setattr__(self, "seconds", defaultdict(float))

    def __call__(self, *inputs: Tensor) -> Any:
        if self.computed is not None:
            return self.computed(*inputs)
        shapes = tuple(tensor.shape for tensor in inputs)
        if self.calls[shapes] >= self.interpreted or self.seconds[shapes] > _PATIENCE:
            return super().__call__(*inputs)
        self.calls[shapes] += 1
        began = perf_counter()
        with executed_in(ms.PYNATIVE_MODE):
            made = super().__call__(*inputs)
            wait()
        self.seconds[shapes] += perf_counter() - began
        return made


def wait() -> None:
    """Return when all that was begun operator by operator is computed."""
    if ms.get_context("device_target") == "CPU":  # of which MindSpore's own word for it logs an error
        (Tensor(0.0) + 1).asnumpy()  # operators are computed one after another
    else:
        ms.runtime.synchronize()


@contextmanager
def executed_in(mode: int) -> Iterator[None]:
    """A mode of MindSpore, and afterwards the one before."""
    before = ms.get_context("mode")
    ms.set_context(mode=mode)
    try:
        yield
    finally:
        ms.set_context(mode=before)
