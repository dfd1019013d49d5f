"""The network in the pieces that a codec runs: each is compiled once for a size, and shared by encoder and decoder.

Whatever the decoder computes, the encoder computes by the same cell from the same inputs, so both get the same to the
last bit where the arithmetic is the same.
"""

from __future__ import annotations

from mindspore import Tensor

from core.nn.spynet import LEVELS
from core.nn.stage import Stage


class CoarseFlow(Stage):
    """A frame and its reference, N,3,H,W, to flow, N,2,H,W, all but refined, and the reference warped by it."""

    def construct(self, frame: Tensor, reference: Tensor) -> tuple[Tensor, Tensor]:
        spynet = self.network.spynet
        return spynet.levels[LEVELS - 1].displace(reference, spynet.coarse(frame, reference))


class MotionAnalysis(Stage):
    """A frame, its warped reference and the flow to the motion's latent, N,C,H/16,W/16, alone."""

    def construct(self, frame: Tensor, warped: Tensor, flow: Tensor) -> tuple[Tensor]:
        flow = self.network.spynet.levels[LEVELS - 1].refine(frame, warped, flow)
        return (self.network.motion.analysis(flow),)


class HyperAnalysis(Stage):
    """A latent to its hyper-latent's symbols. Its network is the latent's `ContextPrior`."""

    def construct(self, latent: Tensor) -> Tensor:
        return self.network.hyper_symbols(latent)


class MotionSide(Stage):
    """The hyper-latent's symbols to all that is known of the motion's latent."""

    def construct(self, z: Tensor) -> Tensor:
        return self.network.motion.prior.side(z)


class Features(Stage):
    """The motion's decoded latent and the reference to motion, N,2,H,W, and features of the reference, N,F,H,W."""

    def construct(self, latent: Tensor, reference: Tensor) -> tuple[Tensor, Tensor]:
        return self.network.motion.decode(latent, reference), self.network.features(reference)


class Displacement(Stage):
    """Motion and features of the reference to the features moved, N,F,H,W."""

    def construct(self, motion: Tensor, features: Tensor) -> Tensor:
        return self.network.warp(features, motion)


class Context(Stage):
    """Moved features to the context, N,F,H,W, and the temporal prior, N,latent,H/16,W/16, where there is one."""

    def construct(self, moved: Tensor) -> tuple[Tensor, ...]:
        context = self.network.context_refinement(moved)
        return (context,) + self.network.contextual.expectation(context)


class ContentAnalysis(Stage):
    """A frame and its context to the content's latent, N,latent,H/16,W/16, alone."""

    def construct(self, frame: Tensor, context: Tensor) -> tuple[Tensor]:
        return (self.network.contextual.encode(frame, context),)


class ContentSide(Stage):
    """The hyper-latent's symbols and the temporal prior to all that is known of the content's latent."""

    def construct(self, z: Tensor, temporal: Tensor) -> Tensor:
        return self.network.contextual.prior.side(z, temporal)


class ContentSynthesis(Stage):
    """The content's decoded latent and its context to the frame alone."""

    def construct(self, latent: Tensor, context: Tensor) -> tuple[Tensor]:
        return (self.network.contextual.decode(latent, context),)


class Information(Stage):
    """A latent's hyper-symbols, its distances from the mean and raw scales to what they cost, in bits (scalar).

    Its network is the latent's `ContextPrior`.
    """

    def construct(self, z: Tensor, deviation: Tensor, scales: Tensor) -> Tensor:
        return self.network.hyper_information(z) + self.network.information(deviation, scales)
