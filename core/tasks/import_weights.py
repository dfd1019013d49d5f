"""``task=import_weights``: turns published PyTorch weights into a checkpoint of ours, accounting for every key."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from omegaconf import MISSING
from rich.table import Table

from core.console import console
from core.errors import CheckpointError, ConfigError
from core.hooks import Array, FilePath, ModelEntry, PublishedTensor, PublishedWeights, TaskEntry
from core.selection import codec_of
from core.tasks.options import require_free

if TYPE_CHECKING:
    from core.run import Run
    from core.training.weights import Tensors, Wanted

log = logging.getLogger(__name__)

SHOWN = 8


@dataclass
class ImportWeightsConfig:
    """Turn published PyTorch weights into a checkpoint."""

    input: FilePath = MISSING
    """Published weights: .pth, .pt or Lightning's .ckpt (these need the extra ``torch``), .npz, .safetensors, or
    MindSpore's .ckpt."""
    key: str | None = None
    """Which weights of the file, where it has several, as ``params``; by default those that have most of what the
    model needs, averages (``params_ema``, ``ema``) first."""
    output: FilePath | None = None
    """Checkpoint to write (.safetensors); by default ``checkpoints/imported.safetensors`` in the run's folder."""
    overwrite: bool = False
    """Replace an output that exists."""


@dataclass(frozen=True)
class Account:
    """What became of every key of the file."""

    used: list[str]
    missing: list[str]
    left_over: list[str]
    ignored: list[str]


def _import(config: ImportWeightsConfig, run: Run) -> None:
    from core.training.checkpoint import MODEL, Checkpoint, assign, wanted_by
    from core.training.weights import Wanted, require_finite

    entry = run.entry("model", ModelEntry)
    if entry.published is None:
        raise ConfigError(f"model={entry.name} has no published weights to import.")
    output = Path(config.output) if config.output else run.output / "checkpoints" / "imported.safetensors"
    if output.suffix != ".safetensors":
        raise ConfigError(f"task.output={output} does not end in .safetensors, as checkpoints do.")
    path, published = Path(config.input), entry.published(run.settings.model)
    if config.output and os.path.lexists(output):
        require_free(output, config.overwrite, "task.output", path)
    network = run.model()
    wanted = Wanted(
        frozenset(tensor.name for tensor in published.tensors.values()), wanted_by(network).parameters
    )
    tensors, account = translate(published, read_state_dict(path, config.key, wanted))
    _print(account, path)
    if account.missing:
        raise CheckpointError(
            f"{path} lacks {len(account.missing)} tensors that model={entry.name} with these options has "
            f"(first: {account.missing[0]}): check the model's options against the checkpoint."
        )
    require_finite({published.tensors[ours].name: value for ours, value in tensors.items()}, path)
    assign(network, tensors, path)
    named = {MODEL + name: value for name, value in tensors.items()}
    checkpoint = Checkpoint(output, named, run.model_section, run.model_plugin, {}, run.made_for)
    if run.settings.codec is not None:
        checkpoint = checkpoint.with_tables(codec_of(run).tables_of(network))
    checkpoint.save()
    log.info("Checkpoint: %s", output)


def translate(published: PublishedWeights, state: Mapping[str, Any]) -> tuple[Tensors, Account]:
    """Our tensors by our names, and what became of every published key.

    Raises `CheckpointError` for a tensor that is of another size than the model's.
    """
    tensors = {
        ours: _convert(tensor, state[tensor.name])
        for ours, tensor in published.tensors.items()
        if tensor.name in state
    }
    wanted = {tensor.name for tensor in published.tensors.values()}
    ignored = [k for k in state if k not in wanted and any(re.search(p, k) for p in published.ignored)]
    return tensors, Account(
        used=sorted(wanted & state.keys()),
        missing=sorted(wanted - state.keys()),
        left_over=sorted(state.keys() - wanted - set(ignored)),
        ignored=sorted(ignored),
    )


def _convert(tensor: PublishedTensor, value: Array) -> Array:
    try:
        return tensor.convert(value)
    except (ValueError, IndexError, TypeError):
        sizes = "x".join(map(str, np.shape(value))) or "1"
        raise CheckpointError(
            f"the tensor '{tensor.name}' is of size {sizes}, which the model has no place for: check the model's "
            "options against the checkpoint."
        ) from None


def read_state_dict(path: Path, key: str | None = None, wanted: Wanted | None = None) -> Tensors:
    """Named arrays of a published file, as `core.training.weights.read_weights` finds them."""
    from core.training.checkpoint import is_ours
    from core.training.weights import NOTHING, read_weights

    if path.is_file() and is_ours(path):
        raise CheckpointError(f"{path} is a checkpoint of mindvideo already: give it as weights={path}.")
    return read_weights(path, key, wanted or NOTHING)


def _print(account: Account, path: Path) -> None:
    table = Table(title=f"Keys of {path}", title_justify="left")
    table.add_column("What became of them")
    table.add_column("Number", justify="right")
    table.add_column("Which")
    for what, keys in (
        ("used", account.used),
        ("missing", account.missing),
        ("left over", account.left_over),
        ("ignored (nothing we need)", account.ignored),
    ):
        shown = keys if what in ("missing", "left over") else keys[:SHOWN]
        more = f" … {len(keys) - len(shown)} more" if len(keys) > len(shown) else ""
        table.add_row(what, str(len(keys)), "\n".join(shown) + more)
    console().print(table)


IMPORT_WEIGHTS = TaskEntry(
    "import_weights",
    ImportWeightsConfig,
    _import,
    needs=("model", "device"),
    positional=("task.input", "task.output"),
)
