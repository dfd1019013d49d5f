"""DCVC-UF's way to packets and back: quality, threshold of skipping, z, then y part by part.

Where streams are portable, the scales of y, hence its tables and the elements that are skipped, follow from z in
integers, which a float network cannot stand in for; all else between pictures and symbols is in the stages.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from mindspore import Tensor

from core.codec import (
    Latents,
    LearnedIntra,
    Made,
    PacketReader,
    PacketWriter,
    PictureCodec,
    Places,
    PredictiveCodec,
    stage,
)
from core.hooks import Array, IntraCodec, Tables
from core.nn import Stage
from core.training import learned_intra

from .colour import shown, to_ycbcr
from .config import (
    LARGEST_SKIP,
    QUALITIES,
    DcvcUfCodecConfig,
    DcvcUfIntraCodecConfig,
    DcvcUfIntraConfig,
    DcvcUfPicturesConfig,
    quality_of,
)
from .image import MULTIPLE, PictureNetwork
from .video import VideoNetwork

_LATENT, _HYPER = 16, 64
"""How many times smaller than pictures y and z are."""
_HUNDREDTHS = round(100 * LARGEST_SKIP) + 1
Code = Callable[[Array, Array, Places], Tensor]
"""Means and scales, 1,C,h,w, and which elements of a part are coded, (C,h,w), to the part's symbols."""


class SecondStep(Stage):
    """The elements known so far, 1,latent,h,w, and what is expected to means, and scales if any, of the next part."""

    number = 1

    def construct(self, y_hat: Tensor, expected: Tensor) -> tuple[Tensor, ...]:
        spatial = self.network.spatial
        return spatial.expect(self.number, y_hat, spatial.hint(expected))


class ThirdStep(SecondStep):
    """The same of the part after it."""

    number = 2


class FourthStep(SecondStep):
    """The same of the last part."""

    number = 3


class _PartedCodec(PictureCodec):
    """What the codecs of both networks have in common: a latent in parts."""

    multiple = MULTIPLE

    second_step = stage(SecondStep)
    third_step = stage(ThirdStep)
    fourth_step = stage(FourthStep)

    def __init__(self, config: Any, network: Any, tables: Tables, *intra: IntraCodec) -> None:
        super().__init__(config, network, tables, *intra)
        self.spatial = network.spatial
        self.exact_scales = self.spatial.exact_scales(tables, "y") if network.config.portable else None

    @staticmethod
    def latents(network: Any) -> Latents:
        return {"z": (network.bit_estimator_z, _HYPER), "y": (network.spatial, _LATENT)}

    def write_settings(self, packet: PacketWriter) -> tuple[int, float]:
        """The quality of a packet, and up to which scale its elements are skipped."""
        skip = round(100 * self.config.skip)
        packet.write_number(self.config.quality, range(QUALITIES))
        packet.write_number(skip, range(_HUNDREDTHS))
        return self.config.quality, skip / 100

    def read_settings(self, packet: PacketReader) -> tuple[int, float]:
        """The same of a packet that is read."""
        return packet.read_number(range(QUALITIES)), packet.read_number(range(_HUNDREDTHS)) / 100

    def write_latent(self, packet: PacketWriter, y: Tensor, skip: float, *known: Any) -> Tensor:
        """The quantised latent of y, part after part; ``known`` is what `in_parts` takes."""

        def write(means: Array, scales: Array, coded: Places) -> Tensor:
            symbols = np.where(coded, rounded(y.asnumpy() - means), np.float32(0))
            return packet.write(
                "y", Tensor(symbols), coded, self.spatial.conditional.table_index(scales[0][coded])
            )

        return self.in_parts(write, skip, *known)

    def read_latent(self, packet: PacketReader, skip: float, *known: Any) -> Tensor:
        """The same of a packet that is read."""

        def read(means: Array, scales: Array, coded: Places) -> Tensor:
            return packet.read("y", coded, self.spatial.conditional.table_index(scales[0][coded]))

        return self.in_parts(read, skip, *known)

    def in_parts(self, code: Code, skip: float, expected: Tensor, means: Array, scales: Array) -> Tensor:
        """The quantised latent, by the symbols that ``code`` gives; means and scales are those of the first part."""
        y_hat = np.zeros_like(means)
        steps = (None, self.second_step, self.third_step, self.fourth_step)
        for places, step in zip(self.spatial.places(*means.shape[1:]), steps, strict=False):
            if step is not None:
                means, scales = (*(part.asnumpy() for part in step(Tensor(y_hat), expected)), scales)[:2]
            coded = places & (scales[0] > np.float32(skip))
            symbols = code(means, scales, coded).asnumpy()
            y_hat = y_hat + np.where(places, symbols + means, np.float32(0))
        return Tensor(y_hat)


