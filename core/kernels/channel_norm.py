"""Normalisation over the channels of each pixel."""

from __future__ import annotations

from mindspore import Tensor, nn

from core.kernels.operator import operator


class Normalise(nn.Cell):
    """gamma * (x - mean) / sqrt(variance + epsilon) + beta over channels, ``construct(x, gamma, beta)``.

    x N,H,W,C with at least 2 channels, gamma and beta C, all float32; the variance is the unbiased one. Gradients add
    up in the same order on any number of threads.
    """

    def __init__(self, epsilon: float) -> None:
        super().__init__()
        input_gradient = operator("NormaliseGradient", epsilon=epsilon)
        scale_gradients = operator("NormaliseScaleGradients", results=2, epsilon=epsilon)

        def gradients(
            x: Tensor, gamma: Tensor, beta: Tensor, out: Tensor, dout: Tensor
        ) -> tuple[Tensor, ...]:
            of_scale = scale_gradients(x, gamma, dout)
            return input_gradient(x, gamma, dout), of_scale[0], of_scale[1]

        self.normalise = operator("Normalise", bprop=gradients, epsilon=epsilon)

    def construct(self, x: Tensor, gamma: Tensor, beta: Tensor) -> Tensor:
        return self.normalise(x, gamma, beta)
