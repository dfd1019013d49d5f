"""Fully factorised priors: a learned cumulative distribution for every channel of a hyper-latent.

`FactorizedPrior` is the form of Ballé et al. 2018 (appendix 6.1), `BitEstimator` its one-wide variant in DVC and DCVC.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np
from mindspore import Parameter, ParameterTuple, Tensor, nn, ops
from mindspore.common.initializer import Initializer, Normal, Uniform, initializer

from core.entropy.coders import FactorizedCoder, LatentCoder
from core.entropy.conditional import LIKELIHOOD_FLOOR, SHORT_FLOOR, InformationOfSamples, floor_probability
from core.entropy.latents import FactorizedLatent
from core.entropy.quantize import add_noise, round_about, round_straight_through
from core.hooks import Tables
from core.nn.lower_bound import LowerBound
from core.nn.rows import rows_of
from core.symbols.tables import (
    Floats,
    TableSet,
    bottleneck_tables,
    factorized_tables,
    short_factorized_tables,
)

_TAIL_MASS = 1e-9
"""Probability outside of the outer quantiles."""
_INITIAL_SCALE = 10.0


class FactorizedPrior(FactorizedLatent):
    """Distribution of N,C,H,W latents that are independent, equally distributed within a channel.

    ``construct(z)`` returns ``z_hat`` and the likelihood of every element (1e-9 at least): z + noise in training,
    round(z - median) + median in evaluation. The logit of the cumulative distribution is a chain of matrices with
    positive elements and monotonic bends in between (Ballé et al. 2018, appendix 6.1).

    Args:
        channels: channels of the latent.
        filters: widths of the chain between its ends.

    The quantiles (tail, median, tail of each channel) are trained by `auxiliary_loss` alone.
    """

    def __init__(self, channels: int, filters: Sequence[int] = (3, 3, 3, 3)) -> None:
        super().__init__()
        widths = (1, *filters, 1)
        scale = _INITIAL_SCALE ** (1 / (len(widths) - 1))
        matrices, biases, factors = [], [], []
        for i, (inner, outer) in enumerate(pairwise(widths)):
            start = math.log(math.expm1(1 / scale / outer))
            matrices.append(_parameter(start, (channels, outer, inner), f"matrices.{i}"))
            biases.append(_parameter(Uniform(0.5), (channels, outer, 1), f"biases.{i}"))
            factors.append(_parameter("zeros", (channels, outer, 1), f"factors.{i}"))
        self.matrices = ParameterTuple(matrices)
        self.biases = ParameterTuple(biases)
        self.factors = ParameterTuple(factors[:-1])
        quantiles = np.tile(np.array([-_INITIAL_SCALE, 0, _INITIAL_SCALE], np.float32), (channels, 1, 1))
        self.quantiles = Parameter(Tensor(quantiles), name="quantiles")
        tail = math.log(2 / _TAIL_MASS - 1)
        self.target = Tensor(np.array([-tail, 0, tail], np.float32))
        self.bound_likelihood = LowerBound(LIKELIHOOD_FLOOR)

    def construct(self, z: Tensor) -> tuple[Tensor, Tensor]:
        z_hat = add_noise(z) if self.training else round_about(z, self.medians())
        batch, channels, height, width = z.shape
        values = z_hat.transpose(1, 0, 2, 3).reshape(channels, 1, -1)
        logits = self._logits(ops.concat((values - 0.5, values + 0.5), 2))
        lower, upper = ops.chunk(ops.sigmoid(logits), 2, 2)
        likelihood = (upper - lower).reshape(channels, batch, height, width).transpose(1, 0, 2, 3)
        return z_hat, self.bound_likelihood(likelihood)

    def medians(self) -> Tensor:
        """Median of each channel, (1,C,1,1); no gradient passes."""
        return ops.stop_gradient(self.quantiles[:, :, 1]).reshape(1, -1, 1, 1)

    def symbols(self, y: Tensor) -> Tensor:
        """Distances from the medians, rounded."""
        return ops.round(y - self.medians())

    def restore(self, symbols: Tensor) -> Tensor:
        """``z_hat`` from symbols."""
        return symbols + self.medians()

    def medians_in_numpy(self) -> Floats:
        """(C)"""
        return _double(self.quantiles)[:, 0, 1]

    def auxiliary_loss(self) -> Tensor:
        """The distance of the quantiles' logits from those of tail, half and tail, summed; only they get a
        gradient."""
        return ops.abs(self._logits(self.quantiles, fixed=True) - self.target).sum()

    def table_set(self) -> TableSet:
        """Integer tables of the present parameters: symbol round(z - median), one table for each channel."""
        return bottleneck_tables(self._numpy_logits(), self.quantiles.asnumpy()[:, 0])

    def _numpy_logits(self) -> Callable[[Floats], Floats]:
        """`_logits` in float64: (C,L) -> (C,L)."""
        matrices = [np.logaddexp(0, _double(matrix)) for matrix in self.matrices]
        biases = [_double(bias) for bias in self.biases]
        factors = [np.tanh(_double(factor)) for factor in self.factors]

        def logits(values: Floats) -> Floats:
            x = values[:, None]
            for i, (matrix, bias) in enumerate(zip(matrices, biases, strict=True)):
                x = matrix @ x + bias
                if i < len(factors):
                    x = x + factors[i] * np.tanh(x)
            return x[:, 0]

        return logits

    def _logits(self, x: Tensor, fixed: bool = False) -> Tensor:
        """Logits of the cumulative distribution at x (C,1,M); ``fixed`` keeps gradients from the chain."""
        for i in range(len(self.matrices)):
            matrix, bias = _softplus(self.matrices[i]), self.biases[i]
            x = ops.matmul(_held(matrix, fixed), x) + _held(bias, fixed)
            if i < len(self.factors):
                x = x + _held(ops.tanh(self.factors[i]), fixed) * ops.tanh(x)
        return x


class BitEstimator(FactorizedLatent):
    """The one-wide factorised prior of DVC and DCVC: four steps for each channel of N,C,H,W, no median.

    ``construct(z)`` returns ``z_hat``, z + noise in training and round(z) in evaluation, and the likelihood of
    every element, min(P + 1e-5, 1).
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.f1 = _Bend(channels)
        self.f2 = _Bend(channels)
        self.f3 = _Bend(channels)
        self.f4 = _Bend(channels, last=True)

    def construct(self, z: Tensor) -> tuple[Tensor, Tensor]:
        z_hat = add_noise(z) if self.training else ops.round(z)
        return z_hat, floor_probability(self.cumulative(z_hat + 0.5) - self.cumulative(z_hat - 0.5))

    def cumulative(self, x: Tensor) -> Tensor:
        """Cumulative distribution of each channel at N,C,H,W."""
        return ops.sigmoid(self.f4(self.f3(self.f2(self.f1(x)))))

    def medians_in_numpy(self) -> Floats:
        """(C): zeros."""
        return np.zeros(self.f1.h.shape[1])

    def table_set(self) -> TableSet:
        """Integer tables of the present parameters: symbol round(z), one table for each channel."""
        steps = [step.in_float64() for step in (self.f1, self.f2, self.f3, self.f4)]

        def logits(values: Floats) -> Floats:
            for step in steps:
                values = step(values)
            return values

        return factorized_tables(logits, self.f1.h.shape[1])


