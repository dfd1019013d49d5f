"""The training step of CycMuNet+: two low-resolution frames in, four pictures out, one weighted loss."""

from __future__ import annotations

from mindspore import Tensor, nn

from core.errors import ConfigError
from core.training import TrainStep

from .config import CycMuNetStepConfig


class Objective(nn.Cell):
    """The loss on a batch of triplets.

    Columns: ``frames`` (N,3,3,H,W) and ``low`` (N,3,3,H/scale,W/scale), axis 1 is time. The network sees the low
    frames 0 and 2; the targets are the high frames 0, 1, 2 and the low frame 1.
    """

    def __init__(self, network: nn.Cell, loss: nn.Cell) -> None:
        super().__init__(auto_prefix=False)
        self.network = network
        self.loss = loss

    def construct(self, frames: Tensor, low: Tensor) -> tuple[Tensor, ...]:
        outputs = self.network(low[:, 0], low[:, 2])
        targets = (frames[:, 0], frames[:, 1], frames[:, 2], low[:, 1])
        return (self.loss(outputs, targets),)


def build(
    config: CycMuNetStepConfig, network: nn.Cell, loss: nn.Cell | None, optimizer: nn.Optimizer
) -> TrainStep:
    """The step; raises `ConfigError` without a loss."""
    if loss is None:
        raise ConfigError("step=cycmunet needs a loss: give loss=cycmunet.")
    return TrainStep(Objective(network, loss), optimizer, config.clip_norm)
