"""The mean-scale hyperprior (Minnen et al. 2018): what a latent is expected to be, told by a smaller latent."""

from __future__ import annotations

from mindspore import Tensor, nn, ops

from core.entropy.conditional import GaussianConditional, bits
from core.entropy.factorized import FactorizedPrior
from core.nn import precision

from .start import start_scales
from .transforms import analysis, scale_synthesis, synthesis


class Hyperprior(nn.Cell):
    """Quantisation of a latent and its cost.

    ``construct(y)``: N,C,h,w with sides divisible by 8; returns ``y_hat`` and the bits of y and z together (scalar).
    For coding, `symbols` gives whole numbers in place of bits, `restore` makes ``y_hat`` from them, and `information`
    says what they cost.
    """

    @precision.full()
    def __init__(self, channels: int) -> None:
        super().__init__()
        widths = (channels,) * 4
        self.analysis = analysis(*widths)
        self.mean_synthesis = synthesis(*widths)
        self.scale_synthesis = scale_synthesis(*widths)
        start_scales(self.scale_synthesis)
        self.prior = FactorizedPrior(channels)
        self.conditional = GaussianConditional()

    def construct(self, y: Tensor) -> tuple[Tensor, Tensor]:
        z_hat, z_likelihood = self.prior(self.analysis(y))
        y_hat, y_likelihood = self.conditional(y, self.scale_synthesis(z_hat), self.mean_synthesis(z_hat))
        return y_hat, bits(y_likelihood) + bits(z_likelihood)

    def symbols(self, y: Tensor) -> tuple[Tensor, Tensor]:
        """Symbols of z, N,C,h/8,w/8, and of y, N,C,h,w: their distances from medians and means, rounded."""
        z_symbols = ops.round(self.analysis(y) - self.prior.medians())
        return z_symbols, ops.round(y - self._means(z_symbols))

    def restore(self, z_symbols: Tensor, y_symbols: Tensor) -> Tensor:
        """``y_hat`` from symbols."""
        return y_symbols + self._means(z_symbols)

    def information(self, z_symbols: Tensor, y_symbols: Tensor) -> Tensor:
        """Bits of symbols under the float priors: a scalar."""
        z_hat, z_likelihood = self.prior(z_symbols + self.prior.medians())
        y_likelihood = self.conditional.likelihood(y_symbols, self.scale_synthesis(z_hat))
        return bits(y_likelihood) + bits(z_likelihood)

    def _means(self, z_symbols: Tensor) -> Tensor:
        return self.mean_synthesis(z_symbols + self.prior.medians())
