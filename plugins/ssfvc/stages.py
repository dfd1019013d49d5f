"""The network in the pieces that a codec runs: each is compiled once for a size, and shared by encoder and decoder.

Latents pass between them as symbols of z and y (`Hyperprior.symbols`). Whatever the decoder computes, the encoder
computes by the same cell from the same inputs, so both get the same to the last bit where the arithmetic is the same.
"""

from __future__ import annotations

from mindspore import Tensor

from core.nn.stage import Stage

Symbols = tuple[Tensor, Tensor]
"""Of z, N,C,H/128,W/128, and of y, N,C,H/16,W/16: whole numbers in float32."""


class ImageAnalysis(Stage):
    """A frame, N,3,H,W, to symbols."""

    def construct(self, frame: Tensor) -> Symbols:
        image = self.network.image
        return image.hyperprior.symbols(image.analysis(frame))


class ImageSynthesis(Stage):
    """Symbols to the frame."""

    def construct(self, z_symbols: Tensor, y_symbols: Tensor) -> Tensor:
        image = self.network.image
        return image.synthesis(image.hyperprior.restore(z_symbols, y_symbols))


class MotionAnalysis(Stage):
    """A frame and its reference to the motion's symbols."""

    def construct(self, frame: Tensor, reference: Tensor) -> Symbols:
        return self.network.motion.hyperprior.symbols(self.network.analyse_motion(frame, reference))


class MotionSynthesis(Stage):
    """The motion's symbols and the reference to the prediction, N,3,H,W, and the motion's latent, N,C,H/16,W/16."""

    def construct(self, z_symbols: Tensor, y_symbols: Tensor, reference: Tensor) -> tuple[Tensor, Tensor]:
        motion = self.network.motion.hyperprior.restore(z_symbols, y_symbols)
        return self.network.predict(motion, reference), motion


class ResidualAnalysis(Stage):
    """A frame and its prediction to the residual's symbols."""

    def construct(self, frame: Tensor, prediction: Tensor) -> Symbols:
        residual = self.network.residual
        return residual.hyperprior.symbols(residual.analysis(frame - prediction))


class ResidualSynthesis(Stage):
    """The residual's symbols, the prediction and the motion's latent to the frame."""

    def construct(self, z_symbols: Tensor, y_symbols: Tensor, prediction: Tensor, motion: Tensor) -> Tensor:
        residual = self.network.residual.hyperprior.restore(z_symbols, y_symbols)
        return self.network.correct(prediction, residual, motion)


class Information(Stage):
    """Symbols of one latent to their information content under the float priors, in bits (scalar).

    Its network is the latent's `Autoencoder`.
    """

    def construct(self, z_symbols: Tensor, y_symbols: Tensor) -> Tensor:
        return self.network.hyperprior.information(z_symbols, y_symbols)
