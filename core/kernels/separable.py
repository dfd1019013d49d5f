"""The depthwise-separable residual block as one operator, with first-order gradients."""

from __future__ import annotations

from mindspore import Tensor, nn

from core.kernels.operator import operator

_RESULTS = 11
"""Gradients of x and of ten parameters."""


class Separable(nn.Cell):
    """`core.nn.separable.SeparableBlock` without its adaptor, ``construct(x, …)``: x N,C,H,W -> N,C,H,W.

    After x come weight and bias of dc.0, dc.2, dc.3, ffn.0 and ffn.2. All are float32. Gradients need x alone: what is
    between the convolutions is computed anew for them.

    Args:
        gated: activations are x * sigmoid(slope * x), after ffn.0 summed over each four channels; else LeakyReLU.
        slope: of the activation.
        shortcut: x is added to the result once more.
        channels_last: x and the result are N,H,W,C.
        low: what is between x and the result is bfloat16.

    Raises ValueError where the library is not in use, TypeError for other types than float32, RuntimeError for shapes
    that do not fit.
    """

    def __init__(self, gated: bool, slope: float, shortcut: bool, channels_last: bool, low: bool) -> None:
        super().__init__()
        form = (int(gated), int(shortcut), int(channels_last), int(low))
        gradient = operator("SeparableBlockGradient", _RESULTS, separable=form, slope=slope)

        def gradients(
            x: Tensor,
            dc0: Tensor,
            dc0_bias: Tensor,
            dc2: Tensor,
            dc2_bias: Tensor,
            dc3: Tensor,
            dc3_bias: Tensor,
            ffn0: Tensor,
            ffn0_bias: Tensor,
            ffn2: Tensor,
            ffn2_bias: Tensor,
            out: Tensor,
            dout: Tensor,
        ) -> tuple[Tensor, ...]:
            of_dc = (dc0, dc0_bias, dc2, dc2_bias, dc3, dc3_bias)
            return gradient(x, *of_dc, ffn0, ffn0_bias, ffn2, ffn2_bias, dout)

        self.block = operator("SeparableBlock", bprop=gradients, separable=form, slope=slope)

    def construct(self, x: Tensor, *parameters: Tensor) -> Tensor:
        return self.block(x, *parameters)
