"""The video networks' way to packets and back: settings, whether the memory begins anew, z, then y part by part."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mindspore import Tensor

from core.codec import Made, PacketReader, PacketWriter, PredictiveCodec, stage
from core.hooks import Array, IntraCodec, Plane, Tables
from core.nn import Stage

from .blocks import PATCH, SOURCE
from .colour import clamp_to_rgb, to_ycbcr
from .config import DcvcUfCodecConfig
from .parted import HYPER, LATENT, PartedCodec
from .video import VideoNetwork

_FEATURES, _CONTEXT = Plane("features", "features", PATCH), Plane("context", "features", PATCH)
_FACTORS = Plane("factors", "features", 0)


class Start(Stage):
    """A decoded picture, 1,3,H,W in [0,1], to features that the next frame is coded under, 1,192,H/8,W/8."""

    inputs, outputs = (Plane("picture", 3),), ("features",)

    def construct(self, picture: Tensor) -> Tensor:
        return self.network.start(to_ycbcr(picture))


class FirstMemory(Stage):
    """Features after an intra frame, and factors of the quality, to memory, context, and what these tell of y."""

    inputs, outputs = (Plane("features", SOURCE, PATCH), _FACTORS), ("remembered", "context", "temporal")

    def construct(self, features: Tensor, factors: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        memory, context = self.network.recall(features)
        return memory, context, self.network.temporal(memory, factors)


class NextMemory(Stage):
    """The same after any other frame, of which a memory is left."""

    inputs, outputs = (_FEATURES, Plane("memory", "features", PATCH), _FACTORS), FirstMemory.outputs

    def construct(self, features: Tensor, memory: Tensor, factors: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        memory, context = self.network.recall(features, memory)
        return memory, context, self.network.temporal(memory, factors)


class Analysis(Stage):
    """The frames of a packet, T,3,H,W in [0,1], their context and factors of the quality to the latent y and the
    symbols of z."""

    outputs = "y", "z"

    @property
    def inputs(self) -> Sequence[Plane]:  # type: ignore[override]
        return Plane("frames", 3, leading=(self.network.config.chunk,)), _CONTEXT, _FACTORS

    def construct(self, frames: Tensor, context: Tensor, factors: Tensor) -> tuple[Tensor, Tensor]:
        count, channels, height, width = frames.shape
        planes = to_ycbcr(frames).reshape(1, count * channels, height, width)
        y, z = self.network.analyse(planes, context, factors)
        return y, self.network.bit_estimator_z.symbols(z)


class Expectation(Stage):
    """The symbols of z, and what the memory tells, to what is expected of y, steps, means, and scales if any."""

    inputs = Plane("z", "hyper", HYPER), Plane("temporal", "features", LATENT)

    @property
    def outputs(self) -> Sequence[str]:  # type: ignore[override]
        told = ("expected", "step", "means")
        return told if self.network.config.portable else (*told, "scales")

    def construct(self, z: Tensor, temporal: Tensor) -> tuple[Tensor, ...]:
        return self.network.expect(z, temporal)


class Synthesis(Stage):
    """The quantised latent, its steps, context and factors of the quality to the frames' features."""

    inputs = Plane("y_hat", "latent", LATENT), Plane("step", "latent", LATENT), _CONTEXT, _FACTORS
    outputs = ("features",)

    def construct(self, y_hat: Tensor, step: Tensor, context: Tensor, factors: Tensor) -> Tensor:
        return self.network.synthesise(y_hat * step, context, factors)


class Show(Stage):
    """Features to the frames, T,3,H,W."""

    inputs, outputs = (_FEATURES,), ("frames",)

    def construct(self, features: Tensor) -> Tensor:
        planes = self.network.show(features)
        _, _, height, width = planes.shape
        return clamp_to_rgb(planes.reshape(self.network.config.chunk, 3, height, width))


class Restart(Stage):
    """Features to those that the next frame is coded under where the memory begins anew."""

    inputs, outputs = (_FEATURES,), ("reference",)

    def construct(self, features: Tensor) -> Tensor:
        return self.network.restart(features)


@dataclass(frozen=True)
class State:
    """What the next packet is coded under."""

    features: Tensor
    memory: Tensor | None = None
    frames: int = 0
    """How many were coded since the last intra frame."""


class DcvcUfCodec(PartedCodec, PredictiveCodec):
    """The codec of a trained `VideoNetwork`."""

    start = stage(Start)
    first_memory = stage(FirstMemory)
    next_memory = stage(NextMemory)
    analysis = stage(Analysis)
    expectation = stage(Expectation)
    synthesis = stage(Synthesis)
    show = stage(Show)
    restart = stage(Restart)
    factor_tables = "q_encoder", "q_decoder", "q_feature"

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
        y, z = self.analysis(frames, context, self.factors("q_encoder", quality))
        expected, step, means, scales = self.expect(packet.write("z", z, quality), quality, temporal)
        scaled = Tensor(y.asnumpy() / step.asnumpy())
        y_hat = self.write_latent(packet, scaled, skip, expected, means, scales)
        features = self.synthesis(y_hat, step, context, self.factors("q_decoder", quality))
        return self.show(features), self.next_state(state, features, memory, resets)

    def decode(self, packet: PacketReader, state: State) -> Made:
        quality, skip = self.read_settings(packet)
        resets = packet.read_number(range(2))

        memory, context, temporal = self.recall(state, quality)
        expected, step, means, scales = self.expect(packet.read("z", quality), quality, temporal)
        y_hat = self.read_latent(packet, skip, expected, means, scales)
        features = self.synthesis(y_hat, step, context, self.factors("q_decoder", quality))
        return self.show(features), self.next_state(state, features, memory, resets)

    def resets(self, frames: int) -> int:
        """1 where the memory begins anew after the packet that follows so many frames, else 0 (the published rule)."""
        interval = self.config.reset
        return int(interval > 0 and (frames + 1 + self.chunk) % interval == 1 % interval)

    def recall(self, state: State, quality: int) -> tuple[Tensor, Tensor, Tensor]:
        """Memory, context, and what these tell of y."""
        factors = self.factors("q_feature", quality)
        if state.memory is None:
            return self.first_memory(state.features, factors)
        return self.next_memory(state.features, state.memory, factors)

    def expect(self, z: Tensor, quality: int, temporal: Tensor) -> tuple[Tensor, Tensor, Array, Array]:
        """What is expected of y, its steps of quantisation, and its first step's means and scales."""
        expected, step, means, *told = self.expectation(z, temporal)
        scales = self.exact_scales(z, quality, *means.shape[2:])
        return expected, step, means.asnumpy(), told[0].asnumpy() if scales is None else scales

    def next_state(self, state: State, features: Tensor, memory: Tensor, resets: int) -> State:
        """What the packet after this one is coded under."""
        frames = state.frames + self.chunk
        if resets:
            return State(self.restart(features), None, frames)
        return State(features, memory, frames)
