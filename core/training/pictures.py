"""Learned picture codecs, out of the checkpoints of their networks."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from mindspore import nn

from core.codec.learned import LearnedIntra
from core.codec.predictive import PictureCodec
from core.hooks import CodecConfig, GopConfig, Tables
from core.training.checkpoint import Checkpoint

C = TypeVar("C")


def learned_intra(
    path: str,
    model: str,
    options: type[C],
    network: Callable[[C], nn.Cell],
    codec: Callable[[Any, Any, Tables], PictureCodec],
    coding: GopConfig | None = None,
) -> LearnedIntra:
    """The picture codec of a checkpoint of a ``model``, whose ``network`` a ``codec`` has code frames by themselves.

    ``coding`` are the codec's options, where it has any.

    Raises `CheckpointError` for a checkpoint of another model, or without tables.
    """
    checkpoint = Checkpoint.open(Path(path))
    built = network(checkpoint.options(model, options))
    checkpoint.load_into(built)
    return LearnedIntra(codec(coding or CodecConfig(), built, checkpoint.tables), checkpoint.fingerprint)
