"""Chains of convolutions: what encoders and decoders are mostly made of."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Protocol, runtime_checkable

from mindspore import Tensor, nn, ops

from core import backend
from core.nn.activation import LeakyReLU
from core.nn.conv import Conv2d, ConvTranspose2d


@runtime_checkable
class Fusable(Protocol):
    """A cell that can also work with the channels last."""

    def fuse(self) -> None:
        """Take and give N,H,W,C from now on; needs our kernels."""


class ConvChain(nn.SequentialCell):
    """Convolutions one after another, with activations, `Fusable` cells, or ones that work element by element between.

    N,C,H,W in and out. With our kernels each `nn.ReLU` and `LeakyReLU` is computed with the convolution before it, and
    what is handed on inside has its channels last.
    """

    def __init__(self, cells: Sequence[nn.Cell]) -> None:
        super().__init__(list(cells))
        _keep_low(cells)
        self.is_fused = backend.current().kernels is not None
        self.parts = _fuse(cells) if self.is_fused else tuple(cells)

    def construct(self, x: Tensor) -> Tensor:
        if self.is_fused:
            x = ops.transpose(x, (0, 2, 3, 1))
        for part in self.parts:
            x = part(x)
        return ops.transpose(x, (0, 3, 1, 2)) if self.is_fused else x


def _keep_low(cells: Sequence[nn.Cell]) -> None:
    """Keep bfloat16 between two convolutions with at most an activation between them."""
    convolutions = [cell for cell in cells if _slope(cell) is None]
    for cell, following in pairwise(convolutions):
        if isinstance(cell, Conv2d | ConvTranspose2d) and isinstance(following, Conv2d | ConvTranspose2d):
            cell.stay_low()


def _fuse(cells: Sequence[nn.Cell]) -> tuple[nn.Cell, ...]:
    """The cells of a chain but for the activations that the convolutions before them now compute.

    Where one convolution follows another, what is handed on may be bfloat16.
    """
    kept: list[nn.Cell] = []
    is_low = False
    for cell, following in zip(cells, [*cells[1:], None], strict=True):
        if isinstance(cell, Conv2d | ConvTranspose2d):
            is_low = cell.fuse(
                _slope(following), channels_last=True, takes_low=is_low, gives_low=cell.stays_low
            )
        elif _slope(cell) is not None and kept and isinstance(kept[-1], Conv2d | ConvTranspose2d):
            continue
        elif isinstance(cell, Fusable):
            cell.fuse()
        kept.append(cell)
    return tuple(kept)


def _slope(cell: nn.Cell | None) -> float | None:
    """Slope below zero of an activation that a convolution can compute as well."""
    if type(cell) is nn.ReLU:
        return 0.0
    return cell.slope if type(cell) is LeakyReLU else None
