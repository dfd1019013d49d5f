"""cheng2020-anchor (Cheng et al., CVPR 2020, without attention): a picture codec under hyperprior and context model.

One Gaussian of its own mean and scale for every element of the latent, in place of the paper's mixtures: what
CompressAI publishes as ``cheng2020-anchor``, whose priors are those of Minnen et al. (2018).
"""

from __future__ import annotations

from mindspore import Tensor, nn
from mindspore.common.initializer import initializer

from core.codec import ContextLatent, ContextOrder, FactorizedPrior, GaussianConditional, MaskedConv2d
from core.nn import full_precision, require_sides

from . import transforms
from .config import Cheng2020Config

MULTIPLE = 64
"""A picture's height and width must be divisible by it: 16 for the transforms times 4 for the hyperprior's."""
_KERNEL = 5
"""Size of the context model's kernel."""


class Cheng2020(nn.Cell):
    """The whole network.

    ``construct(frames)``: N,T,3,H,W in [0,1] with H and W divisible by 64, each frame by itself; returns the
    reconstructions, likewise, not clamped, and the information content of all latents of the batch, in bits (scalar).
    Raises ValueError for other sizes.
    """

    def __init__(self, config: Cheng2020Config) -> None:
        super().__init__()
        self.config = config
        self.analysis = transforms.analysis(config.channels)
        self.synthesis = transforms.synthesis(config.channels)
        self.prior = context_prior(config.channels)

    def construct(self, frames: Tensor) -> tuple[Tensor, Tensor]:
        batch, time, channels, height, width = frames.shape
        require_sides(height, width, MULTIPLE)
        y = self.analysis(frames.reshape(batch * time, channels, height, width))
        y_hat, bits, hyper_bits = self.prior(y)
        return self.synthesis(y_hat).reshape(batch, time, channels, height, width), bits + hyper_bits


@full_precision()
def context_prior(channels: int) -> ContextLatent:
    """The latent N,C,h,w, height and width divisible by 4, under Gaussians of their own means and scales."""
    made = ContextLatent(
        transforms.hyper_analysis(channels),
        transforms.hyper_synthesis(channels),
        FactorizedPrior(channels),
        MaskedConv2d(channels, 2 * channels, _KERNEL, ContextOrder.raster),
        transforms.parameter_network(channels),
        GaussianConditional(),
    )
    # Scales start at 1: under smaller ones likelihoods vanish, and so do their gradients.
    made.parameters_of[-1].bias[channels:] = initializer("ones", (channels,)).init_data()
    return made
