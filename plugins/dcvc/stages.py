"""The network in the pieces that a codec runs: each is compiled once for a size, and shared by encoder and decoder.

Whatever the decoder computes, the encoder computes by the same cell from the same inputs, so both get the same to the
last bit where the arithmetic is the same.
"""

from __future__ import annotations

from mindspore import Tensor

from core.nn.stage import Stage


class MotionAnalysis(Stage):
    """A frame and its reference, N,3,H,W, to the motion's latent, N,C,H/16,W/16, and its hyper-latent's symbols."""

    def construct(self, frame: Tensor, reference: Tensor) -> tuple[Tensor, Tensor]:
        motion = self.network.motion
        latent = motion.analysis(self.network.spynet(frame, reference))
        return latent, motion.prior.hyper_symbols(latent)


class MotionSide(Stage):
    """The hyper-latent's symbols to all that is known of the motion's latent."""

    def construct(self, z: Tensor) -> Tensor:
        return self.network.motion.prior.side(z)


class Context(Stage):
    """The motion's decoded latent and the reference to the context, N,F,H,W, and the temporal prior."""

    def construct(self, latent: Tensor, reference: Tensor) -> tuple[Tensor, Tensor]:
        motion = self.network.motion.decode(latent, reference)
        context = self.network.context(reference, motion)
        return context, self.network.contextual.temporal(context)


class ContentAnalysis(Stage):
    """A frame and its context to the content's latent, N,latent,H/16,W/16, and its hyper-latent's symbols."""

    def construct(self, frame: Tensor, context: Tensor) -> tuple[Tensor, Tensor]:
        latent = self.network.contextual.encode(frame, context)
        return latent, self.network.contextual.prior.hyper_symbols(latent)


class ContentSide(Stage):
    """The hyper-latent's symbols and the temporal prior to all that is known of the content's latent."""

    def construct(self, z: Tensor, temporal: Tensor) -> Tensor:
        return self.network.contextual.prior.side(z, temporal)


class ContentSynthesis(Stage):
    """The content's decoded latent and its context to the frame."""

    def construct(self, latent: Tensor, context: Tensor) -> Tensor:
        return self.network.contextual.decode(latent, context)


class Information(Stage):
    """A latent's hyper-symbols, its distances from the mean and raw scales to what they cost, in bits (scalar).

    Its network is the latent's `ContextPrior`.
    """

    def construct(self, z: Tensor, deviation: Tensor, scales: Tensor) -> Tensor:
        return self.network.hyper_information(z) + self.network.information(deviation, scales)
