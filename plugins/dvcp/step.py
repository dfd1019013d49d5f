"""The training step of DVC-P: the codec and the discriminator take turns, each with an optimizer of its own."""

from __future__ import annotations

import mindspore as ms
from mindspore import Parameter, Tensor, nn, ops

from core.errors import ConfigError
from core.training import InterObjective, InterStep, Reference, mean_over_ranks, prefix_state, step_counter
from plugins.dvc.cells import Dvc

from .config import DvcpStepConfig
from .discriminator import Discriminator, adversarial_loss, discriminator_loss
from .loss import DvcpLoss, feature_distance

Judged = tuple[Tensor, Tensor]


class DvcpObjective(InterObjective):
    """What the loss gives for a batch of clips: ``construct(frames)``, N,T,3,H,W, T at least 2; means over frames.

    Frames are coded as in DVC. Before the stage ``clips`` of a training, only the second frame of each clip is. In
    training the last frame that was coded and its reconstruction follow the scalars.
    """

    loss: DvcpLoss

    def __init__(
        self,
        network: Dvc,
        loss: DvcpLoss,
        discriminator: Discriminator,
        steps_done: Parameter,
        reference: Reference,
    ) -> None:
        super().__init__(network, loss, steps_done, reference)
        self.discriminator = discriminator
        self.clips_from = loss.config.stages.step("clips")
        self.adversarial_from = loss.config.stages.phases["adversarial"]

    def construct(self, frames: Tensor) -> tuple[Tensor, ...]:
        frame = frames[:, 1]
        reconstruction, values = self.code(frame, frames[:, 0])
        begin = self.clips_from if self.training else 0
        if self.steps_done >= begin:
            for time in range(2, frames.shape[1]):
                reference = self.next_reference(frame, reconstruction)
                frame = frames[:, time]
                reconstruction, more = self.code(frame, reference)
                values = values + more
            values = values / (frames.shape[1] - 1)
        scalars = ops.unstack(values)
        if self.training:
            return scalars + (frame, reconstruction)
        return scalars

    def code(self, frame: Tensor, reference: Tensor) -> tuple[Tensor, Tensor]:
        """The reconstruction, and the loss's scalars as a vector."""
        reconstruction, parts, costs = self.network(frame, reference)
        judged = self._judge(frame, reconstruction)
        values = self.loss(frame, reference, reconstruction, parts, costs, judged, self.steps_done)
        return reconstruction, ops.stack(values)

    def _judge(self, frame: Tensor, reconstruction: Tensor) -> Judged:
        """The adversarial loss, and the distance of the discriminator's features where it is wanted; else 0."""
        adversarial, matching = ops.zeros((), ms.float32), ops.zeros((), ms.float32)
        if self.loss.adversarial_weight > 0 and self.steps_done >= self.adversarial_from:
            scores, features = self.discriminator.compare(frame, reconstruction)
            adversarial = adversarial_loss(scores[1])
            if self.loss.matches:
                matching = feature_distance(features[1], features[0], frame)
        return adversarial, matching


class DiscriminatorObjective(nn.Cell):
    """The discriminator's loss on frames and on what was made of them, N,3,H,W."""

    def __init__(self, discriminator: Discriminator) -> None:
        super().__init__(auto_prefix=False)
        self.discriminator = discriminator

    def construct(self, frames: Tensor, reconstructions: Tensor) -> Tensor:
        of_frames, of_reconstructions = self.discriminator.compare(frames, reconstructions)[0]
        return discriminator_loss(of_frames, of_reconstructions)


class DvcpStep(InterStep):
    """One step: an update of the codec, then, once the adversarial stage has begun, one of the discriminator.

    The discriminator learns from the last frame of each clip and the reconstruction that the codec's update was made
    for, through which no gradient passes. It belongs to the step, not to the network: checkpoints hold it with the
    state of the training, and what decodes a stream does not depend on it. Restore a state before the first step: what
    only a branch of the graph reads, MindSpore fetches once.
    """

    def __init__(self, config: DvcpStepConfig, network: Dvc, loss: DvcpLoss, optimizer: nn.Optimizer) -> None:
        steps_done = step_counter()
        discriminator = Discriminator(config.discriminator)
        discriminator.update_parameters_name("discriminator.")
        objective = DvcpObjective(network, loss, discriminator, steps_done, config.reference)
        outputs = (*loss.outputs, "discriminator")
        super().__init__(config, objective, optimizer, outputs)
        parameters = discriminator.trainable_params()
        self.is_adversarial = loss.adversarial_weight > 0
        self.adversarial_from = objective.adversarial_from
        self.discriminator_optimizer = prefix_state(
            nn.Adam(parameters, config.discriminator_lr), "discriminator_adam."
        )
        self.discriminator_value_and_grad = ops.value_and_grad(
            DiscriminatorObjective(discriminator), None, self.discriminator_optimizer.parameters
        )
        self.discriminator_reducer = nn.Identity()
        if self.reducer_flag:
            self.discriminator_reducer = mean_over_ranks(parameters)

    def construct(self, *columns: Tensor) -> tuple[Tensor, ...]:
        step = self.steps_done + 0
        values = self.optimise_under_noise(*columns)
        loss = ops.zeros((), ms.float32)
        if self.is_adversarial and step >= self.adversarial_from:
            loss, gradients = self.discriminator_value_and_grad(values[-2], values[-1])
            gradients = self.discriminator_reducer(gradients)
            loss = ops.depend(loss, self.discriminator_optimizer(gradients))
        return values[:-2] + (loss,)


def build(
    config: DvcpStepConfig, network: nn.Cell, loss: nn.Cell | None, optimizer: nn.Optimizer
) -> DvcpStep:
    """The step; raises `ConfigError` for another network or loss."""
    if not isinstance(network, Dvc) or not isinstance(loss, DvcpLoss):
        raise ConfigError("step=dvcp trains model=dvcp or dvc by loss=dvcp: give these, or another step.")
    return DvcpStep(config, network, loss, optimizer)
