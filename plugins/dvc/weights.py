"""Names of the published PyTorch checkpoint, and of ours; the layouts are the same."""

from __future__ import annotations

from collections.abc import Iterator

from core.hooks import PublishedTensor, PublishedWeights
from core.nn import SPYNET_LEVELS

from .config import DvcConfig

Names = Iterator[tuple[str, str]]
"""Pairs of our name and the published one."""


def published(config: DvcConfig) -> PublishedWeights:
    """How a checkpoint of the authors' PyTorch code maps to a `Dvc` of any widths."""
    return PublishedWeights({ours: PublishedTensor(theirs) for ours, theirs in _names()})


def _names() -> Names:
    """Names in the order of the published checkpoint."""
    for level in range(SPYNET_LEVELS):
        yield from _chain(f"spynet.levels.{level}.residual", f"opticFlow.moduleBasic.{level}.conv", 5)
    yield from _chain("motion.analysis", "mvEncoder.conv", 8)
    yield from _chain("motion.synthesis", "mvDecoder.deconv", 8)
    yield from _refinement()
    yield from _chain("residual.analysis", "resEncoder.conv", 4, "resEncoder.gdn")
    yield from _chain("residual.synthesis", "resDecoder.deconv", 4, "resDecoder.igdn")
    yield from _chain("residual.hyperprior.analysis", "respriorEncoder.conv", 3)
    yield from _chain("residual.hyperprior.synthesis", "respriorDecoder.deconv", 3)
    yield from _prior("residual.hyperprior.prior", "bitEstimator_z")
    yield from _prior("motion.prior", "bitEstimator_mv")


def _refinement() -> Names:
    yield from _layer("refinement.features", "warpnet.feature_ext")
    for number in range(6):
        block = f"refinement.{'down' if number < 3 else 'up'}.{number % 3}"
        for conv in ("conv1", "conv2"):
            yield from _layer(f"{block}.{conv}", f"warpnet.conv{number}.{conv}")
    yield from _layer("refinement.last", "warpnet.conv6")


def _chain(ours: str, theirs: str, count: int, normalisation: str | None = None) -> Names:
    """Convolutions with something between each two, which may have parameters; theirs are counted from 1."""
    for number in range(count):
        yield from _layer(f"{ours}.{2 * number}", f"{theirs}{number + 1}")
        if normalisation and number < count - 1:
            for part in ("beta", "gamma"):
                yield f"{ours}.{2 * number + 1}.{part}", f"{normalisation}{number + 1}.{part}"


def _prior(ours: str, theirs: str) -> Names:
    for step in ("f1", "f2", "f3", "f4"):
        for part in ("h", "b") if step == "f4" else ("h", "b", "a"):
            yield f"{ours}.{step}.{part}", f"{theirs}.{step}.{part}"


def _layer(ours: str, theirs: str) -> Names:
    for part in ("weight", "bias"):
        yield f"{ours}.{part}", f"{theirs}.{part}"
