"""The rate-distortion objective of learned video compression."""

from __future__ import annotations

from mindspore import Tensor, nn

from core.losses.entries import Distortion, RateDistortionConfig
from core.losses.ms_ssim import MsSsimLoss


class RateDistortionLoss(nn.Cell):
    """lmbda * distortion + rate; ``outputs`` names what ``construct`` returns.

    ``construct(frames, reconstructions, bits)``: N,T,3,H,W in [0,1], the same not clamped, and the information content
    of the batch, a scalar. Returns three scalars: the loss, the distortion on the scale of [0,1] and the rate in bits
    per pixel, bits / (N*T*H*W).
    """

    def __init__(self, config: RateDistortionConfig) -> None:
        super().__init__()
        is_mse = config.distortion is Distortion.mse
        self.weight = config.lmbda * config.peak**2 if is_mse else config.lmbda
        self.distance = nn.MSELoss() if is_mse else MsSsimLoss()
        self.outputs = ("loss", "mse" if is_mse else "ms_ssim_distance", "bpp")

    def construct(
        self, frames: Tensor, reconstructions: Tensor, bits: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        batch, time, channels, height, width = frames.shape
        shape = (batch * time, channels, height, width)
        distortion = self.distance(reconstructions.reshape(shape), frames.reshape(shape))
        rate = bits / (batch * time * height * width)
        return self.weight * distortion + rate, distortion, rate
