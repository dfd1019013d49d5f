"""The network in the pieces that a codec runs: each is compiled once for a size, and shared by encoder and decoder.

Whatever the decoder computes, the encoder computes by the same cell from the same inputs, so both get the same to the
last bit where the arithmetic is the same.
"""

from __future__ import annotations

from mindspore import Tensor, ops

from core.nn.stage import Stage

Symbols = tuple[Tensor, Tensor, Tensor]
"""Of motion, N,C,H/16,W/16; of the residual's z, N,C,H/64,W/64, and y, N,C,H/16,W/16: whole numbers in float32."""


class MotionAnalysis(Stage):
    """A frame and its reference, N,3,H,W, to the motion's symbols."""

    def construct(self, frame: Tensor, reference: Tensor) -> Tensor:
        return ops.round(self.network.analyse_motion(frame, reference))


class MotionSynthesis(Stage):
    """The motion's symbols and the reference to the prediction, N,3,H,W."""

    def construct(self, motion: Tensor, reference: Tensor) -> Tensor:
        return self.network.refine(self.network.displace(motion, reference), reference)


class ResidualAnalysis(Stage):
    """A frame and its prediction to the residual's symbols z and y."""

    def construct(self, frame: Tensor, prediction: Tensor) -> tuple[Tensor, Tensor]:
        return self.network.residual.hyperprior.symbols(self.network.analyse_residual(frame, prediction))


class ResidualSynthesis(Stage):
    """The residual's symbols y and the prediction to the frame."""

    def construct(self, y: Tensor, prediction: Tensor) -> Tensor:
        return self.network.correct(prediction, y)


class Information(Stage):
    """Symbols to their information content under the float priors, in bits (scalar)."""

    def construct(self, motion: Tensor, z: Tensor, y: Tensor) -> Tensor:
        motion_bits = self.network.motion.information(motion)
        return motion_bits + self.network.residual.hyperprior.information(z, y)
