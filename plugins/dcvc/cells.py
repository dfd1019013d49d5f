"""DCVC (Li, Li and Lu, NeurIPS 2021): video compression by what is learned from the reference, not by a residual.

Motion from a frame to its reference is compressed; features of the reference, moved by it, are the context under which
the frame itself is coded: in its analysis, in its synthesis, and in what is expected of its latent (figure 2).
"""

from __future__ import annotations

from mindspore import Tensor, nn, ops

from core.codec import BitEstimator, ContextLatent, LaplaceConditional, MaskedConv2d
from core.nn import ConvChain, SPyNet, Warp, full_precision, require_sides

from . import transforms
from .config import DcvcConfig
from .init import init_weights

MULTIPLE = 64
"""A picture's height and width must be divisible by it: 16 for the transforms times 4 for the priors'."""

Pair = tuple[Tensor, Tensor]
Costs = tuple[Tensor, Tensor, Tensor, Tensor]
"""Bits of motion, its hyper-latent, content and its hyper-latent (scalars)."""


class MotionCoder(nn.Cell):
    """Compression of motion: flow N,2,H,W to a latent of a sixteenth of height and width, and back under the
    reference."""

    @full_precision()
    def __init__(self, config: DcvcConfig) -> None:
        super().__init__()
        channels, hyper = config.motion, config.hyper
        self.analysis = transforms.motion_analysis(channels)
        self.synthesis = transforms.motion_synthesis(channels)
        self.refinement = transforms.motion_refinement(config.refinement)
        hyper_synthesis = transforms.hyper_synthesis((hyper, hyper, hyper * 3 // 2, 2 * channels))
        self.prior = context_prior(config, channels, hyper_synthesis, 2 * channels)

    def decode(self, latent: Tensor, reference: Tensor) -> Tensor:
        """Motion N,2,H,W in pixels, from a quantised latent and the reference N,3,H,W."""
        coarse = self.synthesis(latent)
        return self.refinement(ops.concat((coarse, reference), 1)) + coarse


class ContextualCoder(nn.Cell):
    """Compression of a frame N,3,H,W under a context N,F,H,W (sections 3.1 and 3.2)."""

    def __init__(self, config: DcvcConfig) -> None:
        super().__init__()
        features, latent = config.features, config.latent
        self.analysis = transforms.contextual_analysis(features, latent)
        self.synthesis = transforms.contextual_synthesis(features, latent)
        self.generation = transforms.frame_generation(features)
        with full_precision():
            self.temporal = None if config.portable else transforms.temporal_prior(features, latent)
            hyper_synthesis = transforms.hyper_synthesis((config.hyper, latent, latent, latent))
        side = latent if config.portable else 2 * latent
        self.prior = context_prior(config, latent, hyper_synthesis, side)

    def expectation(self, context: Tensor) -> tuple[Tensor, ...]:
        """What the context tells of the latent, N,latent,H/16,W/16; nothing where streams are to be portable."""
        return () if self.temporal is None else (self.temporal(context),)

    def encode(self, frame: Tensor, context: Tensor) -> Tensor:
        """The frame's latent, N,latent,H/16,W/16."""
        return self.analysis(ops.concat((frame, context), 1))

    def decode(self, latent: Tensor, context: Tensor) -> Tensor:
        """The frame, not clamped, from a quantised latent."""
        return self.generation(ops.concat((self.synthesis(latent), context), 1))


class Dcvc(nn.Cell):
    """The whole network.

    ``construct(frame, reference, motion_learns=None)``: N,3,H,W in [0,1], height and width divisible by 64. Returns
    the reconstruction, N,3,H,W, not clamped; flow as estimated and as decoded, N,2,H,W; and what everything costs.
    In training, noise stands in for rounding. ``motion_learns``, a scalar, scales the gradient that passes from the
    content to the motion. Raises ValueError for other sizes.
    """

    def __init__(self, config: DcvcConfig) -> None:
        super().__init__()
        self.config = config
        self.spynet = SPyNet(config.flow)
        self.motion = MotionCoder(config)
        self.features = transforms.feature_extraction(config.features)
        self.warp = Warp()
        self.context_refinement = transforms.context_refinement(config.features)
        self.contextual = ContextualCoder(config)
        init_weights(self)

    def construct(
        self, frame: Tensor, reference: Tensor, motion_learns: Tensor | None = None
    ) -> tuple[Tensor, Pair, Costs]:
        require_sides(frame.shape[2], frame.shape[3], MULTIPLE)
        flow = self.spynet(frame, reference)
        motion_latent, motion_bits, motion_hyper_bits = self.motion.prior(self.motion.analysis(flow))
        motion = self.motion.decode(motion_latent, reference)
        context = self.context(reference, _scale_gradient(motion, motion_learns))
        y = self.contextual.encode(frame, context)
        y_hat, content_bits, hyper_bits = self.contextual.prior(y, *self.contextual.expectation(context))
        reconstruction = self.contextual.decode(y_hat, context)
        return reconstruction, (flow, motion), (motion_bits, motion_hyper_bits, content_bits, hyper_bits)

    def context(self, reference: Tensor, motion: Tensor) -> Tensor:
        """Features of the reference, moved and refined, N,F,H,W (section 3.3)."""
        return self.context_refinement(self.warp(self.features(reference), motion))


def _scale_gradient(x: Tensor, share: Tensor | None) -> Tensor:
    """x itself, through which so much of a gradient passes."""
    if share is None:
        return x
    fixed = ops.stop_gradient(x)
    return fixed + share * (x - fixed)


@full_precision()
def context_prior(config: DcvcConfig, latent: int, synthesis: ConvChain, side: int) -> ContextLatent:
    """A latent N,latent,h,w, height and width divisible by 4, under Laplace distributions of their own means and
    scales.

    ``synthesis`` gives what z tells of it; that and what else is known have ``side`` channels.
    """
    return ContextLatent(
        transforms.hyper_analysis(latent, config.hyper),
        synthesis,
        BitEstimator(config.hyper),
        MaskedConv2d(latent, 2 * latent, transforms.CONTEXT_KERNEL, config.context),
        transforms.parameter_network(side + 2 * latent, latent),
        LaplaceConditional(repels=True),
        exact=config.portable,
    )
