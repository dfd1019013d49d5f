"""The scale hyperprior of the residual's latent (Ballé et al. 2018): how large it is expected to be."""

from __future__ import annotations

from mindspore import Tensor, nn, ops

from core.entropy.conditional import LaplaceConditional, bits
from core.entropy.factorized import BitEstimator
from core.nn import precision

from .transforms import hyper_analysis, hyper_synthesis


class Hyperprior(nn.Cell):
    """Quantisation of a latent and its cost under zero-mean Laplace distributions.

    ``construct(y)``: N,latent,h,w with sides divisible by 4; returns ``y_hat``, the bits of y and the bits of z
    (scalars). In training noise stands in for rounding, in ``y_hat`` as well. For coding, `symbols` gives whole
    numbers, those of y being ``y_hat`` itself, and `information` says what they cost.
    """

    @precision.full()
    def __init__(self, hidden: int, latent: int) -> None:
        super().__init__()
        self.analysis = hyper_analysis(hidden, latent)
        self.synthesis = hyper_synthesis(hidden, latent)
        self.prior = BitEstimator(hidden)
        self.conditional = LaplaceConditional(noisy_synthesis=True)

    def construct(self, y: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        z_hat, z_likelihood = self.prior(self.analysis(ops.abs(y)))
        y_hat, y_likelihood = self.conditional(y, self.scales(z_hat))
        return y_hat, bits(y_likelihood), bits(z_likelihood)

    def scales(self, z_hat: Tensor) -> Tensor:
        """Scale of every element of y."""
        return ops.exp(self.synthesis(z_hat))

    def symbols(self, y: Tensor) -> tuple[Tensor, Tensor]:
        """Symbols of z, N,hidden,h/4,w/4, and of y, N,latent,h,w."""
        return ops.round(self.analysis(ops.abs(y))), ops.round(y)

    def information(self, z_symbols: Tensor, y_symbols: Tensor) -> Tensor:
        """Bits of symbols under the float priors: a scalar."""
        z_hat, z_likelihood = self.prior(z_symbols)
        y_likelihood = self.conditional.likelihood(y_symbols, self.scales(z_hat))
        return bits(y_likelihood) + bits(z_likelihood)