class QualityBitEstimator(FactorizedLatent):
    """The prior of `BitEstimator`, of its own for each of several ``qualities`` (DCVC-UF), N,C,H,W.

    ``construct(z, quality)``, quality (N), whole numbers: ``z_hat``, z rounded, whose gradient is the identity's, and
    the bits of each sample, (N), of z + noise in training and of round(z) in evaluation.
    """

    def __init__(self, channels: int, qualities: int) -> None:
        super().__init__()
        self.channels, self.qualities = channels, qualities
        self.h = _parameter(Normal(0.01), (qualities, channels, 4), "h")
        self.b = _parameter(Normal(0.01), (qualities, channels, 4), "b")
        self.a = _parameter(Normal(0.01), (qualities, channels, 3), "a")
        self.bound_likelihood, self.price = LowerBound(SHORT_FLOOR), InformationOfSamples()

    def construct(self, z: Tensor, quality: Tensor) -> tuple[Tensor, Tensor]:
        z_hat = round_straight_through(z)
        return z_hat, self.bits(add_noise(z) if self.training else z_hat, quality)

    def bits(self, z: Tensor, quality: Tensor) -> Tensor:
        """Information of each sample of z as it is judged, (N)."""
        slopes, offsets, bends = (
            rows_of(values, quality).expand_dims(-1)
            for values in (_softplus(self.h), self.b, ops.tanh(self.a))
        )
        batch, channels, height, width = z.shape
        values = z.reshape(batch, channels, height * width)
        likelihood = _cumulative(values + 0.5, slopes, offsets, bends) - _cumulative(
            values - 0.5, slopes, offsets, bends
        )
        return self.price(self.bound_likelihood(likelihood))

    def information(self, symbols: Tensor, *quality: Tensor) -> Tensor:
        """Bits of symbols of one quality, (1): a scalar."""
        return self.bits(symbols, quality[0]).sum()

    def medians_in_numpy(self) -> Floats:
        """(C): zeros."""
        return np.zeros(self.channels)

    def table_set(self) -> TableSet:
        """A table for each channel of each quality, qualities one after another."""
        slopes, offsets, bends = (
            part.reshape(-1, part.shape[2], 1)
            for part in (np.logaddexp(0, _double(self.h)), _double(self.b), np.tanh(_double(self.a)))
        )

        def logits(values: Floats) -> Floats:
            for step in range(3):
                line = values * slopes[:, step] + offsets[:, step]
                values = line + bends[:, step] * np.tanh(line)
            return values * slopes[:, 3] + offsets[:, 3]

        return short_factorized_tables(logits)

    def coder(self, tables: Tables, name: str) -> LatentCoder:
        """See `core.entropy.latents.Latent`; the quality is known."""
        table_set = TableSet.from_arrays(tables, name)
        return FactorizedCoder(table_set, np.arange(len(table_set)).reshape(self.qualities, -1))


