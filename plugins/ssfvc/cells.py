"""SSFVC (Agustsson et al., CVPR 2020): video compression with scale-space flow.

The first frame is coded as a picture. Every other one is predicted from the reconstruction before it by scale-space
flow, which is coded without being estimated first, and the residual of the prediction is coded after it.
"""

from __future__ import annotations

from mindspore import Parameter, Tensor, nn, ops
from mindspore.ops import constexpr

from core.nn import precision

from .config import SsfvcConfig
from .hyperprior import Hyperprior
from .scale_space import ScaleSpaceWarp
from .start import MOTION_GAIN, PICTURE_GAIN, start_analysis, start_synthesis
from .transforms import analysis, synthesis

MULTIPLE = 128
"""Sides of a picture must be divisible by it: 16 for the transforms times 8 for the hyperprior's."""
_LAYERS = 3
"""Hidden layers of every transform."""


class Autoencoder(nn.Cell):
    """The transforms around one latent, and its hyperprior.

    Args:
        inputs: channels of what is analysed: a picture, two pictures, or a residual.
        latents: latents that the synthesis sees, this one and others before it.
        gain: of the synthesis's last layer at the start of a training.
    """

    def __init__(
        self, config: SsfvcConfig, inputs: int, latents: int = 1, gain: float = PICTURE_GAIN
    ) -> None:
        super().__init__()
        hidden = (config.hidden,) * _LAYERS
        self.analysis = analysis(inputs, *hidden, config.latent)
        self.hyperprior = Hyperprior(config.latent)
        self.synthesis = synthesis(latents * config.latent, *hidden, 3)
        start_analysis(self.analysis)
        start_synthesis(self.synthesis, gain)


class ScaleSpaceFlow(nn.Cell):
    """The whole network.

    ``construct(frames)``: N,T,3,H,W in [0,1] with H and W divisible by 128; returns the reconstructions, likewise, not
    clamped, and the information content of all latents of the batch, in bits (scalar). In training, the priors see
    noise in place of rounding, and the synthesis sees rounding whose gradient is the identity's. No gradient passes
    from the second frame to the first's reconstruction. Raises ValueError for other sizes.
    """

    def __init__(self, config: SsfvcConfig) -> None:
        super().__init__()
        self.config = config
        self.image = Autoencoder(config, 3)
        with precision.full():
            self.motion = Autoencoder(config, 6, gain=MOTION_GAIN)
        self.residual = Autoencoder(config, 3, latents=2)
        self.warp = ScaleSpaceWarp()

    def construct(self, frames: Tensor) -> tuple[Tensor, Tensor]:
        _check_sides(frames.shape[3], frames.shape[4])
        sources = ops.unstack(frames, 1)
        frame, bits = self.code_intra(sources[0])
        reconstructions: tuple[Tensor, ...] = (frame,)
        reference = ops.stop_gradient(frame)
        for source in sources[1:]:
            reference, inter_bits = self.code_inter(source, reference)
            reconstructions = reconstructions + (reference,)
            bits = bits + inter_bits
        return ops.stack(reconstructions, 1), bits

    def code_intra(self, frame: Tensor) -> tuple[Tensor, Tensor]:
        """A frame by itself, N,3,H,W: its reconstruction and bits."""
        latent, bits = self.image.hyperprior(self.image.analysis(frame))
        return self.image.synthesis(latent), bits

    def code_inter(self, frame: Tensor, reference: Tensor) -> tuple[Tensor, Tensor]:
        """A frame under a reference, both N,3,H,W: its reconstruction and bits."""
        motion, motion_bits = self.motion.hyperprior(self.analyse_motion(frame, reference))
        prediction = self.predict(motion, reference)
        residual, residual_bits = self.residual.hyperprior(self.residual.analysis(frame - prediction))
        return self.correct(prediction, residual, motion), motion_bits + residual_bits

    def analyse_motion(self, frame: Tensor, reference: Tensor) -> Tensor:
        """The motion's latent, N,C,H/16,W/16."""
        return self.motion.analysis(ops.concat((frame, reference), 1))

    def predict(self, motion: Tensor, reference: Tensor) -> Tensor:
        """The prediction, N,3,H,W, from the motion's quantised latent and the reference."""
        return self.warp(reference, self.motion.synthesis(motion))

    def correct(self, prediction: Tensor, residual: Tensor, motion: Tensor) -> Tensor:
        """The reconstruction, N,3,H,W, from the prediction and the quantised latents of residual and motion."""
        return prediction + self.residual.synthesis(ops.concat((residual, motion), 1))

    def auxiliary_loss(self) -> Tensor:
        """What trains the priors' quantiles, summed over the three."""
        loss = self.image.hyperprior.prior.auxiliary_loss()
        loss = loss + self.motion.hyperprior.prior.auxiliary_loss()
        return loss + self.residual.hyperprior.prior.auxiliary_loss()

    def quantiles(self) -> list[Parameter]:
        """The parameters that `auxiliary_loss` trains."""
        return [part.hyperprior.prior.quantiles for part in (self.image, self.motion, self.residual)]


@constexpr
def _check_sides(height: int, width: int) -> None:
    if height % MULTIPLE or width % MULTIPLE:
        raise ValueError(
            f"Frames of {width}x{height} do not fit: both sides must be multiples of {MULTIPLE}."
        )
