"""The contract between core and its plugins: what a plugin may offer, and the records it offers them in.

A plugin is a module with hook implementations, named by an entry point of group ``mindvideo.plugins``.
Each hook returns *entries*: frozen records that carry a name, a dataclass of options and a function that
builds the thing from its options. Nothing here, and nothing at the top of a plugin module, imports
MindSpore: ``--help``, shell completion and configuration errors must be fast.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, IntEnum
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

import numpy as np
import pluggy
from numpy.typing import NDArray

if TYPE_CHECKING:
    from mindspore import Parameter, nn
    from mindspore.train import Callback, Metric

    from core.run import Run

PROJECT = "mindvideo"
HOOK_API = 1
"""Version of this contract. A plugin module states the one it was written for as ``HOOK_API = 1``."""

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)

C = TypeVar("C")
Array = NDArray[np.float32]
Picture = NDArray[np.uint8] | NDArray[np.uint16]
"""A decoded picture: (3,H,W) RGB of 8 bits, or of 9 to 16 bits."""
Tables = Mapping[str, NDArray[np.integer[Any]]]
"""What a codec's entropy coder needs besides the weights, as named integer arrays."""


class Split(Enum):
    """The part of a data set. Which clips it holds is the data set's affair; no clip is in two of them."""

    TRAIN = "train"
    VALIDATION = "validation"
    TEST = "test"


class ClipSource(Protocol):
    """Random access to the clips of one split.

    ``clip`` is a pure function of its arguments, so the order of training and its augmentation depend on
    the seed alone, never on the number of workers. `core.data.loader` turns a source into a
    ``mindspore.dataset``.
    """

    columns: tuple[str, ...]
    """Names of the arrays that ``clip`` returns: ``frames`` (T,3,H,W), float32 RGB in [0,1], comes first."""

    def __len__(self) -> int: ...

    def clip(self, index: int, rng: np.random.Generator) -> tuple[Array, ...]:
        """Clip ``index``; every random choice (crop, flip, filter) is drawn from ``rng``."""
        ...


class Output(Enum):
    """A picture that an upscaler makes from two neighbouring frames."""

    FIRST = "first"
    MIDDLE = "middle"
    LAST = "last"
    LOW_MIDDLE = "low_middle"


class Upscaler(Protocol):
    """A network's way from two neighbouring frames to larger ones and the one between (N,3,H,W in [0,1])."""

    scale: int
    """Factor of width and height of the high-resolution outputs."""

    alignment: int
    """Tiles must start at multiples of this many input pixels to give what the whole picture gives."""

    def __call__(self, first: Array, last: Array, outputs: Collection[Output]) -> dict[Output, Array]:
        """The wanted outputs: N,3,scale*H,scale*W; ``LOW_MIDDLE`` has the size of the input."""
        ...


class Coding(Enum):
    """How a codec uses the reference frame: it codes a difference to a prediction, or under a learned condition."""

    RESIDUAL = "residual"
    CONDITIONAL = "conditional"


class Supervision(Enum):
    """What a codec is trained for: a measured distortion, or what a discriminator or feature network sees."""

    OBJECTIVE = "objective"
    PERCEPTUAL = "perceptual"


class Direction(Enum):
    """From where a codec predicts: earlier frames, or frames on both sides."""

    UNIDIRECTIONAL = "unidirectional"
    BIDIRECTIONAL = "bidirectional"


class PacketType(IntEnum):
    """What a packet needs to be decoded: nothing before it, or the frames decoded since the last intra packet."""

    INTRA = 1
    INTER = 2


@dataclass(frozen=True)
class Packet:
    """The bytes of one coded frame and what its decoding must give."""

    type: PacketType
    time: int
    """When the frame is shown, in units of the stream's time base; larger for every later frame."""
    payload: bytes
    symbols: int
    """CRC-32 of the coded symbols: equal on every machine."""
    picture: int
    """CRC-32 of the decoded picture: equal under the arithmetic that the stream's header names."""


@dataclass(frozen=True)
class PictureFormat:
    """The pictures of a stream: their size in pixels, and the bits of a sample after decoding (8 to 16)."""

    width: int
    height: int
    depth: int = 8


@dataclass(frozen=True)
class CodedFrame:
    """A frame as its encoder leaves it."""

    packet: Packet
    picture: Picture
    """What the decoder will show."""
    estimated_bits: float | None = None
    """Information content of the symbols under the float priors, where the encoder was asked for it."""


