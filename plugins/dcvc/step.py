"""What DCVC is trained on: a network that codes one frame under another, on clips."""

from __future__ import annotations

from mindspore import Tensor, ops

from core.training.inter import InterObjective


class DcvcObjective(InterObjective):
    """The frame of `InterObjective`, with what DCVC's loss sees of the network."""

    def code(self, frame: Tensor, reference: Tensor) -> tuple[Tensor, Tensor]:
        motion_learns = self.loss.motion_learns(self.steps_done)
        reconstruction, flows, costs = self.network(frame, reference, motion_learns)
        values = self.loss(frame, reference, reconstruction, flows, costs, self.steps_done)
        return reconstruction, ops.stack(values)
