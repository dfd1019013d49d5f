"""The kinds of trials, by name."""

from __future__ import annotations

from . import commands, kernels, planted, records, streams, videos, weights
from .base import Kind, Skipped

_MODULES = (streams, videos, weights, records, kernels, commands)
ALL: dict[str, type[Kind]] = {kind.name: kind for module in _MODULES for kind in module.KINDS}
"""What is tried of the product."""
PLANTED: dict[str, type[Kind]] = {kind.name: kind for kind in planted.KINDS}
"""Faults made on purpose, by which the harness is tried."""
KINDS = {**ALL, **PLANTED}

__all__ = ["ALL", "KINDS", "PLANTED", "Kind", "Skipped"]
