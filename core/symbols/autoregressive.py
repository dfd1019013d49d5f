"""Real coding under a context model: each element's mean and scale depend on elements that are coded before it.

All positions whose contexts are complete are computed together (`core.symbols.context.waves`), by encoder and decoder
alike. Means and the choice of tables come from exact integer arithmetic (`core.symbols.pointwise`), so what is decoded
is what was encoded if side information and symbols are, whatever the machine and its threads. A wave's symbols go
through the coder together, position by position with the channels innermost.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from core.errors import CheckpointError, StreamError
from core.symbols.coder import SymbolDecoder, SymbolEncoder
from core.symbols.context import ContextOrder, Places, visible, waves
from core.symbols.pointwise import FRACTION, UNIT, Floats, PointwiseLayer, clamp, leaky, to_fixed
from core.symbols.tables import TableSet

Array = NDArray[np.float32]
Longs = NDArray[np.int64]
Indices = NDArray[np.uint8]
Layer = tuple[ArrayLike, ArrayLike]
"""Weight and bias."""

_MAX_LATENT = 2.0**31
_STRIP = 512
"""Positions computed at a time, which bounds memory; what they give does not depend on it."""


@dataclass(frozen=True)
class ContextNetwork:
    """A context model and the layers that make distributions of it, as they were trained."""

    context: Layer
    """The masked convolution: weight out,channels,k,k, bias out."""
    layers: Sequence[Layer]
    """1x1 convolutions, weights out,in: the first takes side information and then the context, the last gives the
    means of all channels and then what is compared with the tables' thresholds."""
    slope: float
    """Slope of LeakyReLU between the layers."""
    order: ContextOrder


@dataclass(frozen=True)
class DecodedLatent:
    """A latent as the decoder has it, and what was expected of it: (C,H,W) each."""

    values: Array
    means: Array
    scales: Array
    """Scales as the network gave them, which may be negative."""
    symbols: NDArray[np.int32]


Code = Callable[[Places, Floats, Indices], NDArray[np.integer]]
"""Positions, their means (positions,C) in units of 2^-16 and tables (positions,C) to symbols (positions,C)."""


