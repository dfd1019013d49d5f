"""The classical start: the network begins as a block transform codec, which it is left to improve.

Its first layer is the cosine transform of 8x8 pixels, from an eighth to a sixteenth of height and width that of Haar
over four of them, and the layers back are their transposes; blocks are near identity (`core.nn.SeparableBlock`).
Gains are those that are best for fine quantisation, and scales those of natural pictures, whose spectrum falls with
frequency. Inter frames are coded as what is left of the displaced picture.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from mindspore import Tensor, nn
from numpy.typing import NDArray

from core.nn import init

from .config import LEVELS, CompactConfig, lmbda

if TYPE_CHECKING:
    from .cells import Compact

Weights = NDArray[np.float64]
_SIDE = 8
_CHROMA = 2.2
"""How much finer chroma's frequencies count when channels are chosen."""
_NOISE = 0.01
"""Noise of the weights, so that no two channels are alike."""
_STRENGTH, _FALL = 24.0, 1.1
"""Scale of a transform's coefficient of the lowest frequency, of samples from 0 to 255, and how it falls."""
_RESIDUAL = 0.35
"""Ratio of inter frames' scales to those of pictures."""
_BRANCH = 0.2
"""Gain of the last layer of each of a block's branches, which start small anyway."""
_HYPER = 0.1
"""Gain of the last layers of what predicts latents: at the start they predict little."""

Coefficient = tuple[int, int, int]
"""Component, row and column of a coefficient of 8x8 pixels."""
Fine = tuple[int, int, int, int, int]
"""The same, then row and column within the Haar transform."""


def init_weights(network: Compact) -> None:
    """Give a fresh network these weights."""
    rng = np.random.default_rng(0)
    init.scale_branches(network, _BRANCH)
    for coder, share in ((network.intra, 1.0), (network.inter, _RESIDUAL)):
        _init_transforms(coder, network.config, rng)
        _init_latent(coder, network.config, share)
    inter, trunk = network.inter, network.config.trunk
    cosines, identity, zeros = transform(trunk), np.eye(trunk), np.zeros((trunk, trunk))
    _set(inter.join, np.concatenate((cosines, zeros), 1), rng)
    _set(inter.analysis[0].adaptor, np.concatenate((identity, -identity), 1), rng)
    _set(inter.synthesis[0].adaptor, np.concatenate((identity, zeros), 1), rng)


def transform(channels: int) -> Weights:
    """(channels, 192): the cosine transform of 8x8 pixels of three components, lowest frequencies first."""
    rows = [(component * _SIDE + row) * _SIDE + column for component, row, column in _coefficients(channels)]
    return init.patch_cosines(_SIDE, 3)[rows]


def haar(channels: int, trunk: int) -> Weights:
    """(channels, 4 * trunk): Haar's transform over 2x2 of each coefficient, lowest frequencies first."""
    places = {coefficient: 4 * number for number, coefficient in enumerate(_coefficients(trunk))}
    pair = np.array([[1.0, 1.0], [1.0, -1.0]]) / math.sqrt(2)
    weights = np.zeros((channels, 4 * trunk))
    for number, (component, row, column, down, across) in enumerate(_fine(channels, trunk)):
        # Even and odd bases alternate in sign over the two halves of a longer one.
        block = np.outer(pair[down ^ (row & 1)], pair[across ^ (column & 1)]).ravel()
        place = places[component, row, column]
        weights[number, place : place + 4] = block
    return weights


def _init_transforms(coder: nn.Cell, config: CompactConfig, rng: np.random.Generator) -> None:
    cosines, halves = transform(config.trunk), haar(config.latent, config.trunk)
    for layer, weights in (
        (coder.head, cosines),
        (coder.down[1], halves),
        (coder.up[1], halves.T),
        (coder.tail, cosines.T),
    ):
        _set(layer, weights, rng)


def _init_latent(coder: nn.Cell, config: CompactConfig, share: float) -> None:
    """Gains by the theory of fine quantisation, and the scales that coefficients then have."""
    steps = np.sqrt(26 / np.array([lmbda(level) for level in range(LEVELS)]))
    gains = np.log(255 / steps)[:, None]
    for table, rows in ((coder.latent_gain.logarithm, gains), (coder.latent_scale.logarithm, -gains)):
        table.rows.set_data(Tensor(np.broadcast_to(rows, table.rows.shape).astype(np.float32)))
    frequencies = np.array([_frequency(fine) for fine in _fine(config.latent, config.trunk)])
    scales = share * _STRENGTH * _SIDE / 255 / (0.5 + frequencies) ** _FALL
    rows = np.log(scales)[None] + gains
    coder.latent.log_scales.rows.set_data(Tensor(rows.astype(np.float32)))
    for layer in (coder.latent.scale_synthesis[-1], coder.latent.means):
        layer.weight.set_data(Tensor(_HYPER * layer.weight.asnumpy()))
        layer.bias.set_data(Tensor(np.zeros(layer.bias.shape, np.float32)))


def _coefficients(count: int) -> list[Coefficient]:
    """The lowest frequencies of 8x8 pixels."""
    along = range(_SIDE)
    every = [(component, row, column) for component in range(3) for row in along for column in along]
    return sorted(every, key=lambda one: _frequency((*one, 0, 0)))[:count]


def _fine(count: int, trunk: int) -> list[Fine]:
    """The lowest frequencies of 16x16 pixels among coefficients that the trunk has."""
    halves = [(0, 0), (0, 1), (1, 0), (1, 1)]
    every = [(*one, *half) for one in _coefficients(trunk) for half in halves]
    return sorted(every, key=_frequency)[:count]


def _frequency(fine: Fine) -> float:
    """Frequency of luma, as finely as 16x16 pixels tell; those of chroma count as higher."""
    component, row, column, down, across = fine
    return math.hypot(2 * row + down, 2 * column + across) * (_CHROMA if component else 1.0)


def _set(layer: nn.Cell, weights: Weights, rng: np.random.Generator) -> None:
    """Weights of a 1x1 convolution, with a little noise, and no bias."""
    noise = _NOISE / math.sqrt(weights.shape[1]) * rng.standard_normal(weights.shape)
    layer.weight.set_data(Tensor((weights + noise)[:, :, None, None].astype(np.float32)))
    layer.bias.set_data(Tensor(np.zeros(layer.bias.shape, np.float32)))
