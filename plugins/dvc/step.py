"""What DVC is trained on: a network that codes one frame under another, on clips."""

from __future__ import annotations

from mindspore import Tensor, nn, ops

from core.errors import ConfigError
from core.training import InterObjective, InterStep, step_counter

from .cells import Dvc
from .config import DvcStepConfig
from .loss import DvcLoss


class DvcObjective(InterObjective):
    """The frame of `InterObjective`, with what DVC's loss sees of the network."""

    def code(self, frame: Tensor, reference: Tensor) -> tuple[Tensor, Tensor]:
        reconstruction, parts, costs = self.network(frame, reference)
        values = self.loss(frame, reference, reconstruction, parts, costs, self.steps_done)
        return reconstruction, ops.stack(values)


def build(
    config: DvcStepConfig, network: nn.Cell, loss: nn.Cell | None, optimizer: nn.Optimizer
) -> InterStep:
    """The step; raises `ConfigError` for another network or loss."""
    if not isinstance(network, Dvc) or not isinstance(loss, DvcLoss):
        raise ConfigError("step=dvc trains model=dvc by loss=dvc: give these, or another step.")
    objective = DvcObjective(network, loss, step_counter(), config.reference)
    return InterStep(config, objective, optimizer, loss.outputs)
