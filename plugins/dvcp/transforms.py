"""The transforms of DVC-P, of one form for motion and residuals: four halvings or doublings, normalised between.

Its pieces can be exchanged one by one for those of DVC, to see what each of them does.
"""

from __future__ import annotations

from itertools import pairwise

from mindspore import nn

from core.nn import GDN, Conv2d, ConvChain, ConvTranspose2d, InverseGDN, NearestConv2d

from .config import DvcpConfig, Normalisation, Upsampling
from .normalisation import ChannelNorm

_HALVINGS = 4
"""Latents are a sixteenth of the picture's height and width."""


def analysis(inputs: int, hidden: int, latent: int, config: DvcpConfig) -> ConvChain:
    """N,inputs,H,W -> N,latent,H/16,W/16."""
    widths = (inputs, *[hidden] * (_HALVINGS - 1), latent)
    cells: list[nn.Cell] = []
    for number, (before, after) in enumerate(pairwise(widths), 1):
        cells.append(Conv2d(before, after, config.kernel, 2))
        if number < _HALVINGS:
            cells += _between(after, config.normalisation, GDN)
    return ConvChain(cells)


def synthesis(latent: int, hidden: int, outputs: int, config: DvcpConfig) -> ConvChain:
    """N,latent,h,w -> N,outputs,16h,16w."""
    widths = (latent, *[hidden] * (_HALVINGS - 1), outputs)
    cells: list[nn.Cell] = []
    for number, (before, after) in enumerate(pairwise(widths), 1):
        cells.append(_doubling(before, after, config))
        if number < _HALVINGS:
            cells += _between(after, config.normalisation, InverseGDN)
    return ConvChain(cells)


def _doubling(inputs: int, outputs: int, config: DvcpConfig) -> nn.Cell:
    if config.upsampling is Upsampling.nearest:
        return NearestConv2d(inputs, outputs, config.kernel)
    return ConvTranspose2d(inputs, outputs, config.kernel)


def _between(channels: int, normalisation: Normalisation, divisive: type[GDN]) -> list[nn.Cell]:
    if normalisation is Normalisation.channel:
        return [ChannelNorm(channels), nn.ReLU()]
    return [divisive(channels)]
