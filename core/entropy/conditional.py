"""Priors of latents under known scales: zero-mean or mean-scale hyperpriors (Ballé et al. 2018, Minnen et al. 2018).

A latent y is quantised at whole distances from its mean. In training the rounding has two stand-ins: the likelihood
sees uniform noise; the synthesis sees rounding whose gradient is that of the identity, or the same noise.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from mindspore import Tensor, nn, ops
from numpy.typing import NDArray

from core.entropy.quantize import add_noise, round_straight_through
from core.hooks import Tables
from core.nn.lower_bound import LowerBound
from core.symbols.tables import (
    FINE_SCALES,
    FINE_THRESHOLDS,
    GAUSSIAN_SCALES,
    LAPLACE_SCALES,
    Singles,
    TableSet,
    fine_gaussian_tables,
    gaussian_tables,
    laplace_tables,
    table_index,
)

SCALE_BOUND = 0.11
"""Smallest scale of a Gaussian: below, nearly all mass is on one symbol."""
LIKELIHOOD_FLOOR = 1e-9
SHORT_FLOOR = 1e-6
"""DCVC-UF's: an element has 19.9 bits at most."""
_MIN_DIVERSITY = 1e-5


class Conditional(nn.Cell):
    """What the conditional priors have in common: quantisation; `likelihood` is each prior's own.

    ``construct(y, scales, means=None)``, all of one shape; returns ``y_hat``, what the synthesis gets, and the
    likelihood of every element. In evaluation both are of the rounded latent, round(y - mean) + mean.
    With ``noisy_synthesis`` the synthesis gets the noisy latent in training, else the straight-through rounded one.
    For coding there are tables of ``table_scales``, which rise; they are called ``name`` in checkpoints.
    """

    name: str
    table_scales: Singles
    table_set: Callable[[], TableSet]

    def __init__(self, noisy_synthesis: bool = False) -> None:
        super().__init__()
        self.noisy_synthesis = noisy_synthesis

    def construct(self, y: Tensor, scales: Tensor, means: Tensor | None = None) -> tuple[Tensor, Tensor]:
        deviation = y if means is None else y - means
        decoded = round_straight_through(deviation)
        judged = add_noise(deviation) if self.training else decoded
        if self.training and self.noisy_synthesis:
            decoded = judged
        y_hat = decoded if means is None else decoded + means
        return y_hat, self.likelihood(judged, scales)

    def likelihood(self, deviation: Tensor, scales: Tensor) -> Tensor:
        """Probability of the unit interval around each deviation from the mean."""
        raise NotImplementedError

    @property
    def thresholds(self) -> Singles:
        """A scale has table i where it exceeds i of these."""
        return self.table_scales[:-1]

    def table_index(self, scales: Singles) -> NDArray[np.uint8]:
        """The table of each scale, of any shape."""
        return table_index(scales, self.table_scales)

    def tables(self) -> dict[str, NDArray[np.integer[Any]]]:
        """The tables as a checkpoint keeps them: ``<name>.*``, the same for all latents of this distribution."""
        return dict(self.table_set().arrays(self.name))

    def coded_by(self, tables: Tables) -> TableSet:
        """The tables that a checkpoint kept; raises `CheckpointError` where they are absent or malformed."""
        return TableSet.from_arrays(tables, self.name)


class GaussianConditional(Conditional):
    """Gaussian of standard deviation max(scale, 0.11), integrated over unit intervals; never below ``least``.

    Where a bound holds, gradients pass only if they lead away from it (`core.nn.lower_bound.LowerBound`).
    """

    name, table_scales, table_set = "gaussian", GAUSSIAN_SCALES, staticmethod(gaussian_tables)

    def __init__(
        self,
        scale_bound: float = SCALE_BOUND,
        noisy_synthesis: bool = False,
        least: float = LIKELIHOOD_FLOOR,
    ) -> None:
        super().__init__(noisy_synthesis)
        self.bound_scale = LowerBound(scale_bound)
        self.bound_likelihood = LowerBound(least)

    def likelihood(self, deviation: Tensor, scales: Tensor) -> Tensor:
        """Probability of the unit interval around each deviation from the mean."""
        distance = ops.abs(deviation)
        scales = self.bound_scale(scales)
        upper = _normal_cdf((0.5 - distance) / scales)
        lower = _normal_cdf((-0.5 - distance) / scales)
        return self.bound_likelihood(upper - lower)


class FineGaussianConditional(GaussianConditional):
    """DCVC-UF's: likelihoods of 1e-6 at least, and 128 tables, of which a scale has the widest not wider than it."""

    name, table_scales, table_set = "fine_gaussian", FINE_SCALES, staticmethod(fine_gaussian_tables)

    def __init__(self) -> None:
        super().__init__(least=SHORT_FLOOR)

    @property
    def thresholds(self) -> Singles:
        """A scale has table i where it is at least as large as i of these."""
        return FINE_THRESHOLDS

    def table_index(self, scales: Singles) -> NDArray[np.uint8]:
        """The table of each scale, of any shape."""
        return np.searchsorted(FINE_THRESHOLDS, scales, side="right").astype(np.uint8)


class LaplaceConditional(Conditional):
    """Laplace of diversity ``scale`` within 1e-5 and 1e10, as DVC and DCVC have it: likelihood min(P + 1e-5, 1).

    With ``repels``, gradients pass the lower bound (`LowerBound`) if they lead away from it, else none.
    """

    name, table_scales, table_set = "laplace", LAPLACE_SCALES, staticmethod(laplace_tables)

    def __init__(self, noisy_synthesis: bool = False, repels: bool = False) -> None:
        super().__init__(noisy_synthesis)
        self.bound_scale = LowerBound(_MIN_DIVERSITY) if repels else nn.Identity()

    def likelihood(self, deviation: Tensor, scales: Tensor) -> Tensor:
        """Probability of the unit interval around each deviation from the mean."""
        scales = ops.clamp(self.bound_scale(scales), _MIN_DIVERSITY, 1e10)
        return floor_probability(
            _laplace_cdf(deviation + 0.5, scales) - _laplace_cdf(deviation - 0.5, scales)
        )


def bits(likelihood: Tensor) -> Tensor:
    """Information content of all elements together, in bits: a scalar.

    ``xlogy``, because the last bits of MindSpore's ``log`` depend on how often it ran (on CPU, where its threads'
    shares change after five runs), and a resumed training would not repeat an uninterrupted one.
    """
    return -ops.xlogy(1.0, likelihood).sum() / math.log(2)


class InformationOfSamples(nn.Cell):
    """Information content of each sample, (N), from the likelihoods of its elements: 0 bits each at least.

    Where the bound holds, gradients pass only if they lead away from it (`core.nn.lower_bound.LowerBound`).
    """

    def __init__(self) -> None:
        super().__init__()
        self.bound_bits = LowerBound(0.0)

    def construct(self, likelihood: Tensor) -> Tensor:
        bits = -ops.xlogy(1.0, likelihood) / math.log(2)
        return self.bound_bits(bits).reshape(likelihood.shape[0], -1).sum(1)


def floor_probability(probability: Tensor) -> Tensor:
    """min(P + 1e-5, 1): how DVC and DCVC keep an element's information between 0 and 16.6 bits."""
    return ops.clamp(probability + 1e-5, max=1.0)


def _normal_cdf(x: Tensor) -> Tensor:
    return 0.5 * ops.erfc(x * -math.sqrt(0.5))


def _laplace_cdf(x: Tensor, scales: Tensor) -> Tensor:
    return 0.5 - 0.5 * ops.sign(x) * ops.expm1(-ops.abs(x) / scales)
