"""``task=export``: writes a network, and the parts of it that a player runs, for other runtimes."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from functools import partial
from hashlib import sha256
from importlib import util
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.backend import PORTABLE
from core.errors import ConfigError
from core.files import whole_file, write_json
from core.hooks import FilePath, ModelEntry, Part, Plane, TaskEntry
from core.progress import Meter
from core.registry import suggestion
from core.tasks.options import WritingOptions

if TYPE_CHECKING:
    from core.run import Run

log = logging.getLogger(__name__)

_RECORD = "parts.json"
Size = tuple[int, int]


class Format(Enum):
    """Formats of an exported network."""

    onnx = "onnx"
    """ONNX: for onnxruntime and most others. Pictures may have any size."""
    mindir = "mindir"
    """MindSpore's own, for MindSpore and MindSpore Lite. Pictures have one size."""


@dataclass
class ExportConfig(WritingOptions):
    """Write a trained network, and the parts of it that a player runs, for other runtimes."""

    format: Format = Format.onnx
    """Format of the files."""
    output: FilePath | None = None
    """Folder to write to; by default ``export`` in the run's folder."""
    parts: list[str] = field(default_factory=list)
    """Names of the parts to write; empty writes all of them."""
    size: str | None = None
    """Height and width of pictures, HEIGHTxWIDTH; null allows any, which mindir cannot have."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.size is None:
            if self.format is Format.mindir:
                raise ValueError("format=mindir is for one size of pictures: give size=HEIGHTxWIDTH.")
        elif not re.fullmatch(r"[1-9]\d{0,4}x[1-9]\d{0,4}", self.size):
            raise ValueError(f"size={self.size} is not HEIGHTxWIDTH, as 1088x1920.")

    @property
    def height_and_width(self) -> Size | None:
        """Height and width, if they are given."""
        if self.size is None:
            return None
        height, width = self.size.split("x")
        return int(height), int(width)


def _export(config: ExportConfig, run: Run) -> None:
    weights = config.checkpoint or run.settings.weights
    if not weights:
        raise ConfigError("no trained network is given: train one (task=train), then task.checkpoint=FILE.")
    entry = run.entry("model", ModelEntry)
    if entry.parts is None:
        raise ConfigError(f"model={entry.name} names no parts that could be exported.")
    write = _writer(config)
    folder = Path(config.output) if config.output else run.output / "export"
    _ = run.device  # sets MindSpore's context
    network = run.model(weights, PORTABLE)
    with PORTABLE:
        parts = _choose(entry.parts(network), config)
    paths = {part.name: folder / f"{part.name}.{config.format.value}" for part in parts}
    _check_free([*paths.values(), folder / _RECORD], config)
    with Meter("Exporting", len(parts)) as meter:
        for part in parts:
            with whole_file(paths[part.name]) as temporary:
                write(part, temporary)
            meter.advance()
    record = {"model": run.model_section, "weights": sha256(Path(weights).read_bytes()).hexdigest()}
    write_json(folder / _RECORD, {**record, "parts": [_describe(part, config) for part in parts]})
    log.info("%s: %s", folder, ", ".join(path.name for path in paths.values()))


def _choose(parts: Sequence[Part], config: ExportConfig) -> list[Part]:
    """The parts that are asked for; raises `ConfigError` where there is none of a name, or the size does not fit."""
    known = [part.name for part in parts]
    for name in config.parts:
        if name not in known:
            raise ConfigError(f"there is no part '{name}'{suggestion(name, known)}")
    chosen = [part for part in parts if not config.parts or part.name in config.parts]
    for part in chosen:
        if (
            config.height_and_width
            and not part.pads
            and any(length % part.multiple for length in config.height_and_width)
        ):
            raise ConfigError(
                f"task.size={config.size} does not fit: both must be multiples of {part.multiple}."
            )
    return chosen


def _check_free(paths: Sequence[Path], config: ExportConfig) -> None:
    for path in paths:
        if path.exists() and not config.overwrite:
            raise ConfigError(f"{path} exists: give another task.output, or task.overwrite=true.")


def _writer(config: ExportConfig) -> Callable[[Part, Path], None]:
    """Writes a part into a file."""
    if config.format is Format.mindir:
        return partial(_write_mindir, config)
    if util.find_spec("onnx") is None:
        raise ConfigError(
            "ONNX needs the package onnx: pip install 'mindvideo[onnx]', or task.format=mindir."
        )
    return partial(_write_onnx, config)


def _write_mindir(config: ExportConfig, part: Part, path: Path) -> None:
    from core.export.mindir import export

    assert config.height_and_width
    export(part.cell, [plane.shape(*config.height_and_width) for plane in part.inputs], path)


def _write_onnx(config: ExportConfig, part: Part, path: Path) -> None:
    import onnx

    from core.export.parts import at_any_size, at_size

    model = at_size(part, config.height_and_width) if config.height_and_width else at_any_size(part)
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, path)


def _describe(part: Part, config: ExportConfig) -> dict[str, Any]:
    """The description of a part for a player."""
    inputs = [
        {"name": plane.name, "shape": [*plane.leading, plane.channels, *_size(plane, config)]}
        for plane in part.inputs
    ]
    return {
        "name": part.name,
        "file": f"{part.name}.{config.format.value}",
        "inputs": inputs,
        "outputs": list(part.outputs),
        "multiple": part.multiple,
    }


def _size(plane: Plane, config: ExportConfig) -> list[int | str]:
    if plane.reduction == 0:
        return [1, 1]
    if config.height_and_width:
        return [length // plane.reduction for length in config.height_and_width]
    over = f"/{plane.reduction}" if plane.reduction > 1 else ""
    return [f"height{over}", f"width{over}"]


EXPORT = TaskEntry(
    "export", ExportConfig, _export, needs=("model", "device"), positional=("task.checkpoint", "task.output")
)
