"""Writes MindSpore's operators as ONNX's, by family."""

from __future__ import annotations

from core.export.operators import convolution, pointwise, reduction, resampling, shape
from core.export.values import Table

OPERATORS: Table = {
    **pointwise.TABLE,
    **convolution.TABLE,
    **reduction.TABLE,
    **resampling.TABLE,
    **shape.TABLE,
}
"""MindSpore's name of an operator -> its translation."""
