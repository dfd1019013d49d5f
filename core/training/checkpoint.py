"""Checkpoints: safetensors files of our own that check themselves, and weights from other files.

A checkpoint holds the model's parameters (``model/<name>``), the optimizer's (``state/<name>``), a trained codec's
integer tables (``tables/<name>``) and, as JSON in the file's metadata, the model section, the plugin, what else the
network was made for, where training stands and a SHA-256 over all of it. Reading one executes nothing.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar, cast

import numpy as np
from numpy.typing import NDArray
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException
from safetensors.numpy import save_file

from core.errors import CheckpointError, RecordError
from core.files import whole_file
from core.hooks import Tables
from core.records import Matching, Sha256, decode_record, parse_json
from core.training.weights import (
    Tensors,
    Wanted,
    is_torch,
    metadata_of,
    read_safetensors,
    read_weights,
    require_finite,
)

if TYPE_CHECKING:
    from mindspore import nn

FORMAT = 1
METADATA_KEY = "mindvideo"
MODEL, STATE, TABLES = "model/", "state/", "tables/"
SHOWN = 5
"""Names listed in an error before it says how many more there are."""

C = TypeVar("C")
_NO_DEFAULTS: Mapping[str, Any] = {}


Sections = dict[str, dict[str, Any]]
"""Entry and options of a kind, by the kind: ``{"codec": {"codec": NAME, OPTION: VALUE, …}}``."""


@dataclass(frozen=True)
class Description:
    """A file's metadata, as JSON."""

    format: int
    model: dict[str, Any]
    plugin: dict[str, str]
    training: dict[str, Any]
    sha256: Sha256
    made_for: Sections = field(default_factory=dict)
    """See `Checkpoint`."""
    fingerprint: Annotated[str, Matching("([0-9a-f]{32})?")] = ""
    """`Checkpoint.fingerprint`, by which a stream's weights are found among many; older files do not tell it."""

    def __post_init__(self) -> None:
        for kind, section in {"model": self.model, **self.made_for}.items():
            if not isinstance(section.get(kind), str):
                raise ValueError(f"it names no {kind}")
        if "${" in json.dumps([self.model, self.made_for]):
            raise ValueError("an option of its model is no plain value")


@dataclass(frozen=True)
class Checkpoint:
    """The content of a checkpoint file."""

    path: Path
    tensors: Tensors
    model_section: dict[str, Any]
    plugin: dict[str, str]
    training: dict[str, Any]
    """Step, best score and history, as the training wrote them; empty for imported weights."""
    made_for: Sections = field(default_factory=dict)
    """Codec, upscaler and data set that the network was trained for; what an older file does not tell is not here."""

    @classmethod
    def open(cls, path: Path) -> Checkpoint:
        """Read and check a file; raises `CheckpointError` when it is missing, damaged or not ours."""
        _refuse_torch(path)
        tensors, metadata = read_safetensors(path)
        record, said = _describe(path, metadata)
        del record["sha256"]
        if _digest(tensors, record) != said.sha256:
            raise _damage_error(path, "its content does not match its checksum")
        return cls(path, tensors, said.model, said.plugin, said.training, said.made_for)

    def save(self) -> None:
        """Write the file, whole or not at all."""
        record: dict[str, Any] = {
            "format": FORMAT,
            "model": self.model_section,
            "plugin": self.plugin,
            "training": self.training,
            "made_for": self.made_for,
            "fingerprint": self.fingerprint.hex(),
        }
        record["sha256"] = _digest(self.tensors, record)
        arrays = {name: np.asarray(value, order="C") for name, value in self.tensors.items()}
        with whole_file(self.path) as temporary:
            save_file(arrays, temporary, metadata={METADATA_KEY: json.dumps(record, sort_keys=True)})

    def part(self, prefix: str) -> Tensors:
        """The tensors under `MODEL`, `STATE` or `TABLES`, by their own names."""
        return {name[len(prefix) :]: value for name, value in self.tensors.items() if name.startswith(prefix)}

    def load_into(self, network: nn.Cell) -> None:
        """Set the parameters of the model's network; raises `CheckpointError` unless all fit."""
        assign(network, self.part(MODEL), self.path)

    def with_tables(self, tables: Tables) -> Checkpoint:
        """The same checkpoint with a codec's integer tables in place of those it had."""
        kept = {name: value for name, value in self.tensors.items() if not name.startswith(TABLES)}
        return replace(self, tensors=kept | {TABLES + name: value for name, value in tables.items()})

    @property
    def tables(self) -> Tables:
        """A codec's integer tables; raises `CheckpointError` when the checkpoint has none."""
        tables = self.part(TABLES)
        if not tables:
            raise CheckpointError(
                f"{self.path} has no coding tables, which a training writes at its end: go on with it "
                "(task=train task.resume=true output=FOLDER), or give another checkpoint."
            )
        return tables

    @cached_property
    def fingerprint(self) -> bytes:
        """16 bytes that tell what decodes a stream: the model's options, weights and tables, not its training."""
        coding = {n: v for n, v in self.tensors.items() if n.startswith((MODEL, TABLES))}
        return bytes.fromhex(_digest(coding, self.model_section))[:16]

    @property
    def parameters(self) -> int:
        """Numbers in the model."""
        return sum(int(value.size) for value in self.part(MODEL).values())

    def options(self, model: str, config: type[C]) -> C:
        """The model's options; raises `CheckpointError` unless it is of this model, with options that this has."""
        options = {name: value for name, value in self.model_section.items() if name != "model"}
        if self.model_section["model"] != model:
            theirs = " ".join(_override(name, value) for name, value in self.model_section.items())
            raise CheckpointError(
                f"{self.path} was made for {theirs}; a checkpoint of model={model} is needed."
            )
        try:
            return cast(C, OmegaConf.to_object(OmegaConf.merge(OmegaConf.structured(config), options)))
        except (OmegaConfBaseException, ValueError) as error:
            raise CheckpointError(
                f"{self.path} was made for model={model} with options that this version does not take "
                f"({str(error).splitlines()[0]}); train it anew, or use the version that made it."
            ) from None

    def require_model(self, section: Mapping[str, Any], defaults: Mapping[str, Any] = _NO_DEFAULTS) -> None:
        """Raise `CheckpointError`, showing both, unless the checkpoint was made for this model section.

        An option that the checkpoint does not know came later: its value is that of ``defaults``.
        """
        same_model = self.model_section.get("model") == section.get("model")
        made_for = {**(defaults if same_model else {}), **self.model_section}
        keys = [k for k in {**section, **made_for} if section.get(k) != made_for.get(k)]
        if not keys:
            return
        theirs = " ".join(_override(key, made_for.get(key)) for key in keys)
        ours = " ".join(_override(key, section.get(key)) for key in keys)
        raise CheckpointError(
            f"{self.path} was made for another model: it has {theirs}, the settings have {ours}; "
            "give the checkpoint's settings, or another checkpoint."
        )


