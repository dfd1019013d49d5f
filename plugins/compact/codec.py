"""The compact codec's way to packets and back.

A packet begins with its quality. What chooses tables follows from hyper-latents in integers (`core.entropy.parted`),
so all symbols of a latent are decoded before the network that expects it runs.
"""

from __future__ import annotations

import numpy as np
from mindspore import Tensor

from core.codec import (
    BlockVectors,
    Latents,
    LearnedIntra,
    Made,
    PacketReader,
    PacketWriter,
    PredictiveCodec,
    coded_elements,
    stage,
)
from core.hooks import Tables
from core.nn import Stage
from core.training import learned_intra

from .cells import MULTIPLE, Compact, luma, price
from .config import QUALITIES, CompactCodecConfig, CompactConfig, CompactIntraConfig, level_of

_LATENT = 16
"""How many times smaller latents and the plane of vectors are."""
_QUALITIES = range(QUALITIES)

Pair = tuple[Tensor, Tensor]


class PictureAnalysis(Stage):
    """A frame, 1,3,H,W, and its level, 1,1, to the latent and symbols of the hyper-latent."""

    def construct(self, frame: Tensor, level: Tensor) -> Pair:
        y = self.network.intra.analyse(frame, level)
        return y, self.network.intra.latent.hyper_symbols(y)


class PictureQuantisation(Stage):
    """Latent, symbols of the hyper-latent and which elements are coded to symbols and the decoded latent."""

    def construct(self, y: Tensor, z_symbols: Tensor, chosen: Tensor) -> Pair:
        return self.network.intra.latent.quantise(y, z_symbols, chosen)


class PictureRestoration(Stage):
    """Symbols of latent and hyper-latent to the decoded latent, alone."""

    def construct(self, symbols: Tensor, z_symbols: Tensor) -> tuple[Tensor]:
        return (self.network.intra.latent.restore(symbols, z_symbols),)