def rounded(distances: Array) -> Array:
    """The nearest whole numbers, of halves those away from zero."""
    return np.trunc(distances + np.copysign(np.float32(0.5), distances))


class PictureAnalysis(Stage):
    """A picture, 1,3,H,W in [0,1], and its quality to the latent y and the symbols of z."""

    def construct(self, picture: Tensor, quality: Tensor) -> tuple[Tensor, Tensor]:
        y, z = self.network.analyse(to_ycbcr(picture), quality)
        return y, self.network.bit_estimator_z.symbols(z)


class PictureExpectation(Stage):
    """The symbols of z to what they tell of y, beyond its right and lower ends as well."""

    def construct(self, z: Tensor) -> Tensor:
        return self.network.expect(z)


class PictureSynthesis(Stage):
    """The quantised latent and the quality to the picture."""

    def construct(self, y_hat: Tensor, quality: Tensor) -> Tensor:
        return shown(self.network.synthesise(y_hat, quality))


class DcvcUfPictures(_PartedCodec):
    """The codec of a trained `PictureNetwork`, of frames, and of other codecs' intra frames."""

    analysis = stage(PictureAnalysis)
    expectation = stage(PictureExpectation)
    synthesis = stage(PictureSynthesis)

    def encode_intra(self, frame: Tensor, packet: PacketWriter) -> Made:
        quality, skip = self.write_settings(packet)
        y, z = self.analysis(frame, tensor_of(quality))
        known = self.expected(packet.write("z", z, quality), *y.shape[2:])
        y_hat = self.write_latent(packet, y, skip, *known)
        return self.synthesis(y_hat, tensor_of(quality))

    def decode_intra(self, packet: PacketReader) -> Made:
        quality, skip = self.read_settings(packet)
        known = self.expected(packet.read("z", quality), packet.height // _LATENT, packet.width // _LATENT)
        y_hat = self.read_latent(packet, skip, *known)
        return self.synthesis(y_hat, tensor_of(quality))

    def expected(self, z: Tensor, height: int, width: int) -> tuple[Tensor, Array, Array]:
        """What z tells of y, which has these sides, and its first step's means and scales."""
        expected = self.expectation(z).asnumpy()[:, :, :height, :width]
        if self.exact_scales is None:
            scales, means = np.split(expected, 2, 1)
        else:
            scales, means = self.exact_scales(z).asnumpy()[:, :, :height, :width], expected
        return Tensor(expected.copy()), means.copy(), scales.copy()


class SuitedPictures(DcvcUfPictures):
    """The same at the quality that suits a video codec's own."""

    def suited_to(self, crf: float) -> DcvcUfPictures:
        return self.at(quality_of(crf))


def intra(config: DcvcUfPicturesConfig) -> LearnedIntra:
    """The picture network as a picture codec."""
    kind: type[DcvcUfPictures] = SuitedPictures
    coding = DcvcUfIntraCodecConfig()
    if config.quality >= 0:
        kind, coding = DcvcUfPictures, DcvcUfIntraCodecConfig(quality=config.quality)
    return learned_intra(config.checkpoint, "dcvcuf_intra", DcvcUfIntraConfig, PictureNetwork, kind, coding)


class Start(Stage):
    """A decoded picture, 1,3,H,W in [0,1], to features that the next frame is coded under, 1,192,H/8,W/8."""

    def construct(self, picture: Tensor) -> Tensor:
        return self.network.start(to_ycbcr(picture))


class FirstMemory(Stage):
    """Features after an intra frame, and the quality, to memory, context, and what these tell of y."""

    def construct(self, features: Tensor, quality: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        memory, context = self.network.recall(features)
        return memory, context, self.network.temporal(memory, quality)


class NextMemory(Stage):
    """The same after any other frame, of which a memory is left."""

    def construct(self, features: Tensor, memory: Tensor, quality: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        memory, context = self.network.recall(features, memory)
        return memory, context, self.network.temporal(memory, quality)


class Analysis(Stage):
    """The frames of a packet, T,3,H,W in [0,1], their context and quality to the latent y and the symbols of z."""

    def construct(self, frames: Tensor, context: Tensor, quality: Tensor) -> tuple[Tensor, Tensor]:
        count, channels, height, width = frames.shape
        planes = to_ycbcr(frames).reshape(1, count * channels, height, width)
        y, z = self.network.analyse(planes, context, quality)
        return y, self.network.bit_estimator_z.symbols(z)


class Expectation(Stage):
    """The symbols of z, and what the memory tells, to what is expected of y, steps, means, and scales if any."""

    def construct(self, z: Tensor, temporal: Tensor) -> tuple[Tensor, ...]:
        return self.network.expect(z, temporal)


class Synthesis(Stage):
    """The quantised latent, its steps, context and quality to the frames' features."""

    def construct(self, y_hat: Tensor, step: Tensor, context: Tensor, quality: Tensor) -> Tensor:
        return self.network.synthesise(y_hat * step, context, quality)


class Show(Stage):
    """Features to the frames, T,3,H,W."""

    def construct(self, features: Tensor) -> Tensor:
        planes = self.network.show(features)
        _, _, height, width = planes.shape
        return shown(planes.reshape(self.network.config.chunk, 3, height, width))


class Restart(Stage):
    """Features to those that the next frame is coded under where the memory begins anew."""

    def construct(self, features: Tensor) -> Tensor:
        return self.network.restart(features)


@dataclass(frozen=True)
class State:
    """What the next packet is coded under."""

    features: Tensor
    memory: Tensor | None = None
    frames: int = 0
    """How many were coded since the last intra frame."""


class DcvcUfCodec(_PartedCodec, PredictiveCodec):
    """The codec of a trained `VideoNetwork`."""

    start = stage(Start)
    first_memory = stage(FirstMemory)
    next_memory = stage(NextMemory)
    analysis = stage(Analysis)
    expectation = stage(Expectation)
    synthesis = stage(Synthesis)
    show = stage(Show)
    restart = stage(Restart)

    def __init__(
        self, config: DcvcUfCodecConfig, network: VideoNetwork, tables: Tables, intra: IntraCodec
    ) -> None:
        super().__init__(config, network, tables, intra)
        self.chunk = network.config.chunk

    def state_of(self, picture: Tensor) -> State:
        return State(self.start(picture))

    def encode(self, frames: Tensor, state: State, packet: PacketWriter) -> Made:
        quality, skip = self.write_settings(packet)
        resets = self.resets(state.frames)
        packet.write_number(resets, range(2))

        memory, context, temporal = self.recall(state, quality)
        y, z = self.analysis(frames, context, tensor_of(quality))
        expected, step, means, scales = self.expected(packet.write("z", z, quality), temporal)
        scaled = Tensor(y.asnumpy() / step.asnumpy())
        y_hat = self.write_latent(packet, scaled, skip, expected, means, scales)
        features = self.synthesis(y_hat, step, context, tensor_of(quality))
        return self.show(features), self.next_state(state, features, memory, resets)

    def decode(self, packet: PacketReader, state: State) -> Made:
        quality, skip = self.read_settings(packet)
        resets = packet.read_number(range(2))

        memory, context, temporal = self.recall(state, quality)
        expected, step, means, scales = self.expected(packet.read("z", quality), temporal)
        y_hat = self.read_latent(packet, skip, expected, means, scales)
        features = self.synthesis(y_hat, step, context, tensor_of(quality))
        return self.show(features), self.next_state(state, features, memory, resets)

    def resets(self, frames: int) -> int:
        """1 where the memory begins anew after the packet that follows so many frames, else 0 (the published rule)."""
        interval = self.config.reset
        return int(interval > 0 and (frames + 1 + self.chunk) % interval == 1 % interval)

    def recall(self, state: State, quality: int) -> tuple[Tensor, Tensor, Tensor]:
        """Memory, context, and what these tell of y."""
        if state.memory is None:
            return self.first_memory(state.features, tensor_of(quality))
        return self.next_memory(state.features, state.memory, tensor_of(quality))

    def expected(self, z: Tensor, temporal: Tensor) -> tuple[Tensor, Tensor, Array, Array]:
        """What is expected of y, its steps of quantisation, and its first step's means and scales."""
        expected, step, means, *scales = self.expectation(z, temporal)
        if self.exact_scales is None:
            return expected, step, means.asnumpy(), scales[0].asnumpy()
        _, _, height, width = means.shape
        exact = self.exact_scales(z).asnumpy()[:, :, :height, :width]
        return expected, step, means.asnumpy(), np.ascontiguousarray(exact)

    def next_state(self, state: State, features: Tensor, memory: Tensor, resets: int) -> State:
        """What the packet after this one is coded under."""
        frames = state.frames + self.chunk
        if resets:
            return State(self.restart(features), None, frames)
        return State(features, memory, frames)


def tensor_of(quality: int) -> Tensor:
    """A quality as networks take it, (1)."""
    return Tensor(np.array([quality], np.int32))
