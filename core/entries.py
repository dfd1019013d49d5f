"""The records in which plugins offer things: each has a name, a dataclass of options and a function that builds it."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, fields, replace
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Generic, Literal, TypeVar, get_args

import numpy as np

from core.interfaces import (
    Array,
    ClipSource,
    Codec,
    Device,
    IntraCodec,
    Split,
    Tables,
    Upscaler,
)
from core.options import Options, amount, option

if TYPE_CHECKING:
    from mindspore import Parameter, nn
    from mindspore.train import Metric

    from core.run import Run

C = TypeVar("C")

PATH = "path"
FilePath = Annotated[str, PATH]
"""The type of an option that names a file or a folder: it is taken as it was typed, whatever characters it has."""


@dataclass(frozen=True)
class Entry(Generic[C]):
    """A named offer of a plugin.

    ``config`` is a dataclass: at once the schema, the defaults and the command-line option ``<kind>=<name>``.
    No two entries of a kind may share a dataclass: the configuration is recognised by its type.
    """

    name: str
    config: type[C]


@dataclass(frozen=True)
class PublishedTensor:
    """Names the place of one of our parameters in a published checkpoint, and how to convert it."""

    name: str
    convert: Callable[[Array], Array] = field(default=np.asarray)


@dataclass(frozen=True)
class PublishedWeights:
    """Maps the published PyTorch checkpoint of a model to our parameters."""

    tensors: Mapping[str, PublishedTensor]
    """Our parameter name -> the published tensor. Every trainable parameter of the model has one."""

    ignored: Sequence[str] = ()
    """Regular expressions of published names that carry nothing we need (pruning masks, counters)."""


@dataclass(frozen=True)
class Plane:
    """An input of a `Part`: float32, (leading, channels, H/reduction, W/reduction) for a picture of H x W pixels.

    With a ``reduction`` of 0 it has one place, whatever the picture.
    """

    name: str
    channels: int | str
    """Their number, or the option of the network that says it; of a part's it is a number."""
    reduction: int = 1
    leading: tuple[int, ...] = (1,)

    def of(self, options: Any) -> Plane:
        """The same with its number of channels, for a network of these options."""
        number = getattr(options, self.channels) if isinstance(self.channels, str) else self.channels
        return replace(self, channels=number)

    def shape(self, height: int, width: int) -> tuple[int, ...]:
        """Its shape for a picture of this size."""
        size = (height // self.reduction, width // self.reduction) if self.reduction else (1, 1)
        return (*self.leading, int(self.channels), *size)


@dataclass(frozen=True)
class Part:
    """A piece of a network that is of use by itself, and outside of MindSpore as well."""

    name: str
    cell: nn.Cell
    inputs: Sequence[Plane]
    outputs: Sequence[str]
    multiple: int = 1
    """A picture's height and width are divisible by it."""
    pads: bool = False
    """Whether other sizes will do as well where they are known beforehand, since the network pads them."""


@dataclass(frozen=True)
class ModelEntry(Entry[C]):
    """A network. ``build`` makes the cell with fresh weights.

    ``parts`` names the pieces of a built network that ``task=export`` writes: the whole first, then those that a
    player runs by themselves. They are given the network once it has its weights.
    """

    build: Callable[[C], nn.Cell]
    published: Callable[[C], PublishedWeights] | None = None
    parts: Callable[[nn.Cell], Sequence[Part]] | None = None


@dataclass(frozen=True)
class LossEntry(Entry[C]):
    """A training loss: a cell whose inputs are what the step that uses it passes."""

    build: Callable[[C], nn.Cell]


@dataclass(frozen=True)
class DatasetEntry(Entry[C]):
    """A data set. ``build`` opens one split, or raises `core.errors.DataError` that says what is missing."""

    build: Callable[[C, Split], ClipSource]


@dataclass(frozen=True)
class MetricEntry(Entry[C]):
    """A measure of quality: a ``mindspore.train.Metric`` updated with (prediction, truth), N,3,H,W in [0,1]."""

    build: Callable[[C], Metric]
    higher_is_better: bool = True


@dataclass(frozen=True)
class DeviceEntry(Entry[C]):
    """A device. ``build`` sets the environment and MindSpore's context; nothing else of core does."""

    build: Callable[[C], Device]


@dataclass(frozen=True)
class OptimizerEntry(Entry[C]):
    """An optimizer over given parameters for a run of ``total_steps`` steps (schedules need the length)."""

    build: Callable[[C, Sequence[Parameter], int], nn.Optimizer]


@dataclass(frozen=True)
class StepEntry(Entry[C]):
    """One training step: a ``TrainOneStepCell`` over network, loss and optimizer.

    Its ``construct`` takes the data set's columns and returns the loss, or a tuple of scalars whose names
    the cell lists in ``outputs`` (the first is the loss).
    """

    build: Callable[[C, nn.Cell, nn.Cell | None, nn.Optimizer], nn.TrainOneStepCell]
    own_parameters: Callable[[nn.Cell], Collection[Parameter]] | None = None
    """Parameters of the network that the step trains by an optimizer of its own (quantiles of a prior, say)."""


Need = Literal["network", "intra", "codec", "upscaler"]
"""The things that a codec or an upscaler is built from, in the order in which ``build`` gets them after the
options."""


@dataclass(frozen=True)
class UpscalerEntry(Entry[C]):
    """A way to upscale video: by a trained network, or, where ``needs`` is empty, without one."""

    build: Callable[..., Upscaler]
    """Gets the options, then the network where it needs one."""
    needs: AbstractSet[Need] = frozenset({"network"})

    def __post_init__(self) -> None:
        _check_needs(self, self.needs, ("network",))


class Coding(Enum):
    """The use that a codec makes of the reference frame: it codes a difference to a prediction, or under a learned
    condition."""

    RESIDUAL = "residual"
    CONDITIONAL = "conditional"


class Supervision(Enum):
    """What a codec is trained for: a measured distortion, or what a discriminator or feature network sees."""

    OBJECTIVE = "objective"
    PERCEPTUAL = "perceptual"


class Direction(Enum):
    """Which frames a codec predicts from: earlier ones, or earlier and later ones."""

    UNIDIRECTIONAL = "unidirectional"
    BIDIRECTIONAL = "bidirectional"


@dataclass
class GopConfig(Options):
    """Options of all codecs: the distance of intra frames."""

    gop: int = option(12, at_least=0)
    """Distance of intra frames; 0 has one at the beginning alone."""
    bitrate: str | None = None
    """Bits in a second that task=encode is to spend, as 400k or 1.5M, of a codec whose quality can be set."""
    size: str | None = None
    """Bytes that its stream is to have, as 2M, in two passes."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.bitrate is not None and self.size is not None:
            raise ValueError("give codec.bitrate or codec.size, not both.")
        _ = self.goal  # words that are no amounts are told at once

    @property
    def goal(self) -> tuple[float | None, float | None]:
        """Bits in a second, and bytes, that are asked for; None where that is left open."""
        bitrate, size = (
            None if text is None else amount(name, text)
            for name, text in (("codec.bitrate", self.bitrate), ("codec.size", self.size))
        )
        return bitrate, size


@dataclass
class CodecConfig(GopConfig):
    """Options of codecs that are told where intra frames stand."""

    scene_cut: bool = False
    """Begin each new scene with an intra frame as well."""


K = TypeVar("K", bound=GopConfig)


@dataclass(frozen=True)
class CodecEntry(Entry[K]):
    """A way to code video into real streams, and the codec's class among others.

    A codec that needs nothing is a conventional one, a `core.interfaces.ConventionalCodec`: it sees a video as one
    group, decides by its options where intra frames stand, and tells by its fingerprint what its decoder needs.
    One that needs a ``codec`` stands where that stands, and its ``coding`` and ``supervision`` may be None.
    """

    build: Callable[..., Codec]
    """Gets the options, then what is in ``needs``, in this order: the trained ``network`` that ``model=`` chooses and
    its tables; the ``intra`` codec of frames that the network does not code, whose fingerprint goes into the stream's;
    another ``codec``; an ``upscaler``. The options name these two as those of `ResampledCodecConfig` do."""
    tables: Callable[[nn.Cell], Tables] | None = None
    """Makes the integer tables of a trained network, once: they travel with its checkpoint, and ``build`` gets them
    back from there, so that encoder and decoder have the same on every machine. Where it is None, it gets none."""
    coding: Coding | None = None
    supervision: Supervision | None = None
    direction: Direction | Callable[[K], Direction | None] = Direction.UNIDIRECTIONAL
    """Which frames it predicts from, or a function of the options; None: as the codec within."""
    needs: AbstractSet[Need] = frozenset({"network"})
    decoding: Sequence[str] = ()
    """Options that a decoder needs as well, of a codec around another one: they go into the stream's fingerprint."""

    def __post_init__(self) -> None:
        _check_needs(self, self.needs, get_args(Need))
        if "codec" not in self.needs and (self.coding is None or self.supervision is None):
            raise TypeError(f"codec '{self.name}' must state its coding and its supervision.")


NAMED_BY_OPTIONS: Mapping[Need, str] = {"codec": "inner", "upscaler": "upscaler"}
"""What a codec needs besides networks and picture codecs -> the option that names it; ``NAME_checkpoint`` and
``NAME_options`` are its checkpoint and its options."""


def _check_needs(entry: Entry[Any], needs: AbstractSet[str], known: Collection[str]) -> None:
    """Raise `TypeError` for needs that are not known, or that the options do not name."""
    if not isinstance(needs, AbstractSet) or not needs <= set(known):
        raise TypeError(f"needs of '{entry.name}' is {needs!r}; it must be a set of {', '.join(known)}.")
    for role in (NAMED_BY_OPTIONS[need] for need in NAMED_BY_OPTIONS if need in needs):
        known = {option.name for option in fields(entry.config)}
        if lacking := {role, f"{role}_checkpoint", f"{role}_options"} - known:
            raise TypeError(f"the options of '{entry.name}' lack {', '.join(sorted(lacking))}.")


@dataclass(frozen=True)
class IntraEntry(Entry[C]):
    """A picture codec, for intra frames. ``build`` loads what was learned, from a file that the options name."""

    build: Callable[[C], IntraCodec]


@dataclass(frozen=True)
class TaskEntry(Entry[C]):
    """Something the command does. ``build`` runs it and returns its score for sweeps, if it has one: higher is better.

    ``needs`` names the kinds that must be chosen for it, so that a missing one is reported while composing; ``takes``
    names those that it uses where they are chosen.
    """

    build: Callable[[C, Run], float | None]
    needs: tuple[str, ...] = ()
    takes: tuple[str, ...] = ()
    resumes: str = "The same command begins it anew."
    """A sentence on how it goes on after a stop; ``{output}`` in it becomes the folder of the run."""
    has_output: bool = False
    """Whether what it makes goes where its own options say, so that the run's folder holds no more than a log."""
    positional: tuple[str, ...] = ()
    """Keys that words without one give in turn behind the task's verb, as ``("task.input", "task.output")``."""
    verb: str = ""
    """The word for ``task=<name>`` in the short form of a command line: by default the name, with - for _."""
    decodes: str = ""
    """The option that names a stream, whose weights are looked for where no checkpoint is given."""

    @property
    def called(self) -> str:
        """Its verb."""
        return self.verb or self.name.replace("_", "-")


@dataclass(frozen=True)
class WeightsEntry:
    """Trained weights that have a name: ``task.checkpoint=<name>`` takes them.

    A checkpoint comes in the package, as ``file``; what others have published is fetched once (``url``), or by hand
    (``by_hand``), and becomes a checkpoint by what ``words`` choose. Raises TypeError for none, or two, of these.
    """

    name: str
    words: tuple[str, ...]
    """Words of a command line that choose what they are weights of: its model first, and its codec, if it has one."""
    licence: str
    recipe: str
    """The training: experiment or paper, data, hours, machine."""
    figures: str = ""
    """Measured quality, with its conditions."""
    file: Path | None = None
    """The checkpoint within the package."""
    url: str = ""
    """URL of the published file; its ending says what kind of weights it holds."""
    sha256: str = ""
    """Hexadecimal digits of the hash of what is at ``url``: all 64, or the first ones where no more are published."""
    by_hand: str = ""
    """How a person gets the published file, as words behind "fetch it from"."""
    fingerprint: str = ""
    """Fingerprint of the checkpoint, 32 hexadecimal digits, where it is known: it finds the name of a stream's
    weights."""
    default_for: Literal["codec", "upscaler"] | None = None
    """The model that they are used for where a task needs weights and none are given."""

    def __post_init__(self) -> None:
        if sum(map(bool, (self.file, self.url, self.by_hand))) != 1:
            raise TypeError(f"weights '{self.name}' come from one place: a file, a url, or by_hand.")
        if not re.fullmatch("[0-9a-f]{8,64}" if self.url else "[0-9a-f]{0,64}", self.sha256):
            raise TypeError(
                f"weights '{self.name}' need sha256, 8 to 64 hexadecimal digits, for what is at a url."
            )

    @property
    def algorithm(self) -> str:
        """The model that they are weights of."""
        return self.words[0].partition("=")[2]


KINDS: dict[str, type[Entry[Any]]] = {
    "model": ModelEntry,
    "loss": LossEntry,
    "dataset": DatasetEntry,
    "metric": MetricEntry,
    "device": DeviceEntry,
    "optimizer": OptimizerEntry,
    "step": StepEntry,
    "upscaler": UpscalerEntry,
    "codec": CodecEntry,
    "intra": IntraEntry,
    "task": TaskEntry,
}
"""Kind -> entry class."""

HOOK_OF_KIND = {kind: {"loss": "losses", "intra": "intra_codecs"}.get(kind, kind + "s") for kind in KINDS}
"""Kind -> the hook that offers it: its plural."""
