"""Names and layouts of the published PyTorch checkpoint, and of ours."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from core.hooks import Array, PublishedTensor, PublishedWeights

from .config import CycMuNetConfig, Format

Names = Iterator[tuple[str, str]]
"""Pairs of our name of a layer and the published one, without ``weight`` and ``bias``."""

_PREFIX = "network."
"""The published network is this part of ours, which adds the RGB side."""


def published(config: CycMuNetConfig) -> PublishedWeights:
    """How a checkpoint of the published code maps to a `VideoCycMuNet` of this configuration."""
    tensors = {}
    for ours, theirs in _layers(config):
        for part in ("weight", "bias"):
            convert = _x_before_y if theirs.endswith("conv_offset") else np.asarray
            tensors[f"{_PREFIX}{ours}.{part}"] = PublishedTensor(f"{theirs}.{part}", convert)
    return PublishedWeights(tensors, ignored=(r"__weight_mma_mask",))


def _x_before_y(rows: Array) -> Array:
    """Output rows (y, x) of every group and tap in turn -> all x, then all y."""
    pairs = rows.reshape(-1, 2, *rows.shape[1:])
    return np.concatenate((pairs[:, 1], pairs[:, 0]))


def _layers(config: CycMuNetConfig) -> Names:
    yield from _ends(config.format)
    yield from _residual_blocks("extraction.blocks", "fe.feature_extraction", config.front_blocks)
    for step in range(config.levels - 1):
        yield f"extraction.reduce.{step}", f"fe.fea_conv1s.{step}"
        yield f"extraction.refine.{step}", f"fe.fea_conv2s.{step}"
    for ours, theirs in (("from_first", "modules12"), ("from_last", "modules21")):
        for level in range(config.levels):
            yield from _alignment(f"interpolation.{ours}.levels.{level}", f"ff.{theirs}.{level}", level == 0)
    yield "interpolation.fusion", "ff.fusion"
    yield from _cycle(config.cycles)
    yield from _residual_blocks("trunk", "fr.recon_trunk", config.trunk_blocks)


def _ends(format: Format) -> Names:
    if format in (Format.rgb, Format.yuv444):
        yield "head.conv", "head.conv_first"
        yield "tail.conv", "tail.conv_last2"
        return
    yield "head.luma", "head.conv_first_y"
    yield "head.chroma", "head.conv_up"
    yield "tail.luma", "tail.conv_last_y"
    yield "tail.chroma", "tail.conv_last_uv"


def _residual_blocks(ours: str, theirs: str, count: int) -> Names:
    for index in range(count):
        for conv in ("conv1", "conv2"):
            yield f"{ours}.{index}.{conv}", f"{theirs}.{index}.{conv}"


def _alignment(ours: str, theirs: str, coarsest: bool) -> Names:
    yield f"{ours}.compare", f"{theirs}.offset_conv1"
    yield f"{ours}.refine", f"{theirs}.offset_conv3"
    yield f"{ours}.sampling.offsets", f"{theirs}.dcnpack.conv_offset"
    yield f"{ours}.sampling.mask", f"{theirs}.dcnpack.conv_mask"
    yield f"{ours}.sampling.deform", f"{theirs}.dcnpack.dcn"
    if not coarsest:
        yield f"{ours}.join_offset", f"{theirs}.offset_conv2"
        yield f"{ours}.join_aligned", f"{theirs}.fea_conv"


def _cycle(cycles: int) -> Names:
    for j in range(cycles):
        yield f"cycle.merge_low.{j}", f"mu.merge.{j}"
        yield f"cycle.merge_high.{j}", f"mu.merge1.{j}"
        for ours, theirs in (("down", "DR"), ("up", "SR"), ("down_residual", "DR1")):
            yield from _projection(f"cycle.down.{j}.{ours}", f"mu.down.{j}.{theirs}")
    for j in range(cycles + 1):
        for ours, theirs in (("up", "SR"), ("down", "DR"), ("up_residual", "SR1")):
            yield from _projection(f"cycle.up.{j}.{ours}", f"mu.up.{j}.{theirs}")
    yield "cycle.collect", "mu.conv"


def _projection(ours: str, theirs: str) -> Names:
    scales_up = theirs.rpartition(".")[2].startswith("SR")
    yield f"{ours}.mix", f"{theirs}.{'conv1x1' if scales_up else 'conv'}"
    yield f"{ours}.fusion.frame", f"{theirs}.Pro_align.conv3x3"
    yield f"{ours}.fusion.fuse", f"{theirs}.Pro_align.conv1x1"
    yield f"{ours}.fusion.update", f"{theirs}.Pro_align.conv1_3x3"
