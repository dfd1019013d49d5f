"""The transforms of DCVC, in the order of the data: motion, context, content, and the smaller latents of both."""

from __future__ import annotations

from itertools import pairwise

from mindspore import nn

from core.nn import (
    GDN,
    Conv2d,
    ConvChain,
    ConvTranspose2d,
    InverseGDN,
    LeakyBlock,
    LeakyReLU,
    PixelShuffle,
    PreActivationBlock,
)

_HALVINGS = 4
"""Latents are a sixteenth of the picture's height and width."""
_REFINEMENTS = 5
"""Layers of the motion's refinement between its ends."""
HYPER_SLOPE = 0.01
"""Slope of LeakyReLU in the priors' networks."""
CONTEXT_KERNEL = 5
"""Side of the context models' kernels."""


def motion_analysis(channels: int) -> ConvChain:
    """Flow N,2,H,W -> N,C,H/16,W/16."""
    cells: list[nn.Cell] = [Conv2d(2, channels, 3, 2)]
    for _ in range(_HALVINGS - 1):
        cells += [GDN(channels), Conv2d(channels, channels, 3, 2)]
    return ConvChain(cells)


def motion_synthesis(channels: int) -> ConvChain:
    """N,C,h,w -> coarse flow N,2,16h,16w."""
    cells: list[nn.Cell] = []
    for _ in range(_HALVINGS - 1):
        cells += [ConvTranspose2d(channels, channels, 3), InverseGDN(channels)]
    return ConvChain([*cells, ConvTranspose2d(channels, 2, 3)])


def motion_refinement(features: int) -> ConvChain:
    """Coarse flow and reference, N,5,H,W -> what is added to the flow, N,2,H,W."""
    cells: list[nn.Cell] = []
    for inputs in (5, *[features] * _REFINEMENTS):
        cells += [Conv2d(inputs, features), LeakyReLU()]
    return ConvChain([*cells, Conv2d(features, 2)])


def feature_extraction(features: int) -> ConvChain:
    """Reference N,3,H,W -> N,F,H,W."""
    return ConvChain([Conv2d(3, features), PreActivationBlock(features)])


def context_refinement(features: int) -> ConvChain:
    """Warped features N,F,H,W -> context N,F,H,W."""
    return ConvChain([PreActivationBlock(features), Conv2d(features, features)])


def contextual_analysis(features: int, latent: int) -> ConvChain:
    """Frame and context, N,3+F,H,W -> N,latent,H/16,W/16."""
    cells: list[nn.Cell] = []
    for inputs in (3 + features, features):
        cells += [Conv2d(inputs, features, 5, 2), GDN(features), LeakyBlock(features)]
    cells += [Conv2d(features, features, 5, 2), GDN(features)]
    return ConvChain([*cells, Conv2d(features, latent, 5, 2)])


def contextual_synthesis(features: int, latent: int) -> ConvChain:
    """N,latent,h,w -> N,F,16h,16w."""
    cells: list[nn.Cell] = [*_enlarge(latent, features), InverseGDN(features)]
    for _ in range(2):
        cells += [*_enlarge(features, features), InverseGDN(features), LeakyBlock(features)]
    return ConvChain([*cells, *_enlarge(features, features)])


def _enlarge(inputs: int, outputs: int) -> list[nn.Cell]:
    """A convolution whose results are laid side by side (Shi et al. 2016): twice the height and width."""
    return [Conv2d(inputs, 4 * outputs), PixelShuffle(2)]


def frame_generation(features: int) -> ConvChain:
    """Decoded features and context, N,2F,H,W -> frame N,3,H,W."""
    return ConvChain(
        [
            Conv2d(2 * features, features),
            PreActivationBlock(features),
            PreActivationBlock(features),
            Conv2d(features, 3),
        ]
    )


def temporal_prior(features: int, latent: int) -> ConvChain:
    """Context N,F,H,W -> what it tells of the content's latent, N,latent,H/16,W/16."""
    cells: list[nn.Cell] = []
    for _ in range(_HALVINGS - 1):
        cells += [Conv2d(features, features, 5, 2), GDN(features)]
    return ConvChain([*cells, Conv2d(features, latent, 5, 2)])


def hyper_analysis(latent: int, hyper: int) -> ConvChain:
    """N,latent,h,w -> N,hyper,h/4,w/4."""
    return ConvChain(
        [
            Conv2d(latent, hyper, 3),
            LeakyReLU(HYPER_SLOPE),
            Conv2d(hyper, hyper, 5, 2),
            LeakyReLU(HYPER_SLOPE),
            Conv2d(hyper, hyper, 5, 2),
        ]
    )


def hyper_synthesis(widths: tuple[int, int, int, int]) -> ConvChain:
    """N,widths[0],h,w -> N,widths[3],4h,4w."""
    first, second, third, last = widths
    return ConvChain(
        [
            ConvTranspose2d(first, second, 5),
            LeakyReLU(HYPER_SLOPE),
            ConvTranspose2d(second, third, 5),
            LeakyReLU(HYPER_SLOPE),
            ConvTranspose2d(third, last, 3, 1),
        ]
    )


def parameter_network(inputs: int, latent: int) -> ConvChain:
    """What is known of each element, N,inputs,h,w -> means and raw scales, N,2*latent,h,w."""
    cells: list[nn.Cell] = []
    for before, after in pairwise((inputs, latent * 10 // 3, latent * 8 // 3, 2 * latent)):
        cells += [Conv2d(before, after, 1), LeakyReLU(HYPER_SLOPE)]
    return ConvChain(cells[:-1])
