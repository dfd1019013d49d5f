"""The training steps of DCVC-UF: of pictures, and of clips whose frames follow one another through a state.

A clip may be long. Every packet's pass is compiled once, for all clips, and called from Python: forwards through the
clip, and where gradients pass through all of it (``cascaded``) backwards as well, each pass computed again with the
gradients of the state that it left. So memory does not grow with the clip but for the states.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import mindspore as ms
import numpy as np
from mindspore import ParameterTuple, Tensor, nn, ops

from core.errors import ConfigError
from core.nn import Stage
from core.training import Checkpoint, CodecStep, add_noise, seed_noise, step_counter

from .colour import to_rgb, to_ycbcr
from .config import QUALITIES, DcvcUfIntraConfig, DcvcUfIntraStepConfig, DcvcUfStepConfig
from .image import PictureNetwork
from .loss import OUTPUTS, DcvcUfLoss
from .video import VideoNetwork

EVALUATED = (0, 21, 42, 63)
"""Qualities of the samples of a batch in evaluation, one after another: the rates that are published."""


class PictureObjective(nn.Cell):
    """What the loss gives for pictures: ``construct(frames)``, N,T,3,H,W; in training each picture draws a quality."""

    def __init__(self, network: PictureNetwork, loss: DcvcUfLoss) -> None:
        super().__init__(auto_prefix=False)
        self.network, self.loss = network, loss

    def construct(self, frames: Tensor) -> tuple[Tensor, ...]:
        planes = to_ycbcr(frames.reshape(-1, *frames.shape[2:]))
        quality = _draw_qualities(len(planes)) if self.training else evaluation_qualities(len(planes))
        made, (y_bits, z_bits) = self.network(planes, quality)
        return self.loss(planes, made, y_bits + z_bits, quality, Tensor(0, ms.int32))


def _draw_qualities(count: int) -> Tensor:
    """Qualities (count), by the noise of the step."""
    places = add_noise(ops.zeros((count, 1), ms.float32)).reshape(-1) + 0.5
    return ops.minimum((places * QUALITIES).astype(ms.int32), QUALITIES - 1)


def evaluation_qualities(count: int) -> Tensor:
    """Qualities (count) that evaluation takes."""
    return Tensor(np.resize(np.array(EVALUATED, np.int32), count))


class PacketObjective(nn.Cell):
    """One frame or chunk under a state: N,T,3,H,W.

    ``construct`` gives what gradients are taken of: the loss, weighted by ``share``, and the new state times the
    gradients of it that are known; then the loss's scalars, and the new features and memory.
    """

    def __init__(self, network: VideoNetwork, loss: DcvcUfLoss) -> None:
        super().__init__(auto_prefix=False)
        self.network, self.loss = network, loss

    def construct(
        self,
        frames: Tensor,
        features: Tensor,
        memory: Tensor | None,
        quality: Tensor,
        number: Tensor,
        share: Tensor,
        of_features: Tensor,
        of_memory: Tensor,
    ) -> tuple[Tensor, ...]:
        planes = planes_of(frames)
        made, state, (y_bits, z_bits) = self.network(planes, features, memory, quality)
        values = self.loss(planes, made, y_bits + z_bits, quality, number)
        through_state = (state[1] * of_features).sum() + (state[0] * of_memory).sum()
        left = ops.stop_gradient(state[1]), ops.stop_gradient(state[0])
        return (share * values[0] + through_state, ops.stop_gradient(ops.stack(values)), *left)


def planes_of(frames: Tensor) -> Tensor:
    """The frames of a packet, N,T,3,H,W in [0,1], as networks take them, N,3*T,H,W."""
    batch, count, channels, height, width = frames.shape
    planes = to_ycbcr(frames.reshape(batch * count, channels, height, width))
    return planes.reshape(batch, count * channels, height, width)


class _Gradients(nn.Cell):
    """Gradients of a `PacketObjective` under the noise of a moment; ``through``: also those of features and memory."""

    def __init__(
        self, objective: PacketObjective, weights: ParameterTuple, through: bool, rank: int, world: int
    ) -> None:
        super().__init__(auto_prefix=False)
        self.rank, self.world = rank, world
        position = (1, 2) if through else None
        self.value_and_grad = ops.value_and_grad(objective, position, weights, has_aux=True)

    def construct(self, seed: Tensor, moment: Tensor, *inputs: Tensor) -> Any:
        seed_noise(seed, moment, self.rank, self.world)
        return self.value_and_grad(*inputs)


class _OfAll(nn.Cell):
    """A cell that takes all gradients, which a compiled graph is given one by one: an optimizer, a mean over ranks."""

    def __init__(self, cell: nn.Cell) -> None:
        super().__init__(auto_prefix=False)
        self.cell = cell

    def construct(self, *gradients: Tensor) -> Any:
        return self.cell(gradients)


class _Reference(Stage):
    """First frames, N,3,H,W in [0,1], and their qualities to what a picture network makes of them."""

    def construct(self, frame: Tensor, quality: Tensor) -> Tensor:
        return to_rgb(self.network(to_ycbcr(frame), quality)[0])


class ClipObjective(nn.Cell):
    """The mean of the loss's scalars over the packets of clips, N,T,3,H,W: what validation sees."""

    def __init__(self, network: VideoNetwork, loss: DcvcUfLoss, pictures: PictureNetwork | None) -> None:
        super().__init__(auto_prefix=False)
        self.network, self.loss = network, loss
        objective = PacketObjective(network, loss)
        # No children: the picture network is none of what is trained, and the other one is here already.
        object.__setattr__(self, "packet", objective)
        object.__setattr__(self, "reference", _Reference(pictures) if pictures else None)

    def __call__(self, frames: Tensor) -> tuple[Tensor, ...]:
        quality = evaluation_qualities(len(frames))
        first, packets = self.divide(frames)
        features, memory = self.start(first, quality), None
        total: Any = 0.0
        for number, packet in enumerate(packets, 1):
            inputs = packet, features, memory, quality, *self.nothing_known(number, packet)
            _, values, features, memory = self.packet(*inputs)
            total = total + values.asnumpy()
        return tuple(Tensor(value, ms.float32) for value in total / len(packets))

    def divide(self, frames: Tensor) -> tuple[Tensor, list[Tensor]]:
        """The first frames, and the packets after them; raises `ConfigError` where frames are left over."""
        chunk, count = self.network.config.chunk, frames.shape[1] - 1
        if count < 1 or count % chunk:
            unit = "a frame" if chunk == 1 else f"a multiple of {chunk} frames"
            raise ConfigError(f"dataset.frames is {count + 1}: clips have one frame, then {unit} or more.")
        return frames[:, 0], [frames[:, at : at + chunk] for at in range(1, count + 1, chunk)]

    def start(self, first: Tensor, quality: Tensor) -> Tensor:
        """What the first packet is coded under."""
        if self.reference is not None:
            first = self.reference(first, quality)
        return self.network.start(to_ycbcr(first))

    def nothing_known(self, number: int, packet: Tensor, share: float = 1.0) -> tuple[Tensor, ...]:
        """The rest of the inputs of a `PacketObjective` of no packets behind it."""
        batch, _, _, height, width = packet.shape
        shape = batch, self.network.config.features, height // 8, width // 8
        zeros = Tensor(np.zeros(shape, np.float32))
        return Tensor(number, ms.int32), Tensor(share, ms.float32), zeros, zeros


