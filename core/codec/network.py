"""The common part of codecs over a trained network: its stages, its latents, their tables, and packets of them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, replace
from typing import Any, TypeVar, cast

from mindspore import Tensor, nn

from core.codec.packets import CodedLatent, PacketReader, PacketWriter
from core.entropy.latents import Latent
from core.hooks import Part, Plane, Qualities, Tables
from core.nn.stage import Stage
from core.nn.strips import InStrips
from core.options import ranges

S = TypeVar("S", bound=Stage)
C = TypeVar("C", bound="NetworkCodec")
Latents = Mapping[str, tuple[Latent, int]]
"""Name to the latent's cell, and how many times smaller than the padded picture the latent is."""


@dataclass(frozen=True)
class _Piece:
    """A stage that each codec of a class has for itself."""

    kind: type[Stage]
    halo: int | None
    unit: int

    def of(self, network: nn.Cell) -> Any:
        made = self.kind(network)
        return made if self.halo is None else InStrips(made, self.halo, self.unit)


def stage(kind: type[S], halo: int | None = None, unit: int = 1) -> S:
    """An attribute of a `NetworkCodec`'s class: each codec has a stage of this kind there, over its own network.

    It is compiled once for each size that frames are padded to, for all encoders and decoders of the codec together.
    With a ``halo``, large pictures go through it strip by strip (`core.nn.strips.InStrips`, which has ``unit`` too).
    """
    return cast(S, _Piece(kind, halo, unit))


class NetworkCodec(ABC):
    """A codec over a trained network.

    A class states its stages as attributes (`stage`), and what follows:

    - ``multiple``: height and width of a picture that the network sees are divisible by it;
    - ``inputs`` and ``outputs``: planes that the whole network takes, and names of what it gives, for ``task=export``.
    """

    multiple: int
    inputs: Sequence[Plane] = ()
    outputs: Sequence[str] = ()

    def __init__(self, config: Any, network: nn.Cell, tables: Tables) -> None:
        """Raises `CheckpointError` where a table is absent or malformed."""
        network.set_train(False)
        self.config = config
        self.coded_latents = {
            name: CodedLatent(latent.coder(tables, name), reduction, _Information(latent))
            for name, (latent, reduction) in self.latents(network).items()
        }
        for name, piece in _pieces(type(self)):
            setattr(self, name, piece.of(network))

    @staticmethod
    @abstractmethod
    def latents(network: Any) -> Latents:
        """The latents that packets hold, by the names that begin those of their tables."""

    @classmethod
    def tables(cls, network: Any) -> Tables:
        """The integer tables of a trained network, as its checkpoint keeps them."""
        arrays: dict[str, Any] = {}
        for name, (latent, _) in cls.latents(network).items():
            arrays |= latent.tables(name)
        return arrays

    @classmethod
    def parts(cls, network: Any) -> Sequence[Part]:
        """The parts of a network that can be exported: all of it, and the stages under their names here."""
        pieces = [("network", network, cls.inputs, cls.outputs)]
        for name, piece in _pieces(cls):
            made = piece.kind(network)
            pieces.append((name, made, made.inputs, made.outputs))
        return [
            Part(name, cell, [plane.of(network.config) for plane in inputs], outputs, cls.multiple)
            for name, cell, inputs, outputs in pieces
        ]

    @property
    def qualities(self) -> Qualities | None:
        """The qualities of the option ``quality``, a whole number, if there is one."""
        allowed = ranges(type(self.config)).get("quality")
        if allowed is None or allowed.at_least is None or allowed.at_most is None:
            return None
        return Qualities(allowed.at_least, allowed.at_most, 1, self.config.quality)

    def at(self: C, quality: float) -> C:
        """The same over the same network, its option ``quality`` another."""
        other = copy(self)
        other.config = replace(self.config, quality=round(quality))
        return other

    def writer(self, estimate: bool = False) -> PacketWriter:
        """A packet to write."""
        return PacketWriter(self.coded_latents, estimate)

    def reader(self, payload: bytes, height: int, width: int) -> PacketReader:
        """A packet to read, of padded pictures of this size."""
        return PacketReader(self.coded_latents, payload, height, width)


def _pieces(kind: type) -> Iterator[tuple[str, _Piece]]:
    """The stages of a class and those that it inherits, in the order in which they are stated."""
    for each in reversed(kind.__mro__):
        yield from ((name, piece) for name, piece in vars(each).items() if isinstance(piece, _Piece))


class _Information(Stage):
    """Computes a latent's `Latent.information`; its network is the latent."""

    def construct(self, *priced: Tensor) -> Tensor:
        return self.network.information(*priced)