@dataclass(frozen=True)
class DecodedFrame:
    """A frame as a decoder shows it; ``time`` is that of its packet."""

    time: int
    picture: Picture


class FrameEncoder(Protocol):
    """Turns the frames of one video into packets; its memory does not grow with their number."""

    def encode(self, frame: Array, time: int, intra: bool) -> Sequence[CodedFrame]:
        """Take the next frame in order of display: (3,H,W) float32 RGB in [0,1].

        Returns the frames that are coded by now, in order of decoding: a codec that reorders may return none now
        and several later. ``intra`` asks for a packet that needs nothing before it.
        """
        ...

    def flush(self) -> Sequence[CodedFrame]:
        """The frames that were held back; no frame may follow."""
        ...


class FrameDecoder(Protocol):
    """Turns packets back into frames."""

    def decode(self, packet: Packet) -> Sequence[DecodedFrame]:
        """Take the next packet; returns the frames that can be shown by now, in order of display.

        Raises `core.errors.StreamError` when the payload does not decode to symbols of hash ``packet.symbols``.
        """
        ...

    def flush(self) -> Sequence[DecodedFrame]:
        """The frames that were held back."""
        ...


class Codec(Protocol):
    """A network's way to packets and back: pictures of any size, padded and cropped inside.

    What an encoder and a decoder hold of a reference frame is the decoded picture itself, clamped to [0,1] and
    rounded to the format's depth.
    """

    def encoder(self, format: PictureFormat, estimate: bool = False) -> FrameEncoder:
        """A fresh encoder; ``estimate`` asks for `CodedFrame.estimated_bits` as well."""
        ...

    def decoder(self, format: PictureFormat) -> FrameDecoder:
        """A fresh decoder, which waits for an intra packet."""
        ...


class IntraCodec(Protocol):
    """A picture codec: codes the intra frames of codecs whose networks code one frame under another."""

    @property
    def fingerprint(self) -> bytes:
        """16 bytes that tell what decodes its pictures from all others; none where nothing was learned."""
        ...

    def encode(self, frame: Array, format: PictureFormat, crf: float) -> bytes:
        """Code a picture (3,H,W) in [0,1] of the format's size.

        ``crf`` is the constant rate factor (0 is best) that suits the video codec; codecs whose quality is their own
        pass over it.
        """
        ...

    def decode(self, payload: bytes, format: PictureFormat) -> Array:
        """The picture (3,H,W), near [0,1]; raises `core.errors.StreamError` where the payload is damaged."""
        ...


class Device(Protocol):
    """Where MindSpore computes, after its context was set."""

    @property
    def target(self) -> str:
        """MindSpore's name of the device: CPU, GPU or Ascend."""
        ...

    @property
    def rank(self) -> int:
        """Number of this process among those of the run."""
        ...

    @property
    def world(self) -> int:
        """Processes of the run."""
        ...

    @property
    def description(self) -> str:
        """One line for logs and reports: target, mode, threads, instruction set."""
        ...

    @property
    def arithmetic(self) -> str:
        """What decides the last bits of a float result, short: where it is equal, results repeat exactly."""
        ...


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
    """Where one of our parameters stands in a published checkpoint, and how to turn it into ours."""

    name: str
    convert: Callable[[Array], Array] = field(default=np.asarray)


@dataclass(frozen=True)
class PublishedWeights:
    """How the published PyTorch checkpoint of a model maps to our parameters."""

    tensors: Mapping[str, PublishedTensor]
    """Our parameter name -> the published tensor. Every trainable parameter of the model has one."""

    ignored: Sequence[str] = ()
    """Regular expressions of published names that carry nothing we need (pruning masks, counters)."""


@dataclass(frozen=True)
class ModelEntry(Entry[C]):
    """A network. ``build`` makes the cell with fresh weights."""

    build: Callable[[C], nn.Cell]
    published: Callable[[C], PublishedWeights] | None = None


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


@dataclass(frozen=True)
class UpscalerEntry(Entry[C]):
    """How a trained network upscales video."""

    build: Callable[[C, nn.Cell], Upscaler]


@dataclass
class CodecConfig:
    """What all codecs have in common: where intra frames stand."""

    gop: int = 12
    """Distance of intra frames; 0 has one at the beginning alone."""
    scene_cut: bool = False
    """Begin each new scene with an intra frame as well."""

    def __post_init__(self) -> None:
        if self.gop < 0:
            raise ValueError(f"gop={self.gop} is negative; 0 means one intra frame at the beginning alone.")


K = TypeVar("K", bound=CodecConfig)