class DcvcUfStep(CodecStep):
    """One step on a batch of clips: of each packet by itself, or cascaded."""

    network: ClipObjective

    def __init__(self, config: DcvcUfStepConfig, objective: ClipObjective, optimizer: nn.Optimizer) -> None:
        super().__init__(objective, optimizer, OUTPUTS, step_counter(), config.clip_norm)
        self.cascaded, self.quality = config.cascaded, config.quality
        weights = ParameterTuple(optimizer.parameters)
        place = self.rank, self.world
        first = _Gradients(objective.packet, weights, False, *place)
        later = _Gradients(objective.packet, weights, True, *place) if self.cascaded else first
        object.__setattr__(self, "first", first)
        object.__setattr__(self, "later", later)
        object.__setattr__(self, "apply", _OfAll(optimizer))
        object.__setattr__(self, "reduce", _OfAll(self.grad_reducer) if self.reducer_flag else None)
        self.clip_norm = config.clip_norm

    def __call__(self, frames: Tensor) -> tuple[Tensor, ...]:
        objective = self.network
        quality = self.qualities(len(frames))
        first, packets = objective.divide(frames)
        start = objective.start(first, quality)
        run = self._cascade if self.cascaded else self._one_by_one
        values = np.mean(run(packets, start, quality), 0)
        self.steps_done.set_data(self.steps_done + 1)
        return tuple(Tensor(value, ms.float32) for value in values)

    def qualities(self, count: int) -> Tensor:
        """A quality for each clip, (count), by noise seed and number of the step."""
        if self.quality >= 0:
            return Tensor(np.full(count, self.quality, np.int32))
        seeds = [int(self.noise_seed.asnumpy()), int(self.steps_done.asnumpy())]
        drawn = np.random.default_rng(seeds).integers(0, QUALITIES, count * self.world)
        return Tensor(drawn[self.rank :: self.world].astype(np.int32))

    def _one_by_one(self, packets: Sequence[Tensor], features: Tensor, quality: Tensor) -> list[np.ndarray]:
        """The network moves after each packet; the next one is coded under what is left, as it is."""
        memory, told = None, []
        step = self.optimizer.global_step
        done = Tensor(step.asnumpy().copy())
        for number, packet in enumerate(packets, 1):
            step.set_data(done.copy())  # rates are those of steps, of which this is one
            inputs = packet, features, memory, quality, *self.network.nothing_known(number, packet)
            (_, values, features, memory), gradients = self.first(*self._moment(number), *inputs)
            self._move(gradients)
            told.append(values.asnumpy())
        return told

    def _cascade(self, packets: Sequence[Tensor], features: Tensor, quality: Tensor) -> list[np.ndarray]:
        """The network moves once, by gradients that pass back through the states of all packets."""
        share = 1 / len(packets)
        inputs, memory = [], None
        for number, packet in enumerate(packets, 1):
            known = self.network.nothing_known(number, packet, share)
            inputs.append((packet, features, memory, quality, *known))
            if number < len(packets):
                _, _, features, memory = self.network.packet(*inputs[-1])
        told, of_state = [], inputs[-1][-2:]
        total: Any = None
        for number in range(len(packets), 0, -1):
            moment, given = self._moment(number), (*inputs[number - 1][:-2], *of_state)
            if number > 1:
                (_, values, *_), (of_state, gradients) = self.later(*moment, *given)
            else:
                (_, values, *_), gradients = self.first(*moment, *given)
            total = gradients if total is None else [a + b for a, b in zip(total, gradients, strict=True)]
            told.append(values.asnumpy())
        self._move(total)
        return told

    def _move(self, gradients: Sequence[Tensor]) -> None:
        """The optimizer, after the mean over ranks and the bound on the norm.

        Outside of a graph, which takes no loop over as many gradients as the larger networks have.
        """
        if self.reduce is not None:
            gradients = self.reduce(*gradients)
        if self.clip_norm > 0:
            total = ops.addn([ops.square(gradient).sum() for gradient in gradients])
            factor = self.clip_norm / ops.maximum(ops.sqrt(total), self.clip_norm)
            gradients = [gradient * factor for gradient in gradients]
        self.apply(*gradients)

    def _moment(self, number: int) -> tuple[Tensor, Tensor]:
        """What the noise of a packet of this step is seeded by."""
        moment = (int(self.steps_done.asnumpy()) * _MAX_PACKETS + number) % 2**31
        return self.noise_seed, Tensor(moment, ms.int32)


