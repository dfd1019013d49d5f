"""SSFVC (Agustsson et al., CVPR 2020): video compression with scale-space flow.

The first frame is coded as a picture. Every other one is predicted from the reconstruction before it by scale-space
flow, which is coded without being estimated first, and the residual of the prediction is coded after it.
"""

from __future__ import annotations

from mindspore import Tensor, nn, ops

from core.codec import FactorizedPrior, GaussianConditional, MeanScaleHyperprior
from core.nn import full_precision, init, require_sides

from .config import SsfvcConfig
from .scale_space import ScaleSpaceWarp
from .transforms import MAX_VALUE, analysis, scale_synthesis, synthesis

MULTIPLE = 128
"""A picture's height and width must be divisible by it: 16 for the transforms times 8 for the hyperprior's."""
_LAYERS = 3
"""Hidden layers of every transform."""

# A training starts from weights that keep the size of signals, and with something for rounding to round. With a
# framework's usual start every layer shrinks its signal; latents then round to zero for thousands of steps.
_LATENT_GAIN = 4.0
"""Gain of the last layer of an analysis: latents start a few steps of rounding large."""
_PICTURE_GAIN, _MOTION_GAIN = 0.1, 0.01
"""Gains of the last layer of a synthesis: the first pictures and motions are faint."""
_FIRST_SCALE = 1.0
"""First scale of the conditional priors; with a smaller one, likelihoods vanish and so do their gradients."""


class Autoencoder(nn.Cell):
    """The transforms around one latent, and its hyperprior.

    Args:
        inputs: channels of what is analysed: a picture, two pictures, or a residual.
        latents: latents that the synthesis sees, this one and others before it.
        gain: of the synthesis's last layer at the start of a training.
    """

    def __init__(
        self, config: SsfvcConfig, inputs: int, latents: int = 1, gain: float = _PICTURE_GAIN
    ) -> None:
        super().__init__()
        hidden = (config.hidden,) * _LAYERS
        self.analysis = analysis(inputs, *hidden, config.latent)
        self.hyperprior = hyperprior(config.latent)
        self.synthesis = synthesis(latents * config.latent, *hidden, 3)
        _start(self.analysis, _LATENT_GAIN)
        _start(self.synthesis, gain)


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
        with full_precision():
            self.motion = Autoencoder(config, 6, gain=_MOTION_GAIN)
        self.residual = Autoencoder(config, 3, latents=2)
        self.warp = ScaleSpaceWarp()

    def construct(self, frames: Tensor) -> tuple[Tensor, Tensor]:
        require_sides(frames.shape[3], frames.shape[4], MULTIPLE)
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
        latent, bits, hyper_bits = self.image.hyperprior(self.image.analysis(frame))
        return self.image.synthesis(latent), bits + hyper_bits

    def code_inter(self, frame: Tensor, reference: Tensor) -> tuple[Tensor, Tensor]:
        """A frame under a reference, both N,3,H,W: its reconstruction and bits."""
        motion, motion_bits, motion_hyper_bits = self.motion.hyperprior(self.analyse_motion(frame, reference))
        prediction = self.predict(motion, reference)
        residual, bits, hyper_bits = self.residual.hyperprior(self.residual.analysis(frame - prediction))
        return self.correct(prediction, residual, motion), motion_bits + motion_hyper_bits + (
            bits + hyper_bits
        )

    def analyse_motion(self, frame: Tensor, reference: Tensor) -> Tensor:
        """The motion's latent, N,C,H/16,W/16."""
        return self.motion.analysis(ops.concat((frame, reference), 1))

    def predict(self, motion: Tensor, reference: Tensor) -> Tensor:
        """The prediction, N,3,H,W, from the motion's quantised latent and the reference."""
        return self.warp(reference, self.motion.synthesis(motion))

    def correct(self, prediction: Tensor, residual: Tensor, motion: Tensor) -> Tensor:
        """The reconstruction, N,3,H,W, from the prediction and the quantised latents of residual and motion."""
        return prediction + self.residual.synthesis(ops.concat((residual, motion), 1))


@full_precision()
def hyperprior(channels: int) -> MeanScaleHyperprior:
    """A latent N,C,h,w, height and width divisible by 8, under Gaussians of their own means and scales."""
    widths = (channels,) * 4
    made = MeanScaleHyperprior(
        analysis(*widths),
        synthesis(*widths),
        scale_synthesis(*widths),
        FactorizedPrior(channels),
        GaussianConditional(),
        MAX_VALUE,
    )
    init.set_bias(init.convolutions(made.scale_synthesis)[-1], _FIRST_SCALE)
    return made


def _start(chain: nn.SequentialCell, gain: float) -> None:
    """Weights by what each output really sees; the last layer's have the gain."""
    layers = init.convolutions(chain)
    for layer in layers:
        init.set_normal(layer, init.taps(layer), gain if layer is layers[-1] else 1.0)
