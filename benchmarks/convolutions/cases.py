"""The convolutions that are measured."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

PICTURES = 4
"""Convolutions of one call."""
Tensors = tuple[Any, ...]
Call = Callable[[], Tensors]


@dataclass(frozen=True)
class Case:
    """A convolution of one picture, padded so that it keeps its size up to the stride."""

    inputs: int
    outputs: int
    kernel: int
    stride: int = 1
    size: int = 64
    groups: int = 1
    dilation: int = 1
    transposed: bool = False

    def __str__(self) -> str:
        kind = "transposed " if self.transposed else "depthwise " if self.groups > 1 else ""
        spread = f" d{self.dilation}" if self.dilation > 1 else ""
        return f"{kind}{self.kernel}x{self.kernel} s{self.stride}{spread} {self.inputs}->{self.outputs} at {self.size}"

    @property
    def padding(self) -> tuple[int, int]:
        """Before and after each axis."""
        if self.transposed:
            before = (self.kernel - 1) // 2
            return before, self.kernel - self.stride - before
        return (self.dilation * (self.kernel // 2),) * 2

    def arrays(self) -> list[np.ndarray]:
        """Pictures, weight, bias, and gradients of the results."""
        rng = np.random.default_rng(0)
        pair = (self.inputs, self.outputs) if self.transposed else (self.outputs, self.inputs)
        scale = self.stride if self.transposed else 1 / self.stride
        after = round(self.size * scale)
        shapes = (
            (PICTURES, 1, self.inputs, self.size, self.size),
            (pair[0], pair[1] // self.groups, self.kernel, self.kernel),
            (self.outputs,),
            (PICTURES, 1, self.outputs, after, after),
        )
        return [rng.standard_normal(shape, np.float32) for shape in shapes]


CASES = [
    Case(64, 64, 1),
    Case(64, 64, 3),
    Case(64, 64, 3, 2),
    Case(64, 64, 5),
    Case(64, 64, 5, 2),
    Case(8, 32, 7),
    Case(3, 64, 3),
    Case(64, 3, 3),
    Case(64, 64, 3, groups=64),
    Case(64, 64, 3, dilation=2),
    Case(64, 64, 5, 2, 32, transposed=True),
    Case(64, 64, 4, 2, 32, transposed=True),
    Case(64, 64, 6, 2, 32, transposed=True),
    Case(3, 128, 5, 2, 128),
    Case(128, 128, 5, 2, 128),
    Case(128, 128, 5, 2, 64),
    Case(128, 128, 5, 2, 32, transposed=True),
    Case(128, 128, 5, 2, 64, transposed=True),
    Case(128, 3, 5, 2, 64, transposed=True),
]