class AutoregressiveCoder:
    """Codes latents under a context model.

    Args:
        network: the context model.
        tables: the zero-mean distributions of the symbols.
        thresholds: an element has table i where its scale exceeds i of these, which rise.

    ``whole`` rounds means to whole numbers, so that decoded latents are; else they are at whole distances from means.
    """

    def __init__(self, network: ContextNetwork, tables: TableSet, thresholds: ArrayLike) -> None:
        weight, bias = (np.asarray(part) for part in network.context)
        self._channels, self._kernel = weight.shape[1], weight.shape[2]
        self._order, self._slope = network.order, network.slope
        self._seen = visible(network.order, self._kernel)
        taps = weight[:, :, self._seen].transpose(0, 2, 1)  # tap by tap, as contexts are gathered
        self._context = PointwiseLayer.quantise(taps.reshape(len(weight), -1), bias)
        self._layers = [PointwiseLayer.quantise(*layer) for layer in network.layers]
        self._side_channels = self._layers[0].weight.shape[0] - len(weight)
        self._tables = tables
        self._thresholds = np.floor(np.ldexp(np.asarray(thresholds, np.float64), FRACTION))

    def encode(
        self, latent: Array, side: Array, encoder: SymbolEncoder, whole: bool = False
    ) -> DecodedLatent:
        """Add a latent (C,H,W) under side information (S,H,W).

        Raises `CheckpointError` where one of them is no number or the latent does not fit 32 bits.
        """
        # "Not a number" is not below anything either.
        if np.isnan(side).any() or not np.abs(latent).max() < _MAX_LATENT:
            raise CheckpointError(
                "The network's latents are too large or no numbers: its training has diverged; "
                "give another checkpoint."
            )
        targets = latent.reshape(len(latent), -1).T.astype(np.float64) * UNIT

        def code(places: Places, means: Floats, indices: Indices) -> Longs:
            symbols = np.rint((targets[places] - means) / UNIT).astype(np.int64)
            encoder.encode(symbols, self._tables, indices)
            return symbols

        return self._run(side, code, whole)

    def decode(self, side: Array, decoder: SymbolDecoder, whole: bool = False) -> DecodedLatent:
        """The next latent under this side information (S,H,W); raises `StreamError` on damage."""
        if np.isnan(side).any():
            raise StreamError("A packet is damaged: the network makes no numbers of its first symbols.")

        def code(places: Places, means: Floats, indices: Indices) -> NDArray[np.int32]:
            return decoder.decode(self._tables, indices)

        return self._run(side, code, whole)

    def _run(self, side: Array, code: Code, whole: bool) -> DecodedLatent:
        """What encoder and decoder share: wave after wave, ``code`` tells the symbols."""
        _, height, width = side.shape
        plane = _Plane(self._channels, height, width, self._seen)
        known = self._known(side)
        values, means, scales, symbols = (np.empty((height * width, self._channels)) for _ in range(4))
        for places in waves(self._order, height, width, self._kernel):
            means[places], scales[places], indices = self._distributions(plane, places, known)
            centres = np.rint(means[places] / UNIT) * UNIT if whole else means[places]
            symbols[places] = code(places, centres, indices)
            values[places] = symbols[places] * UNIT + centres
            plane.set(places, values[places])
        shape = (self._channels, height, width)

        def as_floats(part: Floats) -> Array:
            return (part.T / UNIT).astype(np.float32).reshape(shape)

        coded = symbols.T.astype(np.int32).reshape(shape)
        return DecodedLatent(as_floats(values), as_floats(means), as_floats(scales), coded)

    def _known(self, side: Array) -> Floats:
        """What side information adds to the first layer's sums, (positions,outputs)."""
        if len(side) != self._side_channels:
            raise ValueError(f"There is side information of {len(side)} channels, not {self._side_channels}.")
        positions = to_fixed(side.reshape(len(side), -1).T)
        return positions @ self._layers[0].weight[: self._side_channels]

    def _distributions(self, plane: _Plane, places: Places, known: Floats) -> tuple[Floats, Floats, Indices]:
        """Means and scales, in units of 2^-16, and tables, (positions,C) each."""
        made = np.empty((places.size, 2 * self._channels))
        for start in range(0, places.size, _STRIP):
            strip = places[start : start + _STRIP]
            made[start : start + _STRIP] = self._compute(plane.contexts(strip), known[strip])
        means, scales = np.split(made, 2, 1)
        return means, scales, np.searchsorted(self._thresholds, scales).astype(np.uint8)

    def _compute(self, contexts: Floats, known: Floats) -> Floats:
        first, *others = self._layers
        sums = self._context(contexts) @ first.weight[self._side_channels :]
        made = first.to_activations(np.add(sums, known, out=sums))
        for layer in others:
            made = layer(leaky(made, self._slope))
        return made


class _Plane:
    """The part of a latent that is known, with zeros all around: what contexts are gathered from."""

    def __init__(self, channels: int, height: int, width: int, seen: NDArray[np.bool_]) -> None:
        margin = seen.shape[0] // 2
        stride = width + 2 * margin
        rows, columns = np.divmod(np.arange(height * width), width)
        down, across = np.nonzero(seen)
        self._values = np.zeros(((height + 2 * margin) * stride, channels))
        self._places = (rows + margin) * stride + columns + margin
        self._offsets = (down - margin) * stride + across - margin

    def contexts(self, places: Places) -> Floats:
        """(positions, taps * channels)"""
        taps = self._places[places][:, None] + self._offsets
        return self._values.take(taps, 0).reshape(places.size, -1)

    def set(self, places: Places, values: Floats) -> None:
        """Make values (positions,channels) known."""
        self._values[self._places[places]] = clamp(values)
