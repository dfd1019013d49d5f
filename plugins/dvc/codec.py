"""DVC's way to packets and back: intra packets hold another codec's pictures, inter packets motion and residual.

Which tables the residual's symbols are coded under follows from its hyper-latent z in integers, which a float network
cannot stand in for; all else between pictures and symbols is in the stages.
"""

from __future__ import annotations

from mindspore import Tensor

from core.codec import Latents, Made, PacketReader, PacketWriter, PredictiveCodec, stage
from core.hooks import Plane
from core.nn import Stage

from .cells import MULTIPLE, Dvc

_FRAME, _REFERENCE, _PREDICTION = Plane("frame", 3), Plane("reference", 3), Plane("prediction", 3)
_MOTION, _Y = Plane("motion", "motion", 16), Plane("y", "latent", 16)


class MotionAnalysis(Stage):
    """A frame and its reference, N,3,H,W, to the motion's symbols, N,C,H/16,W/16."""

    inputs, outputs = (_FRAME, _REFERENCE), ("motion",)

    def construct(self, frame: Tensor, reference: Tensor) -> Tensor:
        return self.network.motion.prior.symbols(self.network.analyse_motion(frame, reference))


class MotionSynthesis(Stage):
    """The motion's symbols and the reference to the prediction, N,3,H,W."""

    inputs, outputs = (_MOTION, _REFERENCE), ("prediction",)

    def construct(self, motion: Tensor, reference: Tensor) -> Tensor:
        return self.network.refine(self.network.displace(motion, reference), reference)


class ResidualAnalysis(Stage):
    """A frame and its prediction to the residual's symbols z, N,C,H/64,W/64, and y, N,C,H/16,W/16."""

    inputs, outputs = (_FRAME, _PREDICTION), ("z", "y")

    def construct(self, frame: Tensor, prediction: Tensor) -> tuple[Tensor, Tensor]:
        return self.network.residual.hyperprior.symbols(self.network.analyse_residual(frame, prediction))


class ResidualSynthesis(Stage):
    """The residual's symbols y and the prediction to the frame."""

    inputs, outputs = (_Y, _PREDICTION), ("frame",)

    def construct(self, y: Tensor, prediction: Tensor) -> Tensor:
        return self.network.correct(prediction, y)


class DvcCodec(PredictiveCodec):
    """The codec of a trained `Dvc`, which DVC-P's network is as well."""

    multiple = MULTIPLE
    inputs = _FRAME, _REFERENCE
    outputs = (
        *("reconstruction", "flow", "warped", "prediction"),
        *("motion_bits", "residual_bits", "hyper_bits"),
    )

    motion_analysis = stage(MotionAnalysis)
    motion_synthesis = stage(MotionSynthesis)
    residual_analysis = stage(ResidualAnalysis)
    residual_synthesis = stage(ResidualSynthesis)

    @staticmethod
    def latents(network: Dvc) -> Latents:
        return {"motion.prior": (network.motion.prior, 16), "residual": (network.residual.hyperprior, 16)}

    def encode(self, frame: Tensor, reference: Tensor, packet: PacketWriter) -> Made:
        motion = packet.write("motion.prior", self.motion_analysis(frame, reference))
        prediction = self.motion_synthesis(motion, reference)
        _, y = packet.write("residual", self.residual_analysis(frame, prediction))
        return self.residual_synthesis(y, prediction)

    def decode(self, packet: PacketReader, reference: Tensor) -> Made:
        prediction = self.motion_synthesis(packet.read("motion.prior"), reference)
        _, y = packet.read("residual")
        return self.residual_synthesis(y, prediction)