def _override(key: str, value: Any) -> str:
    return f"model={value}" if key == "model" else f"model.{key}={value}"


def load_weights(
    network: nn.Cell, path: Path, model_section: Mapping[str, Any], defaults: Mapping[str, Any] = _NO_DEFAULTS
) -> None:
    """Set a network's parameters from a file: ours, or a .safetensors, .npz or MindSpore .ckpt with our names.

    ``defaults`` are those of the model's options, as `Checkpoint.require_model` takes them.
    Raises `CheckpointError` when the file is missing, damaged, does not fit the network, or holds what is no number.
    """
    _refuse_torch(path)
    if is_ours(path):
        checkpoint = Checkpoint.open(path)
        checkpoint.require_model(model_section, defaults)
        checkpoint.load_into(network)
        return
    tensors = read_weights(path, wanted=wanted_by(network))
    require_finite(tensors, path)
    assign(network, tensors, path)


def _refuse_torch(path: Path) -> None:
    if is_torch(path):
        raise CheckpointError(
            f"{path} is a PyTorch file: turn it into a checkpoint with task=import_weights task.input={path}."
        )


def describe(path: Path) -> Description:
    """What a checkpoint says of itself, without its tensors, which are not checked; raises as `Checkpoint.open`."""
    _refuse_torch(path)
    return _describe(path, metadata_of(path))[1]


def _describe(path: Path, metadata: Mapping[str, str]) -> tuple[dict[str, Any], Description]:
    if METADATA_KEY not in metadata:
        raise CheckpointError(f"{path} is a safetensors file, but not a checkpoint of mindvideo.")
    try:
        record = parse_json(metadata[METADATA_KEY])
        if isinstance(record, dict) and (made_as := record.get("format", FORMAT)) != FORMAT:
            raise CheckpointError(
                f"{path} has checkpoint format {made_as!r:.40}; this mindvideo reads format {FORMAT}."
            )
        return record, decode_record(Description, record)
    except RecordError as error:
        raise _damage_error(path, f"its description is unreadable ({error})") from None


def is_ours(path: Path) -> bool:
    """Whether a file is a checkpoint of mindvideo, sound or not."""
    return path.suffix == ".safetensors" and METADATA_KEY in metadata_of(path)


def wanted_by(network: nn.Cell) -> Wanted:
    """The tensors that a network needs of a file that has its own names."""
    parameters = list(network.get_parameters())
    return Wanted(frozenset(p.name for p in parameters), sum(p.size for p in parameters))


def assign(network: nn.Cell, tensors: Mapping[str, NDArray[Any]], path: Path) -> None:
    """Set every parameter of a cell from named arrays; all must fit, or nothing is changed."""
    from mindspore import Tensor

    parameters = {p.name: p for p in network.get_parameters()}
    missing = sorted(parameters.keys() - tensors.keys())
    extra = sorted(tensors.keys() - parameters.keys())
    wrong = [n for n in parameters.keys() & tensors.keys() if parameters[n].shape != tensors[n].shape]
    if missing or extra or wrong:
        faults = [("lacks", missing), ("has no place for", extra), ("has other sizes for", sorted(wrong))]
        told = "; ".join(f"{what} {_some(names)}" for what, names in faults if names)
        raise CheckpointError(f"{path} does not fit the network: it {told}.")
    for name, parameter in parameters.items():
        parameter.set_data(Tensor(np.asarray(tensors[name], order="C"), parameter.dtype))


def tensors_of(cell: nn.Cell, prefix: str, without: frozenset[str] = frozenset()) -> Tensors:
    """A cell's parameters as arrays under a prefix, except those named."""
    return {prefix + p.name: p.asnumpy().copy() for p in cell.get_parameters() if p.name not in without}


def _some(names: list[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more


def _damage_error(path: Path, why: str) -> CheckpointError:
    return CheckpointError(f"{path} is damaged: {why}; use another checkpoint of the run.")


def _digest(tensors: Mapping[str, NDArray[Any]], record: Mapping[str, Any]) -> str:
    digest = hashlib.sha256(json.dumps(record, sort_keys=True).encode())
    for name in sorted(tensors):
        value = np.asarray(tensors[name], order="C")
        digest.update(f"{name}\0{value.dtype.str}\0{value.shape}\0".encode())
        digest.update(value.data if value.size else b"")
    return digest.hexdigest()
