"""Pieces of a network that are compiled by themselves, as a codec or an upscaler runs them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from mindspore import Tensor, nn

from core.hooks import Plane

Computed = Callable[..., Any]
"""From tensors to what the stage gives: a tensor, or a tuple of tensors."""


class Stage(nn.Cell):
    """A piece of ``network``, which stays no child of it: MindSpore walks through all children at every call."""

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
        object.__setattr__(self, "computed", _runtime(self) if _runtime else None)

    def __call__(self, *inputs: Tensor) -> Any:
        if self.computed is None:
            return super().__call__(*inputs)
        return self.computed(*inputs)


_runtime: Callable[[Stage], Computed] | None = None


def compute_by(runtime: Callable[[Stage], Computed] | None) -> None:
    """Have another runtime compute the stages that are made from now on; None is MindSpore again."""
    global _runtime
    _runtime = runtime
