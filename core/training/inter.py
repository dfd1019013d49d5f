"""The objective and training step of codecs that code one frame under the one before it, on clips."""

from __future__ import annotations

from collections.abc import Sequence

from mindspore import Parameter, Tensor, nn, ops

from core.hooks import InterLoss
from core.training.rate_distortion import CodecStep
from core.training.steps import InterStepConfig, Reference


class InterObjective(nn.Cell):
    """What a loss gives for a batch of clips: ``construct(frames)``, N,T,3,H,W, T at least 2; means over frames.

    Every frame but the first is coded under the one before it: as it is in the clip, or, after the ``warm_up_steps``
    of the loss, as it was decoded, clamped to [0,1], through which no gradient passes; what is decoded in the warm-up
    shows nothing yet. The first frame is never coded. Subclasses define `code`.
    """

    def __init__(
        self, network: nn.Cell, loss: InterLoss, steps_done: Parameter, reference: Reference
    ) -> None:
        super().__init__(auto_prefix=False)
        self.network = network
        self.loss = loss
        self.steps_done = steps_done
        self.decoded = reference is Reference.decoded

    def construct(self, frames: Tensor) -> tuple[Tensor, ...]:
        reference, totals = frames[:, 0], 0.0
        for time in range(1, frames.shape[1]):
            frame = frames[:, time]
            reconstruction, values = self.code(frame, reference)
            totals = totals + values
            reference = self.next_reference(frame, reconstruction)
        return ops.unstack(totals / (frames.shape[1] - 1))

    def code(self, frame: Tensor, reference: Tensor) -> tuple[Tensor, Tensor]:
        """A frame under its reference, N,3,H,W: the reconstruction, and the loss's scalars as a vector."""
        raise NotImplementedError

    def next_reference(self, frame: Tensor, reconstruction: Tensor) -> Tensor:
        """What the next frame is coded under, N,3,H,W."""
        if not self.decoded:
            return frame
        decoded = ops.stop_gradient(ops.clamp(reconstruction, 0.0, 1.0))
        if self.training:
            return ops.where(self.steps_done < self.loss.warm_up_steps, frame, decoded)
        return decoded


class InterStep(CodecStep):
    """One step; a training resumed from a checkpoint goes on in the stage where it was."""

    def __init__(
        self,
        config: InterStepConfig,
        objective: InterObjective,
        optimizer: nn.Optimizer,
        outputs: Sequence[str],
    ) -> None:
        super().__init__(
            objective, optimizer, outputs, objective.steps_done, config.clip_norm, config.clip_value
        )
