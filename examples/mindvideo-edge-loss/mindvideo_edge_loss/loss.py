"""The edge loss."""

from __future__ import annotations

from mindspore import Tensor, nn, ops

from .config import EdgeLossConfig

EPSILON = 1 / 255
"""Differences well below one 8-bit level count quadratically, larger ones linearly."""


class EdgeLoss(nn.Cell):
    """Mean over pairs of pictures (N,3,H,W) of charbonnier(pictures) + weight · charbonnier(edges)."""

    def __init__(self, config: EdgeLossConfig) -> None:
        super().__init__()
        self.weight = config.weight

    def construct(self, outputs: tuple[Tensor, ...], targets: tuple[Tensor, ...]) -> Tensor:
        total = self._distance(outputs[0] - targets[0])
        for index in range(1, len(outputs)):
            total = total + self._distance(outputs[index] - targets[index])
        return total / len(outputs)

    def _distance(self, difference: Tensor) -> Tensor:
        # Taking edges is linear, so the edges' difference is the difference's edges.
        across = difference[..., :, 1:] - difference[..., :, :-1]
        down = difference[..., 1:, :] - difference[..., :-1, :]
        edges = _charbonnier(across) + _charbonnier(down)
        return _charbonnier(difference) + self.weight * edges


def _charbonnier(difference: Tensor) -> Tensor:
    return ops.mean(ops.sqrt(difference * difference + EPSILON * EPSILON))
