"""Latents: each is one object that is trained, quantised, restored, priced, and coded.

A latent's cell says all that the rest of a codec must know of how it is coded:

- ``construct(y)`` for training: what the synthesis sees in place of y, and its cost; noise stands in for rounding;
- ``symbols(y)``, whole numbers in float32, and ``restore(symbols)``, what the synthesis sees of them;
- ``information(…)``, the bits of what was coded under the float priors, which are an estimate of its length;
- ``tables(name)``, integer arrays for the range coder, made once from the trained cell, and ``coder(tables, name)``,
  which codes by them (`core.entropy.coders`) and needs nothing of the cell that tables do not hold.

Hyper-latents of `HyperpriorLatent` are coded with their latents. Those of a `ContextLatent` are latents of their own,
since what they tell may be joined by what else is known before y is coded.
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from mindspore import Tensor, nn, ops
from numpy.typing import NDArray

from core.entropy.coders import ContextCoder, ExactSide, FactorizedCoder, HyperpriorCoder, LatentCoder
from core.entropy.conditional import Conditional, bits
from core.entropy.masked import MaskedConv2d, context_network
from core.entropy.quantize import add_noise
from core.hooks import Tables
from core.nn.activation import LeakyReLU
from core.nn.chain import ConvChain
from core.nn.conv import ConvTranspose2d
from core.symbols.autoregressive import AutoregressiveCoder
from core.symbols.integer import MAX_ACTIVATION, Deconvolution, IntegerNetwork
from core.symbols.tables import TableSet

Arrays = dict[str, NDArray[np.integer[Any]]]


class Latent(Protocol):
    """The protocol of a latent's cell in a codec."""

    def information(self, *priced: Tensor) -> Tensor:
        """Bits of what was coded, as `core.entropy.coders.Written.priced` has it, under the float priors: a scalar."""
        ...

    def tables(self, name: str) -> Arrays:
        """Integer arrays for the coder; ``name`` is the latent's own in checkpoints."""
        ...

    def coder(self, tables: Tables, name: str) -> LatentCoder:
        """The coder by these tables; raises `CheckpointError` where one is absent or malformed."""
        ...


class FactorizedLatent(nn.Cell):
    """A latent whose elements are independent, alike within a channel: the base of `core.entropy.factorized`.

    ``construct(y)`` returns ``y_hat`` and the likelihood of every element.
    """

    def symbols(self, y: Tensor) -> Tensor:
        """Whole numbers that stand for y."""
        return ops.round(y)

    def restore(self, symbols: Tensor) -> Tensor:
        """``y_hat`` from symbols."""
        return symbols

    def information(self, symbols: Tensor, *known: Tensor) -> Tensor:
        """Bits of symbols: a scalar. What is ``known`` of them is what `FactorizedCoder` was told."""
        return bits(self.construct(self.restore(symbols))[1])

    def table_set(self) -> TableSet:
        """Integer tables of the present parameters, one for each channel."""
        raise NotImplementedError

    def medians_in_numpy(self) -> NDArray[np.floating[Any]]:
        """(C): what is restored from zeros."""
        raise NotImplementedError

    def tables(self, name: str) -> Arrays:
        """``<name>.*``: a table for each channel."""
        return dict(self.table_set().arrays(name))

    def coder(self, tables: Tables, name: str) -> LatentCoder:
        """See `Latent`."""
        return FactorizedCoder(TableSet.from_arrays(tables, name))


