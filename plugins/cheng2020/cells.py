"""cheng2020-anchor (Cheng et al., CVPR 2020, without attention): a picture codec under hyperprior and context model.

One Gaussian of its own mean and scale for every element of the latent, in place of the paper's mixtures: what
CompressAI publishes as ``cheng2020-anchor``, whose priors are those of Minnen et al. (2018).
"""

from __future__ import annotations

from mindspore import Parameter, Tensor, nn, ops
from mindspore.common.initializer import initializer
from mindspore.ops import constexpr

from core.entropy.conditional import GaussianConditional, bits
from core.entropy.factorized import FactorizedPrior
from core.entropy.masked import MaskedConv2d
from core.entropy.quantize import add_noise
from core.nn import precision
from core.symbols.order import ContextOrder

from . import transforms
from .config import Cheng2020Config

MULTIPLE = 64
"""Sides of a picture must be divisible by it: 16 for the transforms times 4 for the hyperprior's."""
_KERNEL = 5
"""Of the context model."""


class ContextPrior(nn.Cell):
    """Quantisation of a latent and its cost.

    ``construct(y)``: N,C,h,w with sides divisible by 4; returns ``y_hat`` and the bits of y and z together (scalar).
    In training ``y_hat`` is y plus noise; in evaluation it is round(y), while what is paid for is round(y - mean): an
    estimate, which sees all positions at once. Real coding is in `core.symbols.autoregressive`.
    """

    @precision.full()
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.analysis = transforms.hyper_analysis(channels)
        self.synthesis = transforms.hyper_synthesis(channels)
        self.prior = FactorizedPrior(channels)
        self.context = MaskedConv2d(channels, 2 * channels, _KERNEL, ContextOrder.raster)
        self.parameters_of = transforms.parameter_network(channels)
        self.conditional = GaussianConditional()
        _start_scales(self.parameters_of[-1], channels)

    def construct(self, y: Tensor) -> tuple[Tensor, Tensor]:
        z_hat, z_likelihood = self.prior(self.analysis(y))
        y_hat = add_noise(y) if self.training else ops.round(y)
        means, scales = self.distributions(y_hat, self.synthesis(z_hat))
        deviation = y_hat - means if self.training else ops.round(y - means)
        return y_hat, bits(self.conditional.likelihood(deviation, scales)) + bits(z_likelihood)

    def distributions(self, y_hat: Tensor, side: Tensor) -> tuple[Tensor, Tensor]:
        """Means and scales of every element, from quantised ones before it and what z tells."""
        means, scales = ops.chunk(self.parameters_of(ops.concat((side, self.context(y_hat)), 1)), 2, 1)
        return means, scales

    def hyper_symbols(self, y: Tensor) -> Tensor:
        """Symbols of z, N,C,h/4,w/4: its distances from the medians, rounded."""
        return ops.round(self.analysis(y) - self.prior.medians())

    def side(self, z_symbols: Tensor) -> Tensor:
        """What z tells of y, N,2C,h,w."""
        return self.synthesis(z_symbols + self.prior.medians())

    def information(self, z_symbols: Tensor, deviation: Tensor, scales: Tensor) -> Tensor:
        """Bits of symbols of z, and of distances of y from its means, under the float priors: a scalar."""
        z_likelihood = self.prior(z_symbols + self.prior.medians())[1]
        return bits(self.conditional.likelihood(deviation, scales)) + bits(z_likelihood)


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
        self.prior = ContextPrior(config.channels)

    def construct(self, frames: Tensor) -> tuple[Tensor, Tensor]:
        batch, time, channels, height, width = frames.shape
        _check_sides(height, width)
        y_hat, information = self.prior(self.analysis(frames.reshape(batch * time, channels, height, width)))
        return self.synthesis(y_hat).reshape(batch, time, channels, height, width), information

    def auxiliary_loss(self) -> Tensor:
        """What trains the prior's quantiles."""
        return self.prior.prior.auxiliary_loss()

    def quantiles(self) -> list[Parameter]:
        """The parameters that `auxiliary_loss` trains."""
        return [self.prior.prior.quantiles]


def _start_scales(last: nn.Cell, channels: int) -> None:
    """Scales start at 1: under smaller ones likelihoods vanish, and so do their gradients."""
    last.bias[channels:] = initializer("ones", (channels,)).init_data()


@constexpr
def _check_sides(height: int, width: int) -> None:
    if height % MULTIPLE or width % MULTIPLE:
        raise ValueError(
            f"Frames of {width}x{height} do not fit: both sides must be multiples of {MULTIPLE}."
        )
