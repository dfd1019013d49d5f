"""Names of CompressAI's checkpoints, and of ours; the layouts are the same but for the order of means and scales."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from core.hooks import Array, PublishedTensor, PublishedWeights

from .config import Cheng2020Config

Names = Iterator[tuple[str, str]]
"""Pairs of our name and the published one."""


def published(config: Cheng2020Config) -> PublishedWeights:
    """How a checkpoint of CompressAI's ``cheng2020-anchor`` maps to a `Cheng2020` of any width."""
    tensors = {ours: PublishedTensor(theirs) for ours, theirs in _names()}
    for ours, theirs in _layer("prior.parameters_of.4", "entropy_parameters.4"):
        tensors[ours] = PublishedTensor(theirs, _means_first)
    return PublishedWeights(
        tensors,
        ignored=(
            r"\._(offset|quantized_cdf|cdf_length)$",
            r"\.(target|bound|pedestal|scale_table|scale_bound|mask)$",
        ),
    )


def _means_first(array: Array) -> Array:
    """Published are scales, then means."""
    return np.roll(array, len(array) // 2, 0)


def _names() -> Names:
    for index in range(6):
        kind = _residual if index % 2 else _reducing
        yield from kind(f"analysis.{index}", f"g_a.{index}")
    yield from _layer("analysis.6", "g_a.6")
    for index in range(7):
        kind = _enlarging if index % 2 else _residual
        yield from kind(f"synthesis.{index}", f"g_s.{index}")
    yield from _layer("synthesis.7", "g_s.7.0")
    for index in range(0, 10, 2):
        yield from _layer(f"prior.analysis.{index}", f"h_a.{index}")
    for ours, theirs in ((0, "0"), (2, "2.0"), (5, "4"), (7, "6.0"), (10, "8")):
        yield from _layer(f"prior.synthesis.{ours}", f"h_s.{theirs}")
    for name, count in (("matrices", 5), ("biases", 5), ("factors", 4)):
        for index in range(count):
            yield f"prior.prior.{name}.{index}", f"entropy_bottleneck.{name}.{index}"
    yield "prior.prior.quantiles", "entropy_bottleneck.quantiles"
    yield from _layer("prior.context", "context_prediction")
    for index in (0, 2):
        yield from _layer(f"prior.parameters_of.{index}", f"entropy_parameters.{index}")


def _residual(ours: str, theirs: str) -> Names:
    for conv in ("conv1", "conv2"):
        yield from _layer(f"{ours}.{conv}", f"{theirs}.{conv}")


def _reducing(ours: str, theirs: str) -> Names:
    yield from _residual(ours, theirs)
    yield from _layer(f"{ours}.skip", f"{theirs}.skip")
    for part in ("beta", "gamma"):
        yield f"{ours}.norm.{part}", f"{theirs}.gdn.{part}"


def _enlarging(ours: str, theirs: str) -> Names:
    yield from _layer(f"{ours}.enlarge", f"{theirs}.subpel_conv.0")
    yield from _layer(f"{ours}.conv", f"{theirs}.conv")
    yield from _layer(f"{ours}.skip", f"{theirs}.upsample.0")
    for part in ("beta", "gamma"):
        yield f"{ours}.norm.{part}", f"{theirs}.igdn.{part}"


def _layer(ours: str, theirs: str) -> Names:
    for part in ("weight", "bias"):
        yield f"{ours}.{part}", f"{theirs}.{part}"