class HyperpriorLatent(nn.Cell):
    """A latent y whose elements have scales, and perhaps means, that a smaller hyper-latent z tells.

    ``construct(y)``: N,C,h,w; returns ``y_hat`` and the bits of y and of z (scalars). For coding, the table of every
    element of y follows from z in integers.

        y ──▶ analysis ──▶ z ──▶ prior ──▶ z_hat ──▶ scales, means
        │                                                  │
        └──────────────────────────────▶ conditional ◀─────┘ ──▶ y_hat
    """

    analysis: nn.Cell
    prior: FactorizedLatent
    conditional: Conditional

    def construct(self, y: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        z_hat, z_likelihood = self.prior(self.analyse(y))
        y_hat, y_likelihood = self.conditional(y, self.scales(z_hat), self.means(z_hat))
        return y_hat, bits(y_likelihood), bits(z_likelihood)

    def analyse(self, y: Tensor) -> Tensor:
        """The hyper-latent z."""
        return self.analysis(y)

    def scales(self, z_hat: Tensor) -> Tensor:
        """Scale of every element of y."""
        raise NotImplementedError

    def means(self, z_hat: Tensor) -> Tensor | None:
        """Mean of every element of y; None is zero."""
        return None

    def symbols(self, y: Tensor) -> tuple[Tensor, Tensor]:
        """Symbols of z, and of y: their distances from medians and means, rounded."""
        z_symbols = self.prior.symbols(self.analyse(y))
        means = self.means(self.prior.restore(z_symbols))
        return z_symbols, ops.round(y if means is None else y - means)

    def restore(self, z_symbols: Tensor, y_symbols: Tensor) -> Tensor:
        """``y_hat`` from symbols."""
        means = self.means(self.prior.restore(z_symbols))
        return y_symbols if means is None else y_symbols + means

    def information(self, z_symbols: Tensor, y_symbols: Tensor) -> Tensor:
        """Bits of symbols under the float priors: a scalar."""
        scales = self.scales(self.prior.restore(z_symbols))
        return bits(self.conditional.likelihood(y_symbols, scales)) + self.prior.information(z_symbols)

    def scale_network(self) -> IntegerNetwork:
        """The network in integers that chooses the table of every element of y."""
        raise NotImplementedError

    def tables(self, name: str) -> Arrays:
        """``<name>.prior.*``, of z; ``<name>.scales.*``; and those of all latents of y's distribution."""
        arrays = self.prior.tables(f"{name}.prior") | self.conditional.tables()
        return arrays | self.scale_network().arrays(f"{name}.scales")

    def coder(self, tables: Tables, name: str) -> LatentCoder:
        """See `Latent`; symbols are pairs, those of z and those of y."""
        prior = FactorizedCoder(TableSet.from_arrays(tables, f"{name}.prior"))
        scales = IntegerNetwork.from_arrays(tables, f"{name}.scales")
        return HyperpriorCoder(prior, self.conditional.coded_by(tables), scales)


class ScaleHyperprior(HyperpriorLatent):
    """Zero means (Ballé et al. 2018): z is made of magnitudes, and its synthesis gives scales' logarithms."""

    def __init__(
        self, analysis: nn.Cell, synthesis: ConvChain, prior: FactorizedLatent, conditional: Conditional
    ) -> None:
        super().__init__()
        self.analysis, self.synthesis = analysis, synthesis
        self.prior, self.conditional = prior, conditional

    def analyse(self, y: Tensor) -> Tensor:
        """The hyper-latent z."""
        return self.analysis(ops.abs(y))

    def scales(self, z_hat: Tensor) -> Tensor:
        """Scale of every element of y."""
        return ops.exp(self.synthesis(z_hat))

    def scale_network(self) -> IntegerNetwork:
        """The synthesis without the exponential: what it gives is compared with logarithms."""
        scales = np.log(self.conditional.thresholds.astype(np.float64))
        return integer_twin(self.synthesis, scales, self.prior.medians_in_numpy())


class MeanScaleHyperprior(HyperpriorLatent):
    """Means and scales (Minnen et al. 2018), by a network each.

    ``activation_limit``: what bounds the activations of ``scale_synthesis``, where its own cells do.
    """

    def __init__(
        self,
        analysis: nn.Cell,
        mean_synthesis: ConvChain,
        scale_synthesis: ConvChain,
        prior: FactorizedLatent,
        conditional: Conditional,
        activation_limit: int = MAX_ACTIVATION,
    ) -> None:
        super().__init__()
        self.analysis = analysis
        self.mean_synthesis, self.scale_synthesis = mean_synthesis, scale_synthesis
        self.prior, self.conditional = prior, conditional
        self.activation_limit = activation_limit

    def scales(self, z_hat: Tensor) -> Tensor:
        """Scale of every element of y."""
        return self.scale_synthesis(z_hat)

    def means(self, z_hat: Tensor) -> Tensor:
        """Mean of every element of y."""
        return self.mean_synthesis(z_hat)

    def scale_network(self) -> IntegerNetwork:
        """See `HyperpriorLatent`."""
        thresholds = self.conditional.thresholds
        medians = self.prior.medians_in_numpy()
        return integer_twin(self.scale_synthesis, thresholds, medians, self.activation_limit)


class ContextLatent(nn.Cell):
    """A latent y whose every element has a mean and a scale told by z and by the elements coded before it.

    ``construct(y, *known)``: N,C,h,w, and what else is known of it, N,K,h,w each; returns ``y_hat`` and the bits of y
    and of z (scalars). In training ``y_hat`` is y plus noise; in evaluation it is round(y), while what is paid for is
    round(y - mean): an estimate, which sees all positions at once. What is coded (`core.symbols.autoregressive`) is y
    itself, under the side information that `side` makes; z is coded before it, as the latent ``prior``.

        y ──▶ analysis ──▶ z ──▶ prior ──▶ synthesis ──▶ side ◀── known
        │                                                 │
        └──▶ round ──▶ context ──▶ parameters_of ◀────────┘ ──▶ means, scales

    Args:
        analysis: y to z.
        synthesis: z to what it tells of y, N,S,h,w.
        prior: of z.
        context: the context model, masked, whose order is that of coding.
        parameters_of: 1x1 convolutions from side information and context to means, then scales.
        conditional: the distribution.
        exact: whether z tells of y in integers, the same on every machine (`exact_side`).
    """

    def __init__(
        self,
        analysis: nn.Cell,
        synthesis: ConvChain,
        prior: FactorizedLatent,
        context: MaskedConv2d,
        parameters_of: ConvChain,
        conditional: Conditional,
        exact: bool = False,
    ) -> None:
        super().__init__()
        self.exact = exact
        self.analysis, self.synthesis, self.prior = analysis, synthesis, prior
        self.context, self.parameters_of = context, parameters_of
        self.conditional = conditional

    def construct(self, y: Tensor, *known: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        z_hat, z_likelihood = self.prior(self.analysis(y))
        y_hat = add_noise(y) if self.training else ops.round(y)
        means, scales = self.distributions(y_hat, self._join(z_hat, known))
        deviation = y_hat - means if self.training else ops.round(y - means)
        return y_hat, self.information(deviation, scales), bits(z_likelihood)

    def distributions(self, y_hat: Tensor, side: Tensor) -> tuple[Tensor, Tensor]:
        """Means and raw scales, which may be negative, of every element from quantised ones before it."""
        means, scales = ops.chunk(self.parameters_of(ops.concat((side, self.context(y_hat)), 1)), 2, 1)
        return means, scales

    def hyper_symbols(self, y: Tensor) -> Tensor:
        """Symbols of z."""
        return self.prior.symbols(self.analysis(y))

    def side(self, z_symbols: Tensor, *known: Tensor) -> Tensor:
        """All that is known of y before any of it is decoded, N,S,h,w."""
        return self._join(self.prior.restore(z_symbols), known)

    def information(self, deviation: Tensor, scales: Tensor) -> Tensor:
        """Bits of distances from the means under raw scales: a scalar."""
        return bits(self.conditional.likelihood(deviation, scales))

    def tables(self, name: str) -> Arrays:
        """The tables of y's distribution, and ``<name>.side.*`` for `exact_side`."""
        if not self.exact:
            return self.conditional.tables()
        medians = self.prior.medians_in_numpy()
        twin = integer_twin(self.synthesis, self.conditional.thresholds, medians)
        return self.conditional.tables() | twin.arrays(f"{name}.side")

    def coder(self, tables: Tables, name: str) -> LatentCoder:
        """See `Latent`; what is known of a latent is its side information."""
        network = context_network(self.context, self.parameters_of, _slope(self.parameters_of))
        distributions = self.conditional.coded_by(tables)
        return ContextCoder(AutoregressiveCoder(network, distributions, self.conditional.thresholds))

    def exact_side(self, tables: Tables, name: str) -> ExactSide:
        """The exact replacement of `side`, the same on every machine."""
        return ExactSide(IntegerNetwork.from_arrays(tables, f"{name}.side"))

    def _join(self, z_hat: Tensor, known: tuple[Tensor, ...]) -> Tensor:
        hyper = self.synthesis(z_hat)
        return ops.concat((*known, hyper), 1) if known else hyper


def integer_twin(
    chain: ConvChain,
    thresholds: NDArray[np.floating[Any]],
    medians: NDArray[np.floating[Any]] | None = None,
    activation_limit: int = MAX_ACTIVATION,
) -> IntegerNetwork:
    """The network in integers that computes what a chain of transposed convolutions does of symbols.

    ``medians`` (C) are what is restored from zeros, by default 0. Raises `CheckpointError` for weights that are no
    numbers or too large.
    """
    layers = [
        Deconvolution(cell.weight.asnumpy(), cell.bias.asnumpy(), cell.stride[0])
        for cell in chain
        if isinstance(cell, ConvTranspose2d)
    ]
    if medians is None:
        medians = np.zeros(len(layers[0].weight))
    return IntegerNetwork.quantise(layers, thresholds, medians, activation_limit, _slope(chain))


def _slope(chain: ConvChain) -> float:
    """Slope of the activations of a chain, which must all be alike."""
    return next((cell.slope for cell in chain if isinstance(cell, LeakyReLU)), 0.0)
