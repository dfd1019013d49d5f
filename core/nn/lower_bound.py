"""A lower bound that a parameter or a latent can leave again."""

from __future__ import annotations

from mindspore import Tensor, nn, ops


class LowerBound(nn.Cell):
    """max(x, bound), whose gradient passes where x >= bound or where a step along it would raise x."""

    def __init__(self, bound: float) -> None:
        super().__init__()
        self.bound = bound

    def construct(self, x: Tensor) -> Tensor:
        return ops.maximum(x, self.bound)

    def bprop(self, x: Tensor, out: Tensor, dout: Tensor) -> tuple[Tensor]:
        """Gradient of `construct`; descent raises x where ``dout`` is negative."""
        passes = ops.logical_or(x >= self.bound, dout < 0)
        return (ops.where(passes, dout, ops.zeros_like(dout)),)
