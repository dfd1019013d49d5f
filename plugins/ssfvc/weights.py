"""Names of the published PyTorch checkpoint, and of ours; the layouts are the same."""

from __future__ import annotations

from collections.abc import Iterator

from core.hooks import PublishedTensor, PublishedWeights

from .config import SsfvcConfig

Names = Iterator[tuple[str, str]]
"""Pairs of our name and the published one."""

_PARTS = {"image": "img", "motion": "motion", "residual": "res"}


def published(config: SsfvcConfig) -> PublishedWeights:
    """How a checkpoint of CompressAI's ``ssf2020`` maps to a `ScaleSpaceFlow` of any widths."""
    tensors = {ours: PublishedTensor(theirs) for ours, theirs in _names()}
    return PublishedWeights(
        tensors,
        ignored=(r"\._(offset|quantized_cdf|cdf_length)$", r"\.(target|bound|scale_table|scale_bound)$"),
    )


def _names() -> Names:
    for ours, theirs in _PARTS.items():
        yield from _layers(f"{ours}.analysis", f"{theirs}_encoder", (0, 2, 4, 6))
        yield from _layers(f"{ours}.synthesis", f"{theirs}_decoder", (0, 2, 4, 6))
        yield from _hyperprior(f"{ours}.hyperprior", f"{theirs}_hyperprior")


def _hyperprior(ours: str, theirs: str) -> Names:
    yield from _layers(f"{ours}.analysis", f"{theirs}.hyper_encoder", (0, 2, 4))
    yield from _layers(f"{ours}.mean_synthesis", f"{theirs}.hyper_decoder_mean", (0, 2, 4))
    for number, index in enumerate((0, 2, 4), 1):
        yield from _layer(f"{ours}.scale_synthesis.{index}", f"{theirs}.hyper_decoder_scale.deconv{number}")
    for name, count in (("matrices", 5), ("biases", 5), ("factors", 4)):
        for i in range(count):
            yield f"{ours}.prior.{name}.{i}", f"{theirs}.entropy_bottleneck.{name}.{i}"
    yield f"{ours}.prior.quantiles", f"{theirs}.entropy_bottleneck.quantiles"


def _layers(ours: str, theirs: str, indices: tuple[int, ...]) -> Names:
    for index in indices:
        yield from _layer(f"{ours}.{index}", f"{theirs}.{index}")


def _layer(ours: str, theirs: str) -> Names:
    for part in ("weight", "bias"):
        yield f"{ours}.{part}", f"{theirs}.{part}"
