"""Names of the published PyTorch checkpoint, and of ours; the layouts are the same."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from core.codec import ContextOrder, visible
from core.errors import CheckpointError
from core.hooks import Array, PublishedTensor, PublishedWeights
from core.nn import SPYNET_LEVELS

from .config import DcvcConfig
from .transforms import CONTEXT_KERNEL

Names = Iterator[tuple[str, str]]
"""Pairs of our name and the published one."""


def published(config: DcvcConfig) -> PublishedWeights:
    """How a checkpoint of the authors' PyTorch code maps to a `Dcvc` of any widths.

    Raises `CheckpointError` for a network that has no published weights.
    """
    if config.portable:
        raise CheckpointError(
            "Published weights have a temporal prior: import them with model.portable=false."
        )
    if config.context is not ContextOrder.raster:
        raise CheckpointError("Published weights are for model.context=raster: import them with this option.")
    tensors = {ours: PublishedTensor(theirs) for ours, theirs in _names()}
    for ours, theirs in (("motion", "auto_regressive_mv"), ("contextual", "auto_regressive")):
        tensors[f"{ours}.prior.context.weight"] = PublishedTensor(f"{theirs}.weight", _mask)
    return PublishedWeights(tensors, ignored=(r"^auto_regressive(_mv)?\.mask$",))


def _mask(weight: Array) -> Array:
    """The taps that count; in a checkpoint that was never run the others are not zero."""
    return np.where(visible(ContextOrder.raster, CONTEXT_KERNEL), weight, np.float32(0))


def _names() -> Names:
    for coder, suffix, name in (("motion", "_mv", "mv"), ("contextual", "", "")):
        yield from _factorised(f"{coder}.prior.prior", f"bitEstimator_z{suffix}")
        yield from _chain(f"{coder}.prior.analysis", f"{name}priorEncoder", (0, 2, 4))
        yield from _chain(f"{coder}.prior.synthesis", f"{name}priorDecoder", (0, 2, 4))
        yield from _layer(f"{coder}.prior.context", f"auto_regressive{suffix}")
        yield from _chain(f"{coder}.prior.parameters_of", f"entropy_parameters{suffix}", (0, 2, 4))
    for level in range(SPYNET_LEVELS):
        for number in range(5):
            theirs = f"opticFlow.moduleBasic.{level}.conv{number + 1}"
            yield from _layer(f"spynet.levels.{level}.residual.{2 * number}", theirs)
    yield from _chain("motion.analysis", "mvEncoder", (0, 2, 4, 6), normalised=(1, 3, 5))
    yield from _chain("motion.synthesis", "mvDecoder_part1", (0, 2, 4, 6), normalised=(1, 3, 5))
    yield from _chain("motion.refinement", "mvDecoder_part2", range(0, 13, 2))
    yield from _chain("features", "feature_extract", (0,), blocks=(1,))
    yield from _chain("context_refinement", "context_refine", (1,), blocks=(0,))
    yield from _content()


def _content() -> Names:
    ours, theirs = "contextual.analysis", "contextualEncoder"
    yield from _chain(ours, theirs, (0, 3, 6, 8), normalised=(1, 4, 7))
    for block in (2, 5):
        yield from _leaky_block(f"{ours}.{block}", f"{theirs}.{block}")
    ours, theirs = "contextual.synthesis", "contextualDecoder_part1"
    # Here each enlargement is two cells of ours and one of theirs.
    for own, published_number in ((0, 0), (3, 2), (7, 5), (11, 8)):
        yield from _layer(f"{ours}.{own}", f"{theirs}.{published_number}.0")
    for own, published_number in ((2, 1), (5, 3), (9, 6)):
        yield from _normalisation(f"{ours}.{own}", f"{theirs}.{published_number}")
    for own, published_number in ((6, 4), (10, 7)):
        yield from _leaky_block(f"{ours}.{own}", f"{theirs}.{published_number}")
    yield from _chain("contextual.generation", "contextualDecoder_part2", (0, 3), blocks=(1, 2))
    yield from _chain("contextual.temporal", "temporalPriorEncoder", (0, 2, 4, 6), normalised=(1, 3, 5))


def _chain(
    ours: str,
    theirs: str,
    layers: Sequence[int],
    normalised: Sequence[int] = (),
    blocks: Sequence[int] = (),
) -> Names:
    """Parts that have the same numbers in both."""
    for number in layers:
        yield from _layer(f"{ours}.{number}", f"{theirs}.{number}")
    for number in normalised:
        yield from _normalisation(f"{ours}.{number}", f"{theirs}.{number}")
    for number in blocks:
        for conv in ("conv1", "conv2"):
            yield from _layer(f"{ours}.{number}.{conv}", f"{theirs}.{number}.{conv}")


def _leaky_block(ours: str, theirs: str) -> Names:
    for conv, number in (("conv1", 0), ("conv2", 2)):
        yield from _layer(f"{ours}.{conv}", f"{theirs}.conv.{number}")


def _normalisation(ours: str, theirs: str) -> Names:
    for part in ("beta", "gamma"):
        yield f"{ours}.{part}", f"{theirs}.{part}"


def _factorised(ours: str, theirs: str) -> Names:
    for step in ("f1", "f2", "f3", "f4"):
        for part in ("h", "b") if step == "f4" else ("h", "b", "a"):
            yield f"{ours}.{step}.{part}", f"{theirs}.{step}.{part}"


def _layer(ours: str, theirs: str) -> Names:
    for part in ("weight", "bias"):
        yield f"{ours}.{part}", f"{theirs}.{part}"