_MAX_PACKETS = 1024
"""Packets of a clip, whose noise does not repeat."""


def build(
    config: DcvcUfStepConfig, network: nn.Cell, loss: nn.Cell | None, optimizer: nn.Optimizer
) -> DcvcUfStep:
    """The step of video networks; raises `ConfigError` for another network or loss."""
    if not isinstance(network, VideoNetwork) or not isinstance(loss, DcvcUfLoss):
        raise ConfigError("step=dcvcuf trains model=dcvcuf by loss=dcvcuf: give these, or another step.")
    pictures = None
    if config.pictures:
        checkpoint = Checkpoint.open(Path(config.pictures))
        pictures = PictureNetwork(checkpoint.options("dcvcuf_intra", DcvcUfIntraConfig))
        checkpoint.load_into(pictures)
        pictures.set_train(False)
    return DcvcUfStep(config, ClipObjective(network, loss, pictures), optimizer)


def build_intra(
    config: DcvcUfIntraStepConfig, network: nn.Cell, loss: nn.Cell | None, optimizer: nn.Optimizer
) -> CodecStep:
    """The step of the picture network; raises `ConfigError` for another network or loss."""
    if not isinstance(network, PictureNetwork) or not isinstance(loss, DcvcUfLoss):
        raise ConfigError(
            "step=dcvcuf_intra trains model=dcvcuf_intra by loss=dcvcuf_intra: give these, or another step."
        )
    objective = PictureObjective(network, loss)
    return CodecStep(objective, optimizer, OUTPUTS, step_counter(), config.clip_norm)
