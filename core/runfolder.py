"""Hydra's callback that gives each run and sweep a folder, and each run a record of its words, of its own."""

from __future__ import annotations

from itertools import count
from pathlib import Path
from typing import Any

from hydra.experimental.callback import Callback
from omegaconf import DictConfig, open_dict, read_write

from core.words import word

BY_TIME = "${now:"
"""Words that make the name of a folder that the user did not choose."""


class Fresh(Callback):
    """Before Hydra writes: a folder named by the second is this start's alone, and records of earlier starts stay.

    The first start in a folder has its words in ``.hydra``, the next ones in ``.hydra-2``, ``.hydra-3`` and so on.
    """

    def on_multirun_start(self, config: DictConfig, **kwargs: Any) -> None:
        """Choose the name of a sweep's folder; jobs learn it as an override, since they compose for themselves."""
        if BY_TIME in _as_written(config.hydra.sweep, "dir"):
            folder = str(_make(Path(config.hydra.sweep.dir)))
            with read_write(config.hydra):
                config.hydra.sweep.dir = folder
                config.hydra.overrides.hydra.append(word("hydra.sweep.dir", folder))

    def on_run_start(self, config: DictConfig, **kwargs: Any) -> None:
        """Choose the names."""
        if BY_TIME in _as_written(config, "output") and _as_written(config.hydra.run, "dir") == "${output}":
            with read_write(config), open_dict(config):
                config.output = str(_make(Path(config.output)))
        record = config.hydra.output_subdir
        if record is not None:
            with read_write(config.hydra):
                config.hydra.output_subdir = _free(Path(config.hydra.run.dir), record)


def _as_written(section: DictConfig, name: str) -> str:
    """A setting as it was written, before what it refers to stands in its place."""
    return str(section._get_node(name)._value())  # type: ignore[union-attr]


def _make(folder: Path) -> Path:
    """A new folder of this name, or with a number behind it where another start was quicker."""
    for number in count(1):
        chosen = folder if number == 1 else folder.with_name(f"{folder.name}-{number}")
        try:
            chosen.mkdir(parents=True)
        except FileExistsError:
            continue
        except OSError:  # Hydra will meet it as well, and tell
            return folder
        return chosen
    raise AssertionError


def _free(folder: Path, name: str) -> str:
    numbered = (name if number == 1 else f"{name}-{number}" for number in count(1))
    return next(chosen for chosen in numbered if not (folder / chosen).exists())
