"""SSFVC's way to packets and back: an intra packet holds one latent, an inter packet motion and residual.

Which tables a latent's symbols y are coded under follows from its hyper-latent z in integers, which a float network
cannot stand in for; all else between pictures and symbols is in the stages.
"""

from __future__ import annotations

from mindspore import Tensor

from core.codec import (
    Latents,
    LearnedIntra,
    Made,
    PacketReader,
    PacketWriter,
    PictureCodec,
    PredictiveCodec,
    stage,
)
from core.hooks import Plane
from core.nn import Stage
from core.training import learned_intra

from .cells import MULTIPLE, ScaleSpaceFlow
from .config import SsfvcConfig, SsfvcIntraConfig

Symbols = tuple[Tensor, Tensor]
"""Symbols of z, N,C,H/128,W/128, and of y, N,C,H/16,W/16: whole numbers in float32."""

_FRAME, _REFERENCE, _PREDICTION = Plane("frame", 3), Plane("reference", 3), Plane("prediction", 3)
_SYMBOLS = Plane("z", "latent", MULTIPLE), Plane("y", "latent", 16)
_MOTION = Plane("motion", "latent", 16)


class ImageAnalysis(Stage):
    """A frame, N,3,H,W, to symbols."""

    inputs, outputs = (_FRAME,), ("z", "y")

    def construct(self, frame: Tensor) -> Symbols:
        image = self.network.image
        return image.hyperprior.symbols(image.analysis(frame))


class ImageSynthesis(Stage):
    """Symbols to the frame."""

    inputs, outputs = _SYMBOLS, ("frame",)

    def construct(self, z_symbols: Tensor, y_symbols: Tensor) -> Tensor:
        image = self.network.image
        return image.synthesis(image.hyperprior.restore(z_symbols, y_symbols))


class MotionAnalysis(Stage):
    """A frame and its reference to the motion's symbols."""

    inputs, outputs = (_FRAME, _REFERENCE), ("z", "y")

    def construct(self, frame: Tensor, reference: Tensor) -> Symbols:
        return self.network.motion.hyperprior.symbols(self.network.analyse_motion(frame, reference))


class MotionSynthesis(Stage):
    """The motion's symbols and the reference to the prediction, N,3,H,W, and the motion's latent, N,C,H/16,W/16."""

    inputs, outputs = (*_SYMBOLS, _REFERENCE), ("prediction", "motion")

    def construct(self, z_symbols: Tensor, y_symbols: Tensor, reference: Tensor) -> tuple[Tensor, Tensor]:
        motion = self.network.motion.hyperprior.restore(z_symbols, y_symbols)
        return self.network.predict(motion, reference), motion


class ResidualAnalysis(Stage):
    """A frame and its prediction to the residual's symbols."""

    inputs, outputs = (_FRAME, _PREDICTION), ("z", "y")

    def construct(self, frame: Tensor, prediction: Tensor) -> Symbols:
        residual = self.network.residual
        return residual.hyperprior.symbols(residual.analysis(frame - prediction))


class ResidualSynthesis(Stage):
    """The residual's symbols, the prediction and the motion's latent to the frame."""

    inputs, outputs = (*_SYMBOLS, _PREDICTION, _MOTION), ("frame",)

    def construct(self, z_symbols: Tensor, y_symbols: Tensor, prediction: Tensor, motion: Tensor) -> Tensor:
        residual = self.network.residual.hyperprior.restore(z_symbols, y_symbols)
        return self.network.correct(prediction, residual, motion)


class SsfvcImages(PictureCodec):
    """How the codec of a trained `ScaleSpaceFlow` codes frames by themselves, its own or another codec's."""

    multiple = MULTIPLE

    image_analysis = stage(ImageAnalysis)
    image_synthesis = stage(ImageSynthesis)

    @staticmethod
    def latents(network: ScaleSpaceFlow) -> Latents:
        return {"image": (network.image.hyperprior, 16)}

    def encode_intra(self, frame: Tensor, packet: PacketWriter) -> Made:
        return self.image_synthesis(*packet.write("image", self.image_analysis(frame)))

    def decode_intra(self, packet: PacketReader) -> Made:
        return self.image_synthesis(*packet.read("image"))


def intra(config: SsfvcIntraConfig) -> LearnedIntra:
    """The picture codec inside a trained network."""
    return learned_intra(config.checkpoint, "ssfvc", SsfvcConfig, ScaleSpaceFlow, SsfvcImages)


class SsfvcCodec(SsfvcImages, PredictiveCodec):
    """The codec of a trained `ScaleSpaceFlow`."""

    inputs = (Plane("frames", 3, leading=(1, 2)),)
    outputs = ("reconstructions", "bits")

    motion_analysis = stage(MotionAnalysis)
    motion_synthesis = stage(MotionSynthesis)
    residual_analysis = stage(ResidualAnalysis)
    residual_synthesis = stage(ResidualSynthesis)

    @staticmethod
    def latents(network: ScaleSpaceFlow) -> Latents:
        return {name: (getattr(network, name).hyperprior, 16) for name in ("image", "motion", "residual")}

    def encode(self, frame: Tensor, reference: Tensor, packet: PacketWriter) -> Made:
        symbols = packet.write("motion", self.motion_analysis(frame, reference))
        prediction, motion = self.motion_synthesis(*symbols, reference)
        residual = packet.write("residual", self.residual_analysis(frame, prediction))
        return self.residual_synthesis(*residual, prediction, motion)

    def decode(self, packet: PacketReader, reference: Tensor) -> Made:
        prediction, motion = self.motion_synthesis(*packet.read("motion"), reference)
        return self.residual_synthesis(*packet.read("residual"), prediction, motion)
