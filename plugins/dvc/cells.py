"""DVC (Lu et al., CVPR 2019): video compression by coded motion and coded residual, all of it learned.

Optical flow from a frame to its reference is compressed by an autoencoder; the reference is warped by what is left of
it and refined; the residual to that prediction is compressed by a second autoencoder (figure 2).
"""

from __future__ import annotations

from mindspore import Tensor, nn
from mindspore.ops import constexpr

from core.entropy.conditional import bits
from core.entropy.factorized import BitEstimator
from core.nn import precision
from core.nn.refinement import RefinementNetwork
from core.nn.spynet import SPyNet
from core.nn.warp import Warp

from .config import DvcConfig
from .hyperprior import Hyperprior
from .start import FAINT_GAIN, LATENT_GAIN, start_refinement, start_spynet, start_transform
from .transforms import motion_analysis, motion_synthesis, residual_analysis, residual_synthesis

MULTIPLE = 64
"""Sides of a picture must be divisible by it: 16 for the transforms times 4 for the hyperprior's."""

Parts = tuple[Tensor, Tensor, Tensor]
Transforms = tuple[nn.Cell, nn.Cell]
"""An analysis and the synthesis that mirrors it."""


class MotionAutoencoder(nn.Cell):
    """Compression of flow (section 3.3): N,2,H,W to a latent of a sixteenth of the sides, and back."""

    def __init__(self, channels: int, transforms: Transforms) -> None:
        super().__init__()
        self.analysis, self.synthesis = transforms
        self.prior = BitEstimator(channels)
        start_transform(self.analysis, LATENT_GAIN)
        start_transform(self.synthesis, FAINT_GAIN)

    def information(self, symbols: Tensor) -> Tensor:
        """Bits of symbols N,C,H/16,W/16 under the float prior: a scalar."""
        return bits(self.prior(symbols)[1])


class ResidualAutoencoder(nn.Cell):
    """Compression of residuals (section 3.4): N,3,H,W to a latent of a sixteenth of the sides, and back."""

    def __init__(self, hidden: int, latent: int, transforms: Transforms) -> None:
        super().__init__()
        self.analysis, self.synthesis = transforms
        self.hyperprior = Hyperprior(hidden, latent)
        start_transform(self.analysis, LATENT_GAIN)
        start_transform(self.synthesis, FAINT_GAIN)
        start_transform(self.hyperprior.analysis)
        start_transform(self.hyperprior.synthesis)


class Dvc(nn.Cell):
    """The whole network.

    ``construct(frame, reference)``: N,3,H,W in [0,1], sides divisible by 64. Returns the reconstruction, N,3,H,W,
    not clamped; how it came about: flow as estimated, N,2,H,W, the warped reference and the prediction, N,3,H,W; and
    the bits of motion, residual and the residual's hyper-latent (scalars). In training, noise stands in for rounding.
    Raises ValueError for other sizes. ``motion`` and ``residual`` are other transforms than DVC's, of the same sizes.
    """

    def __init__(
        self, config: DvcConfig, motion: Transforms | None = None, residual: Transforms | None = None
    ) -> None:
        super().__init__()
        self.config = config
        self.spynet = SPyNet(config.flow)
        with precision.full():
            self.motion = MotionAutoencoder(config.motion, motion or motion_transforms(config.motion))
        self.warp = Warp()
        self.refinement = RefinementNetwork(config.refinement)
        sizes = config.hidden, config.latent
        self.residual = ResidualAutoencoder(*sizes, residual or residual_transforms(*sizes))
        start_spynet(self.spynet)
        start_refinement(self.refinement)

    def construct(self, frame: Tensor, reference: Tensor) -> tuple[Tensor, Parts, Parts]:
        _check_sides(frame.shape[2], frame.shape[3])
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


@constexpr
def _check_sides(height: int, width: int) -> None:
    if height % MULTIPLE or width % MULTIPLE:
        raise ValueError(
            f"Frames of {width}x{height} do not fit: both sides must be multiples of {MULTIPLE}."
        )
