"""What is expected of a latent: a hyperprior and a context model together (Minnen et al. 2018), in DCVC's form."""

from __future__ import annotations

from mindspore import Tensor, nn, ops

from core.entropy.conditional import LaplaceConditional, bits
from core.entropy.factorized import BitEstimator
from core.entropy.masked import MaskedConv2d
from core.entropy.quantize import add_noise
from core.nn import precision
from core.nn.bound import LowerBound
from core.nn.chain import ConvChain
from core.symbols.order import ContextOrder

from .transforms import hyper_analysis, parameter_network

KERNEL = 5
"""Of the context model."""
_LEAST_SCALE = 1e-5


class ContextPrior(nn.Cell):
    """Quantisation of a latent and its cost under Laplace distributions of their own means and scales.

    ``construct(y, temporal=None)``: N,latent,h,w with sides divisible by 4, and what else is known of it, N,K,h,w.
    Returns ``y_hat``, the bits of y and those of z (scalars). In training ``y_hat`` is y plus noise; in evaluation it
    is round(y), while what is paid for is round(y - mean): the published estimate, which sees all positions at once.
    Real coding is in `core.symbols.autoregressive`.

    Args:
        latent: channels of y.
        hyper: channels of the smaller latent z.
        synthesis: z to what it tells of y, N,S,h,w.
        side: channels of that and of ``temporal``.
        order: of the context model.
    """

    @precision.full()
    def __init__(self, latent: int, hyper: int, synthesis: ConvChain, side: int, order: ContextOrder) -> None:
        super().__init__()
        self.analysis = hyper_analysis(latent, hyper)
        self.synthesis = synthesis
        self.prior = BitEstimator(hyper)
        self.context = MaskedConv2d(latent, 2 * latent, KERNEL, order)
        self.parameters_of = parameter_network(side + 2 * latent, latent)
        self.conditional = LaplaceConditional()
        self.bound_scale = LowerBound(_LEAST_SCALE)

    def construct(self, y: Tensor, temporal: Tensor | None = None) -> tuple[Tensor, Tensor, Tensor]:
        z_hat, z_likelihood = self.prior(self.analysis(y))
        y_hat = add_noise(y) if self.training else ops.round(y)
        means, scales = self.distributions(y_hat, self.side(z_hat, temporal))
        deviation = y_hat - means if self.training else ops.round(y - means)
        return y_hat, self.information(deviation, scales), bits(z_likelihood)

    def side(self, z_hat: Tensor, temporal: Tensor | None = None) -> Tensor:
        """All that is known of y before any of it is decoded, N,S,h,w."""
        hyper = self.synthesis(z_hat)
        return hyper if temporal is None else ops.concat((temporal, hyper), 1)

    def distributions(self, y_hat: Tensor, side: Tensor) -> tuple[Tensor, Tensor]:
        """Means and raw scales, which may be negative, of every element from quantised ones before it."""
        means, scales = ops.chunk(self.parameters_of(ops.concat((side, self.context(y_hat)), 1)), 2, 1)
        return means, scales

    def information(self, deviation: Tensor, scales: Tensor) -> Tensor:
        """Bits of distances from the mean under raw scales: a scalar."""
        return bits(self.conditional.likelihood(deviation, self.bound_scale(scales)))

    def hyper_symbols(self, y: Tensor) -> Tensor:
        """Symbols of z, N,hyper,h/4,w/4."""
        return ops.round(self.analysis(y))

    def hyper_information(self, z_symbols: Tensor) -> Tensor:
        """Bits of symbols of z: a scalar."""
        return bits(self.prior(z_symbols)[1])