def _cumulative(x: Tensor, slopes: Tensor, offsets: Tensor, bends: Tensor) -> Tensor:
    """The cumulative of N,C,L; slopes and offsets N,C,4,1, bends N,C,3,1."""
    for step in range(3):
        line = x * slopes[:, :, step] + offsets[:, :, step]
        x = line + bends[:, :, step] * ops.tanh(line)
    return ops.sigmoid(x * slopes[:, :, 3] + offsets[:, :, 3])


class _Bend(nn.Cell):
    """t = x softplus(h) + b, then t + tanh(t) tanh(a); the last step is t alone."""

    def __init__(self, channels: int, last: bool = False) -> None:
        super().__init__()
        shape = (1, channels, 1, 1)
        self.h = _parameter(Normal(0.01), shape, "h")
        self.b = _parameter(Normal(0.01), shape, "b")
        self.last = last
        if not last:
            self.a = _parameter(Normal(0.01), shape, "a")

    def construct(self, x: Tensor) -> Tensor:
        line = x * _softplus(self.h) + self.b
        return line if self.last else line + ops.tanh(line) * ops.tanh(self.a)

    def in_float64(self) -> Callable[[Floats], Floats]:
        """`construct` in float64: (C,L) -> (C,L)."""
        slope, offset = np.logaddexp(0, _double(self.h)[0, :, 0]), _double(self.b)[0, :, 0]
        bend = 0.0 if self.last else np.tanh(_double(self.a)[0, :, 0])

        def step(values: Floats) -> Floats:
            line = values * slope + offset
            return line + bend * np.tanh(line)

        return step


def _parameter(start: Initializer | str | float, shape: tuple[int, ...], name: str) -> Parameter:
    return Parameter(initializer(start, shape), name=name)


def _double(parameter: Parameter) -> Floats:
    return parameter.asnumpy().astype(np.float64)


def _softplus(x: Tensor) -> Tensor:
    """log(1 + exp(x)) of parameters, which are small; as in `bits`, MindSpore's own would not repeat exactly."""
    return ops.log1p(ops.exp(x))


def _held(x: Tensor, fixed: bool) -> Tensor:
    return ops.stop_gradient(x) if fixed else x
