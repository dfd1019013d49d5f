"""A hyper decoder in exact integer arithmetic: from coded symbols to what they tell of every latent.

A decoder must choose the encoder's tables to the last one, on any machine; float convolutions do not promise that.
Here weights and activations are integers (fixed point), held in float64 arrays so that ordinary matrix products
compute them. Every product and every partial sum stays below 2^53 in magnitude, where float64 is exact, so neither the
order of summation nor threads nor fused instructions matter. The idea is that of integer networks (Ballé et al., ICLR
2019); the widths are ours.

Fixed point here means an integer n that stands for n / 2^bits.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from core.errors import CheckpointError
from core.hooks import Tables
from core.kernels.integers import IntegerMatrix
from core.symbols.tables import read_table

Floats = NDArray[np.float64]
Longs = NDArray[np.int64]

INPUT_BITS, ACTIVATION_BITS, OUTPUT_BITS = 14, 12, 20
"""Fraction bits of the input, of the activations between layers, and of what is compared with thresholds."""
WEIGHT_BITS = 15
"""A weight is below 2^15 in magnitude; its fraction bits are those its output channel has room for."""
SLOPE_BITS = 16
"""Fraction bits of a slope."""
SYMBOL_LIMIT = 1023
"""Symbols beyond are taken as this."""
_EXACT = 1 << 53
_MAX_BITS = 40
_MAX_FLOAT = 2.0**20
MAX_ACTIVATION = 1 << 14
_MAX_KERNEL = 15
_STRIP = 1024
"""Positions convolved at a time, which bounds memory."""


@dataclass(frozen=True)
class Deconvolution:
    """A float transposed convolution that multiplies height and width by its stride: padding k//2.

    ``weight`` (in,out,k,k) with odd k, ``bias`` (out), as PyTorch lays them out.
    """

    weight: NDArray[np.floating]
    bias: NDArray[np.floating]
    stride: int = 2


@dataclass(frozen=True, eq=False)
class IntegerLayer:
    """A transposed convolution of integers: floor((weight * x + bias) / 2^shift)."""

    weight: NDArray[np.int16]
    """(in,out,k,k)"""
    bias: Longs
    """(out): the bias in the scale of the sum, and half a unit of the result so that flooring rounds."""
    shifts: NDArray[np.int8]
    """(out)"""
    stride: int

    def largest_sum(self, largest_input: int) -> int:
        """Bound of every partial sum's magnitude for inputs of at most this magnitude."""
        norms = np.abs(self.weight.astype(np.int64)).sum((0, 2, 3))
        return max(
            int(norm) * largest_input + abs(int(bias)) for norm, bias in zip(norms, self.bias, strict=True)
        )

    def __call__(self, x: Floats) -> Floats:
        """(in,h,w) -> (out, stride*h, stride*w), integers in float64 all."""
        _, height, width = x.shape
        margin = self._margin
        padded = np.pad(x, ((0, 0), (margin, margin), (margin, margin)))
        result = np.empty((self.bias.size, self.stride * height, self.stride * width))
        rows = max(1, _STRIP // max(1, width))
        for top in range(0, height, rows):
            strip = padded[:, top : top + rows + 2 * margin]
            result[:, self.stride * top : self.stride * (top + rows)] = self._strip(strip, width)
        return result

    def _strip(self, padded: Floats, width: int) -> Floats:
        """The convolution of rows that have their margins on all sides."""
        channels, height = padded.shape[0], padded.shape[1] - 2 * self._margin
        result = np.empty((self.bias.size, self.stride * height, self.stride * width))
        scale = np.ldexp(1.0, -self.shifts.astype(int))[:, None]
        for phase in self._phases:
            shifted = [padded[:, y : y + height, x : x + width] for y, x in phase.places]
            columns = np.stack(shifted).reshape(len(shifted) * channels, height * width)
            sums = phase.matrix @ columns
            sums += self.bias[:, None]
            sums *= scale
            rows, cols = slice(phase.row, None, self.stride), slice(phase.column, None, self.stride)
            result[:, rows, cols] = np.floor(sums, out=sums).reshape(-1, height, width)
        return result

    @property
    def _margin(self) -> int:
        return self.weight.shape[2] // 2

    @cached_property
    def _phases(self) -> list[_Phase]:
        """Outputs of the same place modulo the stride see the same taps: each such phase is a plain convolution."""
        return [self._phase(row, column) for row in range(self.stride) for column in range(self.stride)]

    def _phase(self, row: int, column: int) -> _Phase:
        taps = [(y, x) for y in self._taps(row) for x in self._taps(column)]
        matrix = np.concatenate([self.weight[:, :, ky, kx].T for (ky, _), (kx, _) in taps], axis=1)
        places = [(self._margin + dy, self._margin + dx) for (_, dy), (_, dx) in taps]
        return _Phase(row, column, places, IntegerMatrix(matrix))

    def _taps(self, phase: int) -> Iterator[tuple[int, int]]:
        """Taps of one axis that reach outputs of this phase, each with the input's place relative to the output's."""
        for tap in range(self.weight.shape[2]):
            distance = phase + self._margin - tap
            if distance % self.stride == 0:
                yield tap, distance // self.stride


@dataclass(frozen=True, eq=False)
class _Phase:
    row: int
    column: int
    places: list[tuple[int, int]]
    """Position in the padded input at which each tap begins to read."""
    matrix: IntegerMatrix
    """(out, taps * in)"""


@dataclass(frozen=True, eq=False)
class IntegerNetwork:
    """Transposed convolutions with bounded ReLU or LeakyReLU between them, then thresholds: exact on every machine."""

    layers: Sequence[IntegerLayer]
    medians: Longs
    """(C): added to the symbols; fixed point of `INPUT_BITS`."""
    thresholds: Longs
    """The index of a place is how many of them its value exceeds; rising, fixed point of `OUTPUT_BITS`."""
    activation_limit: int
    """Bound of the magnitude of activations between layers."""
    slope: int = 0
    """Slope of LeakyReLU, below 1, fixed point of `SLOPE_BITS`; 0 for ReLU."""

    def __post_init__(self) -> None:
        problem = self._problem()
        if problem:
            raise CheckpointError(f"An integer network is damaged: {problem}. Give another checkpoint.")

    @property
    def enlargement(self) -> int:
        """How many times larger height and width of what it gives are."""
        return math.prod(layer.stride for layer in self.layers)

    def __call__(self, symbols: NDArray[np.int32]) -> NDArray[np.uint8]:
        """Symbols (C,h,w) -> index of each latent's table (C',h',w'); every int32 is allowed."""
        values = self.values(symbols)
        return np.searchsorted(self.thresholds.astype(np.float64), values, side="left").astype(np.uint8)

    def values(self, symbols: NDArray[np.int32]) -> Floats:
        """Symbols (C,h,w) -> what the last layer gives (C',h',w'), fixed point of `OUTPUT_BITS`."""
        clipped = np.clip(symbols, -SYMBOL_LIMIT, SYMBOL_LIMIT).astype(np.float64)
        values = clipped * (1 << INPUT_BITS) + self.medians[:, None, None]
        for layer in self.layers[:-1]:
            values = self._activate(layer(values))
        return self.layers[-1](values)

    def _activate(self, values: Floats) -> Floats:
        """Apply the activation in place."""
        largest = self.activation_limit << ACTIVATION_BITS
        if not self.slope:
            return values.clip(0, largest, out=values)
        values.clip(-largest, largest, out=values)
        below = np.floor(values * (self.slope / (1 << SLOPE_BITS)))
        return np.maximum(values, below, out=values)

    @classmethod
    def quantise(
        cls,
        layers: Sequence[Deconvolution],
        thresholds: ArrayLike,
        medians: ArrayLike,
        activation_limit: int = 255,
        slope: float = 0.0,
    ) -> IntegerNetwork:
        """The integer twin of float layers with ReLU, or LeakyReLU of a slope below 1, between them.

        Activations are clamped at ``activation_limit``.

        ``thresholds``: a latent has table i when the last layer's output exceeds i of these, so they are all table
        scales but the last (their logarithms, where an exponential would follow). ``medians`` (C) are added to the
        symbols. Raises `CheckpointError` for values that are not finite or too large.
        """
        parts = [medians, thresholds, *(part for layer in layers for part in (layer.weight, layer.bias))]
        # Comparing tells "not a number" as well.
        if not all((np.abs(np.asarray(part, np.float64)) < _MAX_FLOAT).all() for part in parts):
            raise CheckpointError(
                "The hyper decoder's weights are no numbers or too large: its training has diverged."
            )
        bits = [INPUT_BITS] + [ACTIVATION_BITS] * (len(layers) - 1) + [OUTPUT_BITS]
        largest = [2.0 * SYMBOL_LIMIT] + [float(activation_limit)] * (len(layers) - 1)
        return cls(
            [_quantise_layer(*each) for each in zip(layers, largest, bits[:-1], bits[1:], strict=True)],
            np.rint(np.ldexp(np.asarray(medians, np.float64), INPUT_BITS)).astype(np.int64),
            np.floor(np.ldexp(np.asarray(thresholds, np.float64), OUTPUT_BITS)).astype(np.int64),
            activation_limit,
            round(slope * (1 << SLOPE_BITS)),
        )

    def arrays(self, prefix: str) -> dict[str, NDArray[np.integer]]:
        """The arrays that a checkpoint keeps, under names that begin with ``<prefix>.``."""
        form = np.array([self.activation_limit, *(layer.stride for layer in self.layers)], np.int32)
        named: dict[str, NDArray[np.integer]] = {
            f"{prefix}.form": form,
            f"{prefix}.medians": self.medians,
            f"{prefix}.thresholds": self.thresholds,
        }
        if self.slope:
            named[f"{prefix}.slope"] = np.array(self.slope, np.int32)
        for number, layer in enumerate(self.layers):
            named[f"{prefix}.{number}.weight"] = layer.weight
            named[f"{prefix}.{number}.bias"] = layer.bias
            named[f"{prefix}.{number}.shifts"] = layer.shifts
        return named

    @classmethod
    def from_arrays(cls, tables: Tables, prefix: str) -> IntegerNetwork:
        """The network that `arrays` gave; raises `CheckpointError` where it is absent or malformed."""
        limit, *strides = read_table(tables, f"{prefix}.form", np.int32, (None,)).tolist() or [0]
        slope = (
            read_table(tables, f"{prefix}.slope", np.int32, ()).item() if f"{prefix}.slope" in tables else 0
        )
        return cls(
            [_read_layer(tables, f"{prefix}.{number}", stride) for number, stride in enumerate(strides)],
            read_table(tables, f"{prefix}.medians", np.int64, (None,)),
            read_table(tables, f"{prefix}.thresholds", np.int64, (None,)),
            limit,
            slope,
        )

    def _problem(self) -> str | None:
        """The fault of values that may come from any file; None where there is none."""
        if not self.layers or not 0 < self.activation_limit <= MAX_ACTIVATION:
            return "it has no layers, or no sensible bound of its activations"
        if not 0 <= self.slope < 1 << SLOPE_BITS:
            return "its slope is not below 1"
        if not 0 < self.thresholds.size < 256 or (np.diff(self.thresholds) <= 0).any():
            return "its thresholds do not rise"
        if max(map(abs, self.thresholds.tolist())) >= _EXACT:
            return "its thresholds are too large"
        if max(map(abs, self.medians.tolist()), default=0) > SYMBOL_LIMIT << INPUT_BITS:
            return "its medians are too large"
        return self._problem_of_layers()

    def _problem_of_layers(self) -> str | None:
        channels, largest = self.medians.size, 2 * SYMBOL_LIMIT << INPUT_BITS
        for layer in self.layers:
            inputs, outputs, rows, columns = layer.weight.shape
            if inputs != channels or not outputs or not layer.bias.size == layer.shifts.size == outputs:
                return "the channels of its layers do not fit each other"
            if rows != columns or rows % 2 == 0 or rows > _MAX_KERNEL or not 1 <= layer.stride <= rows:
                return f"a kernel of {rows}x{columns} with stride {layer.stride} is not supported"
            if layer.largest_sum(largest) >= _EXACT:
                return "its sums are too large to be exact"
            channels, largest = outputs, self.activation_limit << ACTIVATION_BITS
        return None


def _quantise_layer(layer: Deconvolution, largest: float, bits: int, result_bits: int) -> IntegerLayer:
    """Give each output channel as many fraction bits as its weights and its largest sum leave room for."""
    weight, bias = np.asarray(layer.weight, np.float64), np.asarray(layer.bias, np.float64)
    _, exponent = np.frexp(np.abs(weight).max((0, 2, 3)))
    bound = np.abs(weight).sum((0, 2, 3)) * largest + np.abs(bias)
    _, bound_exponent = np.frexp(bound)
    weight_bits = np.minimum(np.minimum(WEIGHT_BITS - exponent, 52 - bits - bound_exponent), _MAX_BITS)
    shifts = bits + weight_bits - result_bits
    half = np.where(shifts > 0, np.ldexp(1.0, shifts - 1), 0)
    largest_weight = (1 << WEIGHT_BITS) - 1
    scaled = np.rint(np.ldexp(weight, weight_bits[:, None, None])).clip(-largest_weight, largest_weight)
    return IntegerLayer(
        scaled.astype(np.int16),
        (np.rint(np.ldexp(bias, bits + weight_bits)) + half).astype(np.int64),
        shifts.astype(np.int8),
        layer.stride,
    )


def _read_layer(tables: Tables, prefix: str, stride: int) -> IntegerLayer:
    weight = read_table(tables, f"{prefix}.weight", np.int16, (None,) * 4)
    bias = read_table(tables, f"{prefix}.bias", np.int64, (None,))
    return IntegerLayer(weight, bias, read_table(tables, f"{prefix}.shifts", np.int8, (None,)), stride)
