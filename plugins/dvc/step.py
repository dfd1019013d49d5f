"""What DVC is trained on: a network that codes one frame under another, on clips."""

from __future__ import annotations

from mindspore import Tensor, ops

from core.training.inter import InterObjective


class DvcObjective(InterObjective):
    """The frame of `InterObjective`, with what DVC's loss sees of the network."""

    def code(self, frame: Tensor, reference: Tensor) -> tuple[Tensor, Tensor]:
        reconstruction, parts, costs = self.network(frame, reference)
        values = self.loss(frame, reference, reconstruction, parts, costs, self.steps_done)
        return reconstruction, ops.stack(values)
