"""The training loss: rate and distortion, where a key frame's error counts more than that of a frame between."""

from __future__ import annotations

from mindspore import Tensor, nn, ops

from .config import HierarchyLossConfig


class HierarchyLoss(nn.Cell):
    """lmbda * weighted squared error + bits per pixel; ``outputs`` names what ``construct`` returns.

    ``construct(frames, reconstructions, bits)``: what `Hierarchy` takes and gives. Returns the loss, the mean squared
    error of the two coded frames on the scale of [0,1], and their bits per pixel.
    """

    outputs = ("loss", "mse", "bpp")

    def __init__(self, config: HierarchyLossConfig) -> None:
        super().__init__()
        self.lmbda = config.lmbda
        self.key_weight = config.anchor_weight
        self.square = nn.MSELoss()

    def construct(
        self, frames: Tensor, reconstructions: Tensor, bits: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        _, middle, last = ops.unstack(frames, 1)
        _, between, key = ops.unstack(reconstructions, 1)
        of_between, of_key = self.square(between, middle), self.square(key, last)
        weighted = (of_between + self.key_weight * of_key) / (1.0 + self.key_weight)
        batch, _, _, height, width = frames.shape
        rate = bits / (2 * batch * height * width)
        return self.lmbda * weighted + rate, (of_between + of_key) / 2, rate
