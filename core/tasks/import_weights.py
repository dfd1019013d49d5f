"""``task=import_weights``: turns published PyTorch weights into a checkpoint of ours, accounting for every key."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from omegaconf import MISSING
from rich.console import Console
from rich.table import Table

from core.errors import CheckpointError, ConfigError
from core.hooks import CodecEntry, FilePath, ModelEntry, PublishedWeights, TaskEntry

if TYPE_CHECKING:
    from mindspore import nn

    from core.run import Run
    from core.training.checkpoint import Tensors

log = logging.getLogger(__name__)

SHOWN = 8
WRAPPERS = ("state_dict", "model", "params", "net")
"""Keys under which training scripts are used to keep the state dict."""


@dataclass
class ImportWeightsConfig:
    """Turn published PyTorch weights into a checkpoint."""

    input: FilePath = MISSING
    """Published weights: .pth or .pt (needs the extra ``torch``), .npz or .safetensors."""
    output: FilePath | None = None
    """Checkpoint to write (.safetensors); by default ``checkpoints/imported.safetensors`` in the run's folder."""


@dataclass(frozen=True)
class Account:
    """What became of every key."""

    used: list[str]
    missing: list[str]
    left_over: list[str]
    ignored: list[str]


def _import(config: ImportWeightsConfig, run: Run) -> None:
    from core.training.checkpoint import MODEL, Checkpoint

    entry = run.entry("model", ModelEntry)
    if entry.published is None:
        raise ConfigError(f"model={entry.name} has no published weights to import.")
    path = Path(config.input)
    tensors, account = translate(entry.published(run.settings.model), read_state_dict(path))
    _print(account, path)
    if account.missing:
        raise CheckpointError(
            f"{path} lacks {len(account.missing)} tensors that model={entry.name} with these options has "
            f"(first: {account.missing[0]}): check the model's options against the checkpoint."
        )
    network = run.model()
    _set(network, tensors, path)
    output = Path(config.output) if config.output else run.output / "checkpoints" / "imported.safetensors"
    if output.suffix != ".safetensors":
        raise ConfigError(f"task.output={output} does not end in .safetensors, as checkpoints do.")
    named = {MODEL + name: value for name, value in tensors.items()}
    checkpoint = Checkpoint(output, named, run.model_section, run.model_plugin, {})
    if run.settings.codec is not None:
        checkpoint = checkpoint.with_tables(run.entry("codec", CodecEntry).tables(network))
    checkpoint.save()
    log.info("Checkpoint: %s", output)


def _set(network: nn.Cell, tensors: Tensors, path: Path) -> None:
    """Try the tensors on the network: sizes that do not fit are found before anything is written."""
    from core.training.checkpoint import assign

    assign(network, tensors, path)


def translate(published: PublishedWeights, state: Mapping[str, Any]) -> tuple[Tensors, Account]:
    """Our tensors by our names, and what became of every published key."""
    tensors = {
        ours: tensor.convert(state[tensor.name])
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


def read_state_dict(path: Path) -> Mapping[str, Any]:
    """Named arrays of a published file; a ``.pth`` is read with ``weights_only``, so that nothing in it runs."""
    from core.training.checkpoint import read_tensors

    if path.suffix in (".pth", ".pt"):
        return _read_torch(path)
    if path.suffix not in (".npz", ".safetensors"):
        raise CheckpointError(
            f"{path} has an unknown ending: published weights are .pth, .pt, .npz or .safetensors."
        )
    return read_tensors(path)


def _read_torch(path: Path) -> Mapping[str, Any]:
    if not path.is_file():
        raise CheckpointError(f"there is no file {path}.")
    try:
        import torch
    except ImportError:
        raise CheckpointError(
            f"{path} is a PyTorch file, and PyTorch is not installed: pip install 'mindvideo[torch]', "
            "or save the weights as .npz or .safetensors."
        ) from None
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises many kinds on files that are damaged or hold more than tensors
        first = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise CheckpointError(f"{path} cannot be read as plain weights: {first[:200]}") from None
    for key in WRAPPERS:
        if isinstance(content, dict) and isinstance(content.get(key), dict):
            content = content[key]
    if not isinstance(content, dict) or not all(torch.is_tensor(v) for v in content.values()):
        raise CheckpointError(f"{path} holds no state dict (names with tensors).")
    return {str(key).removeprefix("module."): value.float().numpy() for key, value in content.items()}


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
    Console().print(table)


IMPORT_WEIGHTS = TaskEntry("import_weights", ImportWeightsConfig, _import, needs=("model", "device"))
