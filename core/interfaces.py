"""Protocols of the things that plugins build, and the values that pass between them and core."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, IntEnum
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]
Picture = NDArray[np.uint8] | NDArray[np.uint16]
"""A decoded picture: (3,H,W) RGB of 8 bits, or of 9 to 16 bits."""
Tables = Mapping[str, NDArray[np.integer[Any]]]
"""The integer arrays that a codec's entropy coder needs besides the weights, by name."""


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


@runtime_checkable
class LabelledSource(ClipSource, Protocol):
    """A clip source whose clips have names."""

    def label(self, index: int) -> str:
        """The name of clip ``index`` in reports."""
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
    """The picture that the decoder will show."""
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


@dataclass(frozen=True)
class Qualities:
    """The qualities of a codec of many rates, as numbers of its own."""

    coarsest: float
    """The quality at which its streams are shortest."""
    finest: float
    step: float
    """Between two that can be told apart."""
    own: float
    """The quality that its options state."""


@runtime_checkable
class HasQualities(Protocol):
    """A codec whose quality can be another in each group of frames; its decoder finds out by itself."""

    @property
    def qualities(self) -> Qualities | None:
        """The qualities that it has; None where its options leave one rate alone."""
        ...

    def at(self, quality: float) -> Codec:
        """The same codec at another quality."""
        ...


class ConventionalCodec(Codec, Protocol):
    """A codec without a network."""

    @property
    def fingerprint(self) -> bytes:
        """16 bytes that tell the options that its decoder needs from all others."""
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
    """Where MindSpore computes, after its context was set.

    It may also have a ``backend`` (`core.backend.Backend`), which networks are built under; else they compute as on a
    processor, by MindSpore's own operators.
    """

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
        """Names what decides the last bits of a float result, short: where it is equal, results repeat exactly."""
        ...


@runtime_checkable
class NamesOutputs(Protocol):
    """A loss or a training step that gives several scalars; without this, it gives the loss alone."""

    outputs: Sequence[str]
    """Their names; the first is that of the loss."""


class InterLoss(NamesOutputs, Protocol):
    """A loss of codecs that code one frame under another, as `core.training.InterObjective` has it."""

    warm_up_steps: int
    """Steps of a training in which nothing refers to what was decoded, since that shows nothing yet."""

    def __call__(self, *inputs: Any) -> Any:
        """Scalars, of what the objective gives."""
        ...


@runtime_checkable
class KnowsRates(Protocol):
    """Options of an optimizer that tell its learning rates, for curves and logs."""

    def rates(self, total_steps: int) -> Sequence[float]:
        """Learning rate of each step of a training."""
        ...


@runtime_checkable
class Resumable(Protocol):
    """Options of a task that can go on where it was stopped; sweeps ask for that."""

    resume: bool


@runtime_checkable
class Threaded(Protocol):
    """Options of a device that computes on threads of this machine."""

    threads: int
    """Their number; 0 lets the device choose, and sweeps share the machine's out among their jobs."""


@runtime_checkable
class FetchesLate(Protocol):
    """A device from which it costs to fetch a value, so that losses are fetched together."""

    fetch_every: int
    """Steps of a training between two times that losses are fetched."""


def fetch_period(device: Device) -> int:
    """Steps of a training between two times that losses are fetched from a device."""
    return device.fetch_every if isinstance(device, FetchesLate) else 1
