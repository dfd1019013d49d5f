"""What DCVC is trained on: a network that codes one frame under another, on clips."""

from __future__ import annotations

from mindspore import Tensor, nn, ops

from core.errors import ConfigError
from core.training import InterObjective, InterStep, step_counter

from .cells import Dcvc
from .config import DcvcStepConfig
from .loss import DcvcLoss


class DcvcObjective(InterObjective):
    """The frame of `InterObjective`, with what DCVC's loss sees of the network."""

    loss: DcvcLoss

    def code(self, frame: Tensor, reference: Tensor) -> tuple[Tensor, Tensor]:
        motion_learns = self.loss.motion_learns(self.steps_done)
        reconstruction, flows, costs = self.network(frame, reference, motion_learns)
        values = self.loss(frame, reference, reconstruction, flows, costs, self.steps_done)
        return reconstruction, ops.stack(values)


def build(
    config: DcvcStepConfig, network: nn.Cell, loss: nn.Cell | None, optimizer: nn.Optimizer
) -> InterStep:
    """The step; raises `ConfigError` for another network or loss."""
    if not isinstance(network, Dcvc) or not isinstance(loss, DcvcLoss):
        raise ConfigError("step=dcvc trains model=dcvc by loss=dcvc: give these, or another step.")
    objective = DcvcObjective(network, loss, step_counter(), config.reference)
    return InterStep(config, objective, optimizer, loss.outputs)
