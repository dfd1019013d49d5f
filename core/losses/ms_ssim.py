"""Multi-scale structural similarity (Wang, Simoncelli and Bovik, 2003) as a training loss."""

from __future__ import annotations

from mindspore import Tensor, nn, ops
from mindspore.ops import constexpr

from core.errors import ConfigError
from core.losses.ssim import WINDOW, StructuralSimilarity, planes

_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
"""Exponents of the scales, finest first (section 3.2)."""
_MIN_SIZE = (WINDOW - 1) * 2 ** (len(_WEIGHTS) - 1) + 1


class MsSsimLoss(nn.Cell):
    """1 - MS-SSIM of two pictures N,C,H,W in [0,1], as `core.metrics.quality.ms_ssim` measures it.

    A picture's channel with a negative term counts as 0 and gives no gradient, so a network should know its task
    roughly before it is trained by this. Raises `ConfigError` for a height or width below 161 pixels.
    """

    def __init__(self) -> None:
        super().__init__()
        self.similarity = StructuralSimilarity()

    def construct(self, prediction: Tensor, target: Tensor) -> Tensor:
        _check_size(prediction.shape[2], prediction.shape[3])
        x, y = planes(prediction), planes(target)
        product = 1.0
        for weight in _WEIGHTS[:-1]:
            product = product * _power(self.similarity(x, y)[1], weight)
            x, y = _halve(x), _halve(y)
        product = product * _power(self.similarity(x, y)[0], _WEIGHTS[-1])
        return 1 - product.mean()


def _power(base: Tensor, exponent: float) -> Tensor:
    """base^exponent, or 0 where base is not positive, with a finite gradient everywhere.

    By exp and xlogy: the last bits of MindSpore's ``pow`` depend on how often it ran, which no training may.
    """
    positive = base > 0
    power = ops.exp(ops.xlogy(exponent, ops.where(positive, base, ops.ones_like(base))))
    return ops.where(positive, power, ops.zeros_like(base))


def _halve(x: Tensor) -> Tensor:
    """Means over 2x2 pixels; an odd side is led by zeros."""
    if x.shape[2] % 2:
        x = ops.concat((ops.zeros_like(x[:, :, :1]), x), 2)
    if x.shape[3] % 2:
        x = ops.concat((ops.zeros_like(x[:, :, :, :1]), x), 3)
    return ops.avg_pool2d(x, 2, 2)


@constexpr
def _check_size(height: int, width: int) -> None:
    if min(height, width) < _MIN_SIZE:
        raise ConfigError(
            f"MS-SSIM needs pictures of {_MIN_SIZE}x{_MIN_SIZE} pixels at least, not {width}x{height}: "
            "give larger crops, or loss.distortion=mse."
        )