class PictureSynthesis(Stage):
    """The decoded latent and its level to the picture and what the next frame is coded under."""

    def construct(self, y_hat: Tensor, level: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        return _shown(*self.network.intra.synthesise(y_hat, level))


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


class InterAnalysis(Stage):
    """A frame, its context and the level to the latent and symbols of the hyper-latent."""

    def construct(self, frame: Tensor, context: Tensor, level: Tensor) -> Pair:
        y = self.network.inter.analyse(frame, context, level)
        return y, self.network.inter.latent.hyper_symbols(y)


class InterQuantisation(Stage):
    """`PictureQuantisation` with what the context tells."""

    def construct(self, y: Tensor, z_symbols: Tensor, chosen: Tensor, told: Tensor) -> Pair:
        return self.network.inter.latent.quantise(y, z_symbols, chosen, told)


class InterRestoration(Stage):
    """`PictureRestoration` with what the context tells."""

    def construct(self, symbols: Tensor, z_symbols: Tensor, told: Tensor) -> tuple[Tensor]:
        return (self.network.inter.latent.restore(symbols, z_symbols, told),)


class InterSynthesis(Stage):
    """The decoded latent, the context, the displaced picture and the level to what `PictureSynthesis` gives."""

    def construct(
        self, y_hat: Tensor, context: Tensor, predicted: Tensor, level: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        return _shown(*self.network.inter.synthesise(y_hat, context, predicted, level))


def _shown(picture: Tensor, feature: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The picture, and the state after it."""
    return picture, picture.clamp(0.0, 1.0), feature


class CompactPictures(PredictiveCodec):
    """How the codec of a trained `Compact` codes frames by themselves, its own or another codec's."""

    multiple = MULTIPLE

    picture_analysis = stage(PictureAnalysis)
    picture_quantisation = stage(PictureQuantisation)
    picture_restoration = stage(PictureRestoration)
    picture_synthesis = stage(PictureSynthesis)

    def __init__(self, config: CompactCodecConfig, network: Compact, tables: Tables) -> None:
        super().__init__(config, network, tables)
        self.picture_tables = network.intra.latent.exact_tables(tables, "intra")

    @staticmethod
    def latents(network: Compact) -> Latents:
        latent = network.intra.latent
        return {"intra.hyper": (latent.prior, MULTIPLE), "intra": (latent, _LATENT)}

    def encode_intra(self, frame: Tensor, packet: PacketWriter) -> Made:
        quality = self.config.quality
        packet.write_number(quality, _QUALITIES)
        level = _level(quality)
        y, z = self.picture_analysis(frame, level)
        z = packet.write("intra.hyper", z, quality)
        chosen = self.picture_tables(z, quality)
        symbols, y_hat = self.picture_quantisation(y, z, coded_elements(chosen))
        packet.write("intra", symbols, chosen)
        return self._intra_made(y_hat, level)

    def decode_intra(self, packet: PacketReader) -> Made:
        quality = packet.read_number(_QUALITIES)
        z = packet.read("intra.hyper", quality)
        symbols = packet.read("intra", self.picture_tables(z, quality))
        (y_hat,) = self.picture_restoration(symbols, z)
        return self._intra_made(y_hat, _level(quality))

    def _intra_made(self, y_hat: Tensor, level: Tensor) -> Made:
        picture, *state = self.picture_synthesis(y_hat, level)
        return picture, (*state, 0)


def intra(config: CompactIntraConfig) -> LearnedIntra:
    """The picture codec inside a trained network."""
    coding = CompactCodecConfig(quality=config.quality)
    return learned_intra(config.checkpoint, "compact", CompactConfig, Compact, CompactPictures, coding)


class CompactCodec(CompactPictures):
    """The codec of a trained `Compact`. The state is the picture, its feature, and its place in the group."""

    search = stage(Search)
    prediction = stage(Prediction)
    inter_analysis = stage(InterAnalysis)
    inter_quantisation = stage(InterQuantisation)
    inter_restoration = stage(InterRestoration)
    inter_synthesis = stage(InterSynthesis)

    def __init__(self, config: CompactCodecConfig, network: Compact, tables: Tables) -> None:
        super().__init__(config, network, tables)
        self.inter_tables = network.inter.latent.exact_tables(tables, "inter")

    @staticmethod
    def latents(network: Compact) -> Latents:
        latent = network.inter.latent
        return {
            **CompactPictures.latents(network),
            "vectors": (BlockVectors(), _LATENT),
            "inter.hyper": (latent.prior, MULTIPLE),
            "inter": (latent, _LATENT),
        }

    def encode(self, frame: Tensor, reference: tuple[Tensor, Tensor, int], packet: PacketWriter) -> Made:
        picture, feature, place = reference
        quality = self.config.quality_at(place + 1)
        packet.write_number(quality, _QUALITIES)
        level = _level(quality)
        vectors = packet.write("vectors", self.search(frame, picture, level)[0])
        predicted, context, told = self.prediction(picture, feature, vectors, level)
        y, z = self.inter_analysis(frame, context, level)
        z = packet.write("inter.hyper", z, quality)
        chosen = self.inter_tables(z, quality)
        symbols, y_hat = self.inter_quantisation(y, z, coded_elements(chosen), told)
        packet.write("inter", symbols, chosen)
        picture, *state = self.inter_synthesis(y_hat, context, predicted, level)
        return picture, (*state, place + 1)

    def decode(self, packet: PacketReader, reference: tuple[Tensor, Tensor, int]) -> Made:
        picture, feature, place = reference
        quality = packet.read_number(_QUALITIES)
        level = _level(quality)
        predicted, context, told = self.prediction(picture, feature, packet.read("vectors"), level)
        z = packet.read("inter.hyper", quality)
        symbols = packet.read("inter", self.inter_tables(z, quality))
        (y_hat,) = self.inter_restoration(symbols, z, told)
        picture, *state = self.inter_synthesis(y_hat, context, predicted, level)
        return picture, (*state, place + 1)


def _level(quality: int) -> Tensor:
    return Tensor(np.full((1, 1), level_of(quality), np.float32))
