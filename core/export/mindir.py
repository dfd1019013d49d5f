"""A network as the graph that MindSpore exports (MindIR), read into plain records."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import mindspore as ms
import numpy as np
from mindspore import Tensor, nn
from mindspore.train import mind_ir_pb2
from numpy.typing import NDArray

from core.nn.portable import portable_operators

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Spec:
    """Type and shape of a tensor."""

    dtype: np.dtype[Any]
    shape: Shape


@dataclass(frozen=True)
class Constant:
    """A value that stands in the graph: an array, a number, a text, nothing, or a tuple of such."""

    name: str
    value: Any


@dataclass(frozen=True)
class Node:
    """One operator. Its result is a tensor or, where there are several, a tuple."""

    name: str
    operator: str
    inputs: tuple[str, ...]
    attributes: dict[str, Any] = field(repr=False)
    specs: tuple[Spec, ...]
    """Of the results that are tensors."""
    place: str
    """The cell that it belongs to."""


@dataclass(frozen=True)
class Graph:
    """A whole network, in an order in which it can be computed."""

    inputs: dict[str, Spec]
    parameters: dict[str, NDArray[Any]]
    steps: list[Node | Constant]
    outputs: tuple[str, ...]


class _Whole(nn.Cell):
    """A cell with the network that it works for as its child: exports write the parameters of children alone."""

    def __init__(self, cell: nn.Cell) -> None:
        super().__init__(auto_prefix=False)
        self.cell = cell
        self.network = getattr(cell, "network", cell)
        self.set_train(False)

    def construct(self, *inputs: Tensor) -> Any:
        return self.cell(*inputs)
