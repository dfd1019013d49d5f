"""DVC (Lu et al., CVPR 2019): video compression by coded motion and coded residual, all of it learned.

Optical flow from a frame to its reference is compressed by an autoencoder; the reference is warped by what is left of
it and refined; the residual to that prediction is compressed by a second autoencoder (figure 2).
"""

from __future__ import annotations

from mindspore import Tensor, nn
from mindspore.common.initializer import XavierUniform, initializer

from core.codec import BitEstimator, LaplaceConditional, ScaleHyperprior, bits
from core.nn import RefinementNetwork, SPyNet, Warp, full_precision, init, require_sides

from .config import DvcConfig
from .transforms import (
    hyper_analysis,
    hyper_synthesis,
    motion_analysis,
    motion_synthesis,
    residual_analysis,
    residual_synthesis,
)

MULTIPLE = 64
"""A picture's height and width must be divisible by it: 16 for the transforms times 4 for the hyperprior's."""

Intermediates = tuple[Tensor, Tensor, Tensor]
"""The flow, the reference displaced by it, and the prediction."""
Costs = tuple[Tensor, Tensor, Tensor]
"""Bits of the motion, of the residual, and of its hyper-latent."""
Transforms = tuple[nn.Cell, nn.Cell]
"""An analysis and the synthesis that mirrors it."""

# A training starts from the published weights' distributions, but for the last layer of each part: latents start a few
# steps of rounding large and what is made of them faint, so that the first predictions are the frame before, and the
# first reconstructions the predictions.
_LATENT_GAIN = 4.0
"""Gain of the last layer of an analysis."""
_FAINT_GAIN = 0.1
"""Gain of the last layers of a synthesis, of the refinement, and of each level of the flow."""
_BIAS = 0.01


class MotionAutoencoder(nn.Cell):
    """Compression of flow (section 3.3): N,2,H,W to a latent of a sixteenth of height and width, and back."""

    def __init__(self, channels: int, transforms: Transforms) -> None:
        super().__init__()
        self.analysis, self.synthesis = transforms
        self.prior = BitEstimator(channels)
        _start_transforms(self)


class ResidualAutoencoder(nn.Cell):
    """Compression of residuals (section 3.4): N,3,H,W to a latent of a sixteenth of height and width, and back."""

    def __init__(self, hidden: int, latent: int, transforms: Transforms) -> None:
        super().__init__()
        self.analysis, self.synthesis = transforms
        self.hyperprior = hyperprior(hidden, latent)
        _start_transforms(self)
        for chain in (self.hyperprior.analysis, self.hyperprior.synthesis):
            init.start_chain(init.convolutions(chain), 1.0, _BIAS)


class Dvc(nn.Cell):
    """The whole network.

    ``construct(frame, reference)``: N,3,H,W in [0,1], height and width divisible by 64. Returns the reconstruction,
    N,3,H,W, not clamped; how it came about: flow as estimated, N,2,H,W, the warped reference and the prediction,
    N,3,H,W; and the bits of motion, residual and the residual's hyper-latent (scalars). In training, noise stands in
    for rounding. Raises ValueError for other sizes. ``motion`` and ``residual`` are other transforms than DVC's, of
    the same sizes.
    """

    def __init__(
        self, config: DvcConfig, motion: Transforms | None = None, residual: Transforms | None = None
    ) -> None:
        super().__init__()
        self.config = config
        self.spynet = SPyNet(config.flow)
        with full_precision():
            self.motion = MotionAutoencoder(config.motion, motion or motion_transforms(config.motion))
        self.warp = Warp()
        self.refinement = RefinementNetwork(config.refinement)
        sizes = config.hidden, config.latent
        self.residual = ResidualAutoencoder(*sizes, residual or residual_transforms(*sizes))
        _start_prediction(self.spynet, self.refinement)

    def construct(self, frame: Tensor, reference: Tensor) -> tuple[Tensor, Intermediates, Costs]:
        require_sides(frame.shape[2], frame.shape[3], MULTIPLE)
        flow = self.spynet(frame, reference)
        motion, motion_likelihood = self.motion.prior(self.motion.analysis(flow))
        warped = self.displace(motion, reference)
        prediction = self.refine(warped, reference)
        latent, residual_bits, hyper_bits = self.residual.hyperprior(self.analyse_residual(frame, prediction))
        reconstruction = self.correct(prediction, latent)
        costs = (bits(motion_likelihood), residual_bits, hyper_bits)
        return reconstruction, (flow, warped, prediction), costs

    def analyse_motion(self, frame: Tensor, reference: Tensor) -> Tensor:
        """The motion's latent, N,C,H/16,W/16."""
        return self.motion.analysis(self.spynet(frame, reference))

    def displace(self, motion: Tensor, reference: Tensor) -> Tensor:
        """The warped reference, N,3,H,W, from the motion's quantised latent."""
        return self.warp(reference, self.motion.synthesis(motion))

    def refine(self, warped: Tensor, reference: Tensor) -> Tensor:
        """The prediction, N,3,H,W (motion compensation, section 3.3)."""
        return warped + self.refinement(warped, reference)

    def analyse_residual(self, frame: Tensor, prediction: Tensor) -> Tensor:
        """The residual's latent, N,C,H/16,W/16."""
        return self.residual.analysis(frame - prediction)

    def correct(self, prediction: Tensor, latent: Tensor) -> Tensor:
        """The reconstruction, N,3,H,W, from the residual's quantised latent."""
        return prediction + self.residual.synthesis(latent)


def motion_transforms(channels: int) -> Transforms:
    """DVC's transforms of motion."""
    return motion_analysis(channels), motion_synthesis(channels)


def residual_transforms(hidden: int, latent: int) -> Transforms:
    """DVC's transforms of residuals."""
    return residual_analysis(hidden, latent), residual_synthesis(hidden, latent)


@full_precision()
def hyperprior(hidden: int, latent: int) -> ScaleHyperprior:
    """The residual's latent N,latent,h,w, height and width divisible by 4, under zero-mean Laplace distributions."""
    return ScaleHyperprior(
        hyper_analysis(hidden, latent),
        hyper_synthesis(hidden, latent),
        BitEstimator(hidden),
        LaplaceConditional(noisy_synthesis=True),
    )


def _start_transforms(coder: MotionAutoencoder | ResidualAutoencoder) -> None:
    init.start_chain(init.convolutions(coder.analysis), _LATENT_GAIN, _BIAS)
    init.start_chain(init.convolutions(coder.synthesis), _FAINT_GAIN, _BIAS)


def _start_prediction(spynet: SPyNet, refinement: RefinementNetwork) -> None:
    """The published training starts from a SPyNet that was trained before; this one is to be trained with the rest."""
    for level in spynet.levels:
        init.start_chain(init.convolutions(level), _FAINT_GAIN)
    for layer in init.convolutions(refinement):
        gain = _FAINT_GAIN if layer is refinement.last else 1.0
        layer.weight.set_data(initializer(XavierUniform(gain), layer.weight.shape))
        init.set_bias(layer, 0.0)
