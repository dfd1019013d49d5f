"""The transforms of DVC: 3x3 convolutions with LeakyReLU for motion, 5x5 ones with GDN for residuals."""

from __future__ import annotations

from mindspore import nn

from core.nn import GDN, Conv2d, ConvChain, ConvTranspose2d, InverseGDN, LeakyReLU

_HALVINGS = 4
"""Latents are a sixteenth of the picture's height and width."""


def motion_analysis(channels: int) -> ConvChain:
    """Flow N,2,H,W -> N,C,H/16,W/16: each halving is followed by a convolution at its own size."""
    cells: list[nn.Cell] = []
    for inputs in (2, *[channels] * (_HALVINGS - 1)):
        cells += [Conv2d(inputs, channels, 3, 2), LeakyReLU(), Conv2d(channels, channels, 3), LeakyReLU()]
    return ConvChain(cells[:-1])


def motion_synthesis(channels: int) -> ConvChain:
    """N,C,h,w -> flow N,2,16h,16w: the analysis mirrored."""
    cells: list[nn.Cell] = []
    for outputs in (*[channels] * (_HALVINGS - 1), 2):
        cells += [ConvTranspose2d(channels, channels, 3), LeakyReLU()]
        cells += [Conv2d(channels, outputs, 3), LeakyReLU()]
    return ConvChain(cells[:-1])


def residual_analysis(hidden: int, latent: int) -> ConvChain:
    """Residual N,3,H,W -> N,latent,H/16,W/16."""
    return ConvChain(
        [
            Conv2d(3, hidden, 5, 2),
            GDN(hidden),
            Conv2d(hidden, hidden, 5, 2),
            GDN(hidden),
            Conv2d(hidden, hidden, 5, 2),
            GDN(hidden),
            Conv2d(hidden, latent, 5, 2),
        ]
    )


def residual_synthesis(hidden: int, latent: int) -> ConvChain:
    """N,latent,h,w -> residual N,3,16h,16w."""
    return ConvChain(
        [
            ConvTranspose2d(latent, hidden, 5),
            InverseGDN(hidden),
            ConvTranspose2d(hidden, hidden, 5),
            InverseGDN(hidden),
            ConvTranspose2d(hidden, hidden, 5),
            InverseGDN(hidden),
            ConvTranspose2d(hidden, 3, 5),
        ]
    )


def hyper_analysis(hidden: int, latent: int) -> ConvChain:
    """Magnitudes N,latent,h,w -> N,hidden,h/4,w/4."""
    return ConvChain(
        [
            Conv2d(latent, hidden, 3),
            nn.ReLU(),
            Conv2d(hidden, hidden, 5, 2),
            nn.ReLU(),
            Conv2d(hidden, hidden, 5, 2),
        ]
    )


def hyper_synthesis(hidden: int, latent: int) -> ConvChain:
    """N,hidden,h,w -> logarithms of scales N,latent,4h,4w."""
    return ConvChain(
        [
            ConvTranspose2d(hidden, hidden, 5),
            nn.ReLU(),
            ConvTranspose2d(hidden, hidden, 5),
            nn.ReLU(),
            ConvTranspose2d(hidden, latent, 3, 1),
        ]
    )
