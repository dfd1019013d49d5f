"""The training step of DCVC: a network that codes one frame under another, on clips."""

from __future__ import annotations

from mindspore import Parameter, Tensor, nn, ops

from core.training.rate_distortion import CodecStep, counter

from .cells import Dcvc
from .loss import DcvcLoss
from .plugin import DcvcStepConfig, Reference


class DcvcObjective(nn.Cell):
    """What the loss gives for a batch of clips: ``construct(frames)``, N,T,3,H,W, T at least 2; means over frames.

    Every frame but the first is coded under the one before it: as it is in the clip, or, after the stages of flow and
    motion, as it was decoded, clamped to [0,1], through which no gradient passes. The first frame is never coded.
    """

    def __init__(self, network: Dcvc, loss: DcvcLoss, steps_done: Parameter, reference: Reference) -> None:
        super().__init__(auto_prefix=False)
        self.network = network
        self.loss = loss
        self.steps_done = steps_done
        self.decoded = reference is Reference.decoded

    def construct(self, frames: Tensor) -> tuple[Tensor, ...]:
        reference, totals = frames[:, 0], 0.0
        motion_learns = self.loss.motion_learns(self.steps_done)
        for time in range(1, frames.shape[1]):
            frame = frames[:, time]
            reconstruction, flows, costs = self.network(frame, reference, motion_learns)
            values = self.loss(frame, reference, reconstruction, flows, costs, self.steps_done)
            totals = totals + ops.stack(values)
            reference = self._next_reference(frame, reconstruction)
        return ops.unstack(totals / (frames.shape[1] - 1))

    def _next_reference(self, frame: Tensor, reconstruction: Tensor) -> Tensor:
        if not self.decoded:
            return frame
        decoded = ops.stop_gradient(ops.clamp(reconstruction, 0.0, 1.0))
        if self.training:  # before there is content, what is decoded shows nothing
            return ops.where(self.steps_done < self.loss.warm_up_steps, frame, decoded)
        return decoded


class DcvcStep(CodecStep):
    """One step; a training resumed from a checkpoint goes on in the stage where it was."""

    def __init__(
        self, config: DcvcStepConfig, network: Dcvc, loss: DcvcLoss, optimizer: nn.Optimizer
    ) -> None:
        steps_done = counter()
        objective = DcvcObjective(network, loss, steps_done, config.reference)
        super().__init__(
            objective, optimizer, loss.outputs, steps_done, config.clip_norm, clip_value=config.clip_value
        )