@dataclass(frozen=True)
class CodecEntry(Entry[K]):
    """How a trained network codes video into real streams, and where it stands among codecs.

    ``tables`` makes the integer tables of a trained network, once: they travel with its checkpoint, and ``build``
    gets them back from there, so that encoder and decoder have the same on every machine.
    """

    build: Callable[[K, nn.Cell, Tables], Codec]
    tables: Callable[[nn.Cell], Tables]
    coding: Coding
    supervision: Supervision
    direction: Direction = Direction.UNIDIRECTIONAL


@dataclass(frozen=True)
class InterCodecEntry(CodecEntry[K]):
    """A codec whose network codes inter frames alone; ``build`` also gets the picture codec of intra frames.

    Their payloads are what that codec makes of a frame and takes back. Its fingerprint goes into the stream's.
    """

    build: Callable[[K, nn.Cell, Tables, IntraCodec], Codec]  # type: ignore[assignment]


class ConventionalCodec(Codec, Protocol):
    """A codec without a network."""

    @property
    def fingerprint(self) -> bytes:
        """16 bytes that tell the options that its decoder needs from all others."""
        ...


def no_tables(network: nn.Cell) -> Tables:
    """Of a codec without a network."""
    return {}


@dataclass(frozen=True)
class ConventionalCodecEntry(CodecEntry[K]):
    """A codec without a network, which needs no model and no checkpoint: ``build`` gets the options alone.

    It sees a video as one group and decides by its options where intra frames stand. Its ``tables`` are `no_tables`.
    """

    build: Callable[[K], ConventionalCodec]  # type: ignore[assignment]


@dataclass(frozen=True)
class IntraEntry(Entry[C]):
    """A picture codec, for intra frames. ``build`` loads what was learned, from a file that the options name."""

    build: Callable[[C], IntraCodec]


@dataclass(frozen=True)
class TaskEntry(Entry[C]):
    """Something the command does. ``build`` runs it and returns its score, if it has one, for sweeps: higher is
    better.

    ``needs`` names the kinds that must be chosen for it, so that a missing one is reported while composing.
    """

    build: Callable[[C, Run], float | None]
    needs: tuple[str, ...] = ()


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
"""Kind -> entry class. The hook that offers a kind is its plural: ``models``, ``losses``, …, and ``intra_codecs``."""


@hookspec
def models() -> Iterable[ModelEntry[Any]]:  # type: ignore[empty-body]
    """Networks: ``model=<name>``."""


@hookspec
def losses() -> Iterable[LossEntry[Any]]:  # type: ignore[empty-body]
    """Training losses: ``loss=<name>``."""


@hookspec
def datasets() -> Iterable[DatasetEntry[Any]]:  # type: ignore[empty-body]
    """Data sets: ``dataset=<name>``."""


@hookspec
def metrics() -> Iterable[MetricEntry[Any]]:  # type: ignore[empty-body]
    """Quality measures, several at a time: ``metric=[<name>,<name>]``."""


@hookspec
def devices() -> Iterable[DeviceEntry[Any]]:  # type: ignore[empty-body]
    """Devices: ``device=<name>``."""


@hookspec
def optimizers() -> Iterable[OptimizerEntry[Any]]:  # type: ignore[empty-body]
    """Optimizers with their schedules: ``optimizer=<name>``."""


@hookspec
def steps() -> Iterable[StepEntry[Any]]:  # type: ignore[empty-body]
    """Training steps: ``step=<name>``."""


@hookspec
def upscalers() -> Iterable[UpscalerEntry[Any]]:  # type: ignore[empty-body]
    """Ways to upscale video with a trained network: ``upscaler=<name>``."""


@hookspec
def codecs() -> Iterable[CodecEntry[Any]]:  # type: ignore[empty-body]
    """Ways to code video with a trained network: ``codec=<name>``."""


@hookspec
def intra_codecs() -> Iterable[IntraEntry[Any]]:  # type: ignore[empty-body]
    """Picture codecs for the intra frames of codecs that code none: ``intra=<name>``."""


@hookspec
def tasks() -> Iterable[TaskEntry[Any]]:  # type: ignore[empty-body]
    """What the command can do: ``task=<name>``."""


@hookspec
def callbacks(run: Run) -> Iterable[Callback]:  # type: ignore[empty-body]
    """MindSpore callbacks for training, added to core's own. ``run`` gives settings, output folder and rank."""


@hookspec
def config_package() -> str:  # type: ignore[empty-body]
    """Import name of the package that holds the plugin's YAML (``<plugin>.conf``): presets and experiments."""
