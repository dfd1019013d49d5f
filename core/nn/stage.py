"""Pieces of a network that are compiled by themselves, as a codec or an upscaler runs them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from mindspore import Tensor, nn

from core import backend
from core.hooks import Plane

Computed = Callable[..., Any]
"""From tensors to what the stage gives: a tensor, or a tuple of tensors."""


class Stage(nn.Cell):
    """A part of ``network``. It holds the network without registering it as a child cell, because MindSpore walks
    through all children at every call.

    It is computed by the runtime of the backend that it is made under (`core.backend`), so make it when its codec or
    upscaler is built.
    """

    inputs: Sequence[Plane] = ()
    """What ``construct`` takes; a stage that says it can be exported."""
    outputs: Sequence[str] = ()
    """Names of what it gives."""
    network: Any
    computed: Computed | None
    """What computes it in MindSpore's place."""

    def __init__(self, network: nn.Cell) -> None:
        super().__init__()
        object.__setattr__(self, "network", network)
        runtime = backend.current().runtime
        object.__setattr__(self, "computed", runtime(self) if runtime else None)

    def __call__(self, *inputs: Tensor) -> Any:
        if self.computed is None:
            return super().__call__(*inputs)
        return self.computed(*inputs)
