"""The compact codec's way to packets and back.

A packet begins with its quality. What chooses tables follows from hyper-latents in integers (`core.entropy.levels`),
so all symbols of a latent are decoded before the network that expects it runs.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from mindspore import Tensor

from core.codec import (
    BlockVectors,
    Latents,
    LearnedIntra,
    Made,
    PacketReader,
    PacketWriter,
    PictureCodec,
    PredictiveCodec,
    stage,
)
from core.hooks import Tables
from core.nn import Stage
from core.training import learned_intra

from .cells import MULTIPLE, Compact, InterCoder, PictureCoder, luma, price
from .config import QUALITIES, CompactCodecConfig, CompactConfig, CompactIntraConfig, level_of

_LATENT = 16
"""How many times smaller latents and the plane of vectors are."""
_QUALITIES = range(QUALITIES)

Pair = tuple[Tensor, Tensor]
State = tuple[Tensor, Tensor, int]
"""A decoded picture, its feature, and its place in the group."""


class Analysis(Stage):
    """A frame, 1,3,H,W, its level, 1,1, and context to the latent and symbols of the hyper-latent."""

    def construct(self, frame: Tensor, level: Tensor, *context: Tensor) -> Pair:
        y = self.network.analyse(frame, level, *context)
        return y, self.network.latent.hyper_symbols(y)


class Quantisation(Stage):
    """Latent, symbols of the hyper-latent, which elements are coded, and what is told to symbols and ``y_hat``."""

    def construct(self, y: Tensor, z_symbols: Tensor, coded: Tensor, *told: Tensor) -> Pair:
        latent = self.network.latent
        known, means = latent.known(z_symbols, *told)
        return latent.quantise(y, known, means, coded)


class Restoration(Stage):
    """Symbols of latent and hyper-latent, and what is told, to ``y_hat``, alone."""

    def construct(self, symbols: Tensor, z_symbols: Tensor, *told: Tensor) -> tuple[Tensor]:
        latent = self.network.latent
        known, means = latent.known(z_symbols, *told)
        return (latent.restore(symbols, known, means),)


class Synthesis(Stage):
    """The decoded latent, its level and context to the picture, and as the next frame's state picture and feature."""

    def construct(self, y_hat: Tensor, level: Tensor, *context: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        picture, feature = self.network.synthesise(y_hat, level, *context)
        return picture, picture.clamp(0.0, 1.0), feature


class Search(Stage):
    """A frame, the decoded picture before it and the level to vectors, 1,2,H/16,W/16, alone."""

    def construct(self, frame: Tensor, picture: Tensor, level: Tensor) -> tuple[Tensor]:
        return (self.network.inter.search(luma(frame), luma(picture), price(level)),)


class Prediction(Stage):
    """The state, vectors and the level to the displaced picture, the context, and what it tells of the latent."""

    def construct(
        self, picture: Tensor, feature: Tensor, vectors: Tensor, level: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        predicted, context = self.network.inter.predict((picture, feature), vectors, level)
        return predicted, context, self.network.inter.expect(context)


class FrameCoding:
    """What both coders of the network have in common: a frame, and what it is coded under, to a latent and back."""

    def __init__(self, name: str, coder: PictureCoder | InterCoder, tables: Tables) -> None:
        self.name = name
        self.tables = coder.latent.exact_tables(tables, name)
        self.analysis, self.synthesis = Analysis(coder), Synthesis(coder)
        self.quantisation, self.restoration = Quantisation(coder), Restoration(coder)

    def write(self, packet: PacketWriter, quality: int, y: Tensor, z: Tensor, *told: Tensor) -> Tensor:
        """Symbols of z, then those of y; returns what the decoder makes of them."""
        z = packet.write(f"{self.name}.hyper", z, quality)
        coded, indices = self.tables(z, quality)
        symbols, y_hat = self.quantisation(y, z, Tensor(coded[None].astype(np.float32)), *told)
        packet.write(self.name, symbols, coded, indices)
        return y_hat

    def read(self, packet: PacketReader, quality: int, *told: Tensor) -> Tensor:
        """The latent as `write` returned it."""
        z = packet.read(f"{self.name}.hyper", quality)
        symbols = packet.read(self.name, *self.tables(z, quality))
        return self.restoration(symbols, z, *told)[0]


class CompactPictures(PictureCodec):
    """How the codec of a trained `Compact` codes frames by themselves, its own or another codec's."""

    multiple = MULTIPLE

    def __init__(self, config: CompactCodecConfig, network: Compact, tables: Tables) -> None:
        super().__init__(config, network, tables)
        self.pictures = FrameCoding("intra", network.intra, tables)

    @staticmethod
    def latents(network: Compact) -> Latents:
        return _latents("intra", network.intra)

    def encode_intra(self, frame: Tensor, packet: PacketWriter) -> Made:
        quality = self.config.quality
        packet.write_number(quality, _QUALITIES)
        level = _level(quality)
        y_hat = self.pictures.write(packet, quality, *self.pictures.analysis(frame, level))
        return _with_state(self.pictures.synthesis(y_hat, level), 0)

    def decode_intra(self, packet: PacketReader) -> Made:
        quality = packet.read_number(_QUALITIES)
        y_hat = self.pictures.read(packet, quality)
        return _with_state(self.pictures.synthesis(y_hat, _level(quality)), 0)


def intra(config: CompactIntraConfig) -> LearnedIntra:
    """The picture codec inside a trained network."""
    coding = CompactCodecConfig(quality=config.quality)
    return learned_intra(config.checkpoint, "compact", CompactConfig, Compact, CompactPictures, coding)


class CompactCodec(CompactPictures, PredictiveCodec):
    """The codec of a trained `Compact`."""

    search = stage(Search)
    prediction = stage(Prediction)

    def __init__(self, config: CompactCodecConfig, network: Compact, tables: Tables) -> None:
        super().__init__(config, network, tables)
        self.frames = FrameCoding("inter", network.inter, tables)

    @staticmethod
    def latents(network: Compact) -> Latents:
        vectors = {"vectors": (BlockVectors(), _LATENT)}
        return {**CompactPictures.latents(network), **vectors, **_latents("inter", network.inter)}

    def encode(self, frame: Tensor, reference: State, packet: PacketWriter) -> Made:
        picture, feature, place = reference
        quality = self.config.quality_at(place + 1)
        packet.write_number(quality, _QUALITIES)
        level = _level(quality)
        vectors = packet.write("vectors", self.search(frame, picture, level)[0])
        predicted, context, told = self.prediction(picture, feature, vectors, level)
        y_hat = self.frames.write(packet, quality, *self.frames.analysis(frame, level, context), told)
        return _with_state(self.frames.synthesis(y_hat, level, context, predicted), place + 1)

    def decode(self, packet: PacketReader, reference: State) -> Made:
        picture, feature, place = reference
        quality = packet.read_number(_QUALITIES)
        level = _level(quality)
        predicted, context, told = self.prediction(picture, feature, packet.read("vectors"), level)
        y_hat = self.frames.read(packet, quality, told)
        return _with_state(self.frames.synthesis(y_hat, level, context, predicted), place + 1)


def _latents(name: str, coder: PictureCoder | InterCoder) -> dict[str, Any]:
    return {f"{name}.hyper": (coder.latent.prior, MULTIPLE), name: (coder.latent, _LATENT)}


def _with_state(shown: tuple[Tensor, Tensor, Tensor], place: int) -> Made:
    """The picture, and the state after it."""
    picture, *state = shown
    return picture, (*state, place)


def _level(quality: int) -> Tensor:
    return Tensor(np.full((1, 1), level_of(quality), np.float32))
