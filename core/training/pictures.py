"""Learned picture codecs, out of the checkpoints of their networks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from core.codec.learned import LearnedIntra
from core.codec.predictive import PredictiveCodec
from core.hooks import CodecConfig, ModelEntry
from core.training.checkpoint import MODEL, Checkpoint, assign


def learned_intra(path: str | Path, model: ModelEntry[Any], codec: type[PredictiveCodec]) -> LearnedIntra:
    """The picture codec of a trained network, whose ``codec`` codes frames by themselves.

    Raises `CheckpointError` for a checkpoint of another model, or without tables.
    """
    checkpoint = Checkpoint.open(Path(path))
    network = model.build(checkpoint.options(model.name, model.config))
    assign(network, checkpoint.part(MODEL), checkpoint.path)
    return LearnedIntra(codec(CodecConfig(), network, checkpoint.tables), checkpoint.fingerprint)
