"""Charbonnier loss: an absolute difference that is smooth at zero."""

from __future__ import annotations

from mindspore import Tensor, nn, ops


class Charbonnier(nn.Cell):
    """Mean of sqrt(d² + epsilon²) over all elements of two tensors of equal shape."""

    def __init__(self, epsilon: float = 1 / 255) -> None:
        super().__init__()
        self.squared_epsilon = epsilon**2

    def construct(self, prediction: Tensor, target: Tensor) -> Tensor:
        difference = prediction - target
        return ops.sqrt(difference * difference + self.squared_epsilon).mean()
