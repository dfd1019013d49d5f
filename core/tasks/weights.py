"""``task=weights``: lists the trained weights that have names, and gets those that are not here."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from rich.table import Table

from core import weights
from core.console import console
from core.errors import CheckpointError, ConfigError
from core.hooks import TaskEntry, WeightsEntry
from core.implied import settings_of
from core.options import Options
from core.registry import suggestion
from core.words import word

if TYPE_CHECKING:
    from core.run import Run

log = logging.getLogger(__name__)

ENDINGS = (".pth", ".pth.tar", ".pt", ".ckpt", ".npz", ".safetensors")
"""Endings of published weights that are read."""


class Action(Enum):
    """Actions of the task."""

    list = "list"
    """Show all weights that have names."""
    get = "get"
    """Fetch the weights called ``name``, make a checkpoint of them and keep it."""


@dataclass
class WeightsConfig(Options):
    """List the trained weights that have names, or get those of one name; task.checkpoint=NAME takes them."""

    action: Action = Action.list
    """The action."""
    name: str | None = None
    """Whose weights to get."""


def _weights(config: WeightsConfig, run: Run) -> None:
    if config.action is Action.list:
        _list(run)
        return
    known = run.registry.weights()
    if config.name not in known:
        wanted = f"there are no weights '{config.name}'" if config.name else "no name is given"
        raise ConfigError(f"{wanted}{suggestion(config.name or '', known)}.")
    entry = known[config.name]
    path = weights.place(entry)
    if not path.exists():
        _get(entry, path, run)
    log.info("%s: %s", entry.name, path)


def _list(run: Run) -> None:
    """Print all weights: those that are here with their size, the others with how they are got."""
    table = Table(title="Weights that have names: task.checkpoint=NAME", title_justify="left")
    for column in ("Name", "Here", "Quality", "Of what, how trained, licence"):
        table.add_column(column, no_wrap=column == "Name")
    for entry in sorted(run.registry.weights().values(), key=lambda entry: entry.file is None):
        path = weights.place(entry)
        here = f"{path.stat().st_size / 1e6:.1f} MB" if path.exists() else _elsewhere(entry)
        told = f"model={entry.algorithm}; {entry.recipe}; {entry.licence}"
        table.add_row(entry.name, here, entry.figures or "not measured", told)
    console().print(table)


def _elsewhere(entry: WeightsEntry) -> str:
    if entry.file:
        return "NOT in its package"
    return "weights get" if entry.url else "by hand"


def _get(entry: WeightsEntry, path: Path, run: Run) -> None:
    """Fetch the weights of an entry and make its checkpoint; raises a `MindvideoError` where that cannot be."""
    from core.training.checkpoint import Checkpoint, is_ours

    if entry.file:
        raise CheckpointError(f"{path} is missing: install the plugin that brings it again.")
    source = _download(entry) if entry.url else _by_hand(entry)
    if is_ours(source):
        replace(Checkpoint.open(source), path=path).save()
    else:
        _convert(entry, source, path, run)
    if entry.fingerprint and Checkpoint.open(path).fingerprint.hex() != entry.fingerprint:
        path.unlink()
        raise CheckpointError(
            f"{source} are not the weights '{entry.name}': their fingerprint is another one."
        )
    if entry.url:
        source.unlink()


def _download(entry: WeightsEntry) -> Path:
    """The published file of an entry, under a name of ours."""
    from core.download import download

    ending = _ending(urlsplit(entry.url).path)
    if ending in (".pth", ".pt"):
        _require_torch(entry)
    target = weights.folder() / f"{entry.name}-published{ending}"
    download(entry.url, target, entry.sha256)
    return target


def _by_hand(entry: WeightsEntry) -> Path:
    """The published file of an entry, where somebody has put it."""
    folders = (Path(), weights.folder())
    found = (folder / f"{entry.name}-published{ending}" for folder in folders for ending in ENDINGS)
    path = next((path for path in found if path.is_file()), None)
    if path is None:
        raise CheckpointError(
            f"the weights '{entry.name}' cannot be fetched by a program: fetch them from {entry.by_hand}, call the "
            f"file {entry.name}-published.pth (or as it ends), and give the same command in its folder."
        )
    return path


def _ending(name: str) -> str:
    """The ending by which `core.training.weights` knows a file."""
    found = next((ending for ending in ENDINGS if name.endswith(ending)), "")
    return ".pth" if found == ".pth.tar" else found


def _require_torch(entry: WeightsEntry) -> None:
    """Raise `ConfigError` before anything is fetched that could not be read."""
    from importlib.util import find_spec

    if find_spec("torch") is None:
        raise ConfigError(
            f"the weights '{entry.name}' are a PyTorch file, which needs PyTorch once: pip install 'mindvideo[torch]'."
        )


def _convert(entry: WeightsEntry, source: Path, path: Path, run: Run) -> None:
    """Make a checkpoint of published weights by the task that imports them."""
    from core.run import Run as AnyRun

    words = [
        *("experiment=none", "task=import_weights", *entry.words),
        *(word("task.input", str(source)), word("task.output", str(path))),
    ]
    AnyRun(settings_of(words, run.registry), run.registry, run.output, words).execute()


WEIGHTS = TaskEntry(
    "weights", WeightsConfig, _weights, has_output=True, positional=("task.action", "task.name")
)
