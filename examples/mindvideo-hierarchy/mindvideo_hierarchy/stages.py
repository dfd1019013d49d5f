"""The network in the pieces that the codec runs; encoder and decoder compute pictures by the same ones."""

from __future__ import annotations

from mindspore import Tensor

from core.nn.stage import Stage


class MotionAnalysis(Stage):
    """A frame and its neighbours, 1,3,H,W, to the motion's symbols, 1,C,H/8,W/8."""

    def construct(self, frame: Tensor, before: Tensor, after: Tensor) -> Tensor:
        return self.network.motion.symbols(self.network.flows(frame, before, after))


class MotionSynthesis(Stage):
    """The motion's symbols and the neighbours to the prediction, 1,3,H,W."""

    def construct(self, motion: Tensor, before: Tensor, after: Tensor) -> Tensor:
        return self.network.blend(self.network.motion.restore(motion), before, after)


class ResidualAnalysis(Stage):
    """A frame and its prediction to the residual's symbols."""

    def construct(self, frame: Tensor, prediction: Tensor) -> Tensor:
        return self.network.residual.symbols(frame - prediction)


class ResidualSynthesis(Stage):
    """The residual's symbols and the prediction to the frame."""

    def construct(self, residual: Tensor, prediction: Tensor) -> Tensor:
        return prediction + self.network.residual.restore(residual)


class Information(Stage):
    """Symbols to their information content under the float priors, in bits (scalar)."""

    def construct(self, motion: Tensor, residual: Tensor) -> Tensor:
        return self.network.motion.information(motion) + self.network.residual.information(residual)
