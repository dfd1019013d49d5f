"""Training loss of CycMuNet+: a distance for each output, weighted and summed."""

from __future__ import annotations

from mindspore import Tensor, nn

from core.training import Charbonnier, SsimLoss

from .config import CycMuNetLossConfig, Distance


class CycMuNetLoss(nn.Cell):
    """``construct(outputs, targets)``: tuples of RGB N,3,H,W in the order of `VideoCycMuNet`; returns a scalar."""

    def __init__(self, config: CycMuNetLossConfig) -> None:
        super().__init__()
        self.distance = Charbonnier() if config.distance is Distance.charbonnier else SsimLoss()
        self.weights = (config.outer, config.middle, config.outer, config.low_middle)

    def construct(self, outputs: tuple[Tensor, ...], targets: tuple[Tensor, ...]) -> Tensor:
        total = self.weights[0] * self.distance(outputs[0], targets[0])
        for i in range(1, len(outputs)):
            total = total + self.weights[i] * self.distance(outputs[i], targets[i])
        return total
