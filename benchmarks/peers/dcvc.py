"""DCVC in PyTorch: the peer of ours. Parameters have the published names.

Eager PyTorch with its own operators. ``tests/parity/make.py dcvc tests/parity/dcvc.npz --verify`` compares it with
what the published code gave.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from benchmarks.peers.codecs import (
    GDN,
    BitEstimator,
    ConvTranspose2d,
    PreActivationBlock,
    SPyNet,
    bits,
    laplace_probability,
    leaky,
    uniform_noise,
    warp,
)
from benchmarks.peers.layers import Conv2d
from core.symbols.context import ContextOrder
from plugins.dcvc.config import DcvcConfig, DcvcLossConfig

_REACH = 2
"""Rows and columns that a context reaches to every side."""
Code = Callable[[Tensor, Tensor, int, int], Tensor]
"""The symbols at a row and a column, from what is expected of them: mean and scale, N,C,1,1."""


class Latents(NamedTuple):
    """A latent and its hyper-latent: as computed, as expected and as coded."""

    y: Tensor
    z: Tensor
    mean: Tensor
    scale: Tensor
    """As the network gives it; it may be below 0."""
    deviation: Tensor
    """From the mean: what is coded of y."""
    y_hat: Tensor
    z_hat: Tensor


class Coded(NamedTuple):
    """What becomes of a frame."""

    reconstruction: Tensor
    """Not clamped."""
    flow: Tensor
    coarse: Tensor
    """The decoded flow, before it is refined."""
    displacement: Tensor
    """The decoded flow, refined."""
    context: Tensor
    temporal: Tensor
    feature: Tensor
    motion: Latents
    residual: Latents
    bits: tuple[Tensor, Tensor, Tensor, Tensor]
    """Of motion, its hyper-latent, y and z."""


Symbols = tuple[Tensor, Tensor, Tensor, Tensor]
"""Of motion, its hyper-latent, y and z, as they are coded."""


def network(config: DcvcConfig) -> Dcvc:
    """The twin of our network of these options; raises ValueError for another order than the published one."""
    if config.context is not ContextOrder.raster:
        raise ValueError(
            "The network in PyTorch has the published order of contexts: leave model.context out."
        )
    return Dcvc(config)


class Dcvc(nn.Module):
    """Codes a frame under a reference, both N,3,H,W in [0,1], height and width divisible by 64.

    The decoders get round(y) while round(y - mean) is counted, as in the published results. With ``in_turn`` they
    get round(y - mean) + mean, one place after the other, as a real coder must.
    """

    def __init__(self, config: DcvcConfig, noise: Callable[[Tensor], Tensor] = uniform_noise) -> None:
        super().__init__()
        features, motion, latent, hyper = config.features, config.motion, config.latent, config.hyper
        self.noise = noise
        self.bitEstimator_z = BitEstimator(hyper)
        self.bitEstimator_z_mv = BitEstimator(hyper)
        self.feature_extract = nn.Sequential(Conv2d(3, features), PreActivationBlock(features))
        self.context_refine = nn.Sequential(PreActivationBlock(features), Conv2d(features, features))
        self.mvEncoder = motion_encoder(motion)
        self.mvDecoder_part1 = motion_decoder(motion)
        self.mvDecoder_part2 = motion_refinement(config.refinement)
        self.contextualEncoder = contextual_encoder(features, latent)
        self.contextualDecoder_part1 = contextual_decoder(features, latent)
        self.contextualDecoder_part2 = contextual_output(features)
        self.priorEncoder = prior_encoder(latent, hyper)
        self.priorDecoder = prior_decoder(hyper, latent, latent, latent)
        self.mvpriorEncoder = prior_encoder(motion, hyper)
        self.mvpriorDecoder = prior_decoder(hyper, hyper, hyper * 3 // 2, 2 * motion)
        self.entropy_parameters = entropy_parameters(latent)
        self.auto_regressive = MaskedConv2d(latent, 2 * latent)
        self.auto_regressive_mv = MaskedConv2d(motion, 2 * motion)
        self.entropy_parameters_mv = entropy_parameters(motion)
        self.temporalPriorEncoder = temporal_encoder(features, latent)
        self.opticFlow = SPyNet(config.flow)

    def forward(self, frame: Tensor, reference: Tensor, in_turn: bool = False) -> Coded:
        flow = self.opticFlow(frame, reference)
        motion = self.of_motion().quantise(self.mvEncoder(flow), in_turn)
        coarse, displacement, context = self.condition(motion.y_hat, reference)
        temporal = self.temporalPriorEncoder(context)
        y = self.contextualEncoder(torch.cat((frame, context), 1))
        residual = self.of_residual(temporal).quantise(y, in_turn)
        feature, reconstruction = self.decode(residual.y_hat, context)
        costs = (
            bits(laplace_probability(motion.deviation, motion.scale)),
            bits(self.bitEstimator_z_mv.probability(motion.z_hat)),
            bits(laplace_probability(residual.deviation, residual.scale)),
            bits(self.bitEstimator_z.probability(residual.z_hat)),
        )
        return Coded(
            reconstruction, flow, coarse, displacement, context, temporal, feature, motion, residual, costs
        )

    def loss(self, frame: Tensor, reference: Tensor, options: DcvcLossConfig) -> Tensor:
        """What a training step minimises after all stages."""
        coded = self(frame, reference)
        distortion = (coded.reconstruction - frame).square().mean()
        return options.lmbda * distortion + sum(coded.bits) / frame[:, 0].numel()

    def encode(self, frame: Tensor, reference: Tensor) -> tuple[Symbols, float]:
        """Symbols, place after place, and the estimated number of their bytes."""
        coded = self(frame, reference, in_turn=True)
        motion, residual = coded.motion, coded.residual
        symbols = (motion.deviation, motion.z_hat, residual.deviation, residual.z_hat)
        return symbols, float(sum(coded.bits)) / 8

    def read(self, symbols: Symbols, reference: Tensor) -> Tensor:
        """The picture; means and scales place after place, as a decoder needs them."""
        motion, motion_z, y, z = symbols
        motion_hat = self.of_motion().restore(motion_z, motion)
        context = self.condition(motion_hat, reference)[2]
        y_hat = self.of_residual(self.temporalPriorEncoder(context)).restore(z, y)
        return self.decode(y_hat, context)[1]

    def condition(self, motion: Tensor, reference: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The decoded flow, the same refined, and the context that it makes of the reference."""
        coarse = self.mvDecoder_part1(motion)
        displacement = coarse + self.mvDecoder_part2(torch.cat((coarse, reference), 1))
        context = self.context_refine(warp(self.feature_extract(reference), displacement))
        return coarse, displacement, context

    def decode(self, y_hat: Tensor, context: Tensor) -> tuple[Tensor, Tensor]:
        """The decoded feature and the reconstruction."""
        feature = self.contextualDecoder_part1(y_hat)
        return feature, self.contextualDecoder_part2(torch.cat((feature, context), 1))

    def of_motion(self) -> EntropyModel:
        """What is expected of the motion's latent."""
        return EntropyModel(
            self.mvpriorEncoder,
            self.mvpriorDecoder,
            self.auto_regressive_mv,
            self.entropy_parameters_mv,
            self.noise if self.training else None,
        )

    def of_residual(self, temporal: Tensor) -> EntropyModel:
        """What is expected of y under a temporal prior."""
        return EntropyModel(
            self.priorEncoder,
            self.priorDecoder,
            self.auto_regressive,
            self.entropy_parameters,
            self.noise if self.training else None,
            temporal,
        )


@dataclass(frozen=True)
class EntropyModel:
    """Mean and scale of each element of a latent: from its hyper-latent, decoded neighbours, and a temporal prior."""

    encoder: nn.Module
    decoder: nn.Module
    context: MaskedConv2d
    parameters: nn.Module
    noise: Callable[[Tensor], Tensor] | None
    """Stands in for rounding in training."""
    temporal: Tensor | None = None

    def quantise(self, y: Tensor, in_turn: bool) -> Latents:
        """The latent as computed, expected and coded."""
        z = self.encoder(y)
        z_hat = self._round(z)
        known = self.known(z_hat)
        if in_turn:
            mean, scale, deviation, y_hat = self.in_turn(
                known, lambda m, _, i, j: _at(y, i, j).sub(m).round()
            )
        else:
            y_hat = self._round(y)
            mean, scale = self.parameters(torch.cat((known, self.context(y_hat)), 1)).chunk(2, 1)
            deviation = y_hat - mean if self.noise else (y - mean).round()
        return Latents(y, z, mean, scale, deviation, y_hat, z_hat)

    def _round(self, latent: Tensor) -> Tensor:
        return latent + self.noise(latent) if self.noise else latent.round()

    def restore(self, z_hat: Tensor, deviation: Tensor) -> Tensor:
        """The decoded latent, from what was coded of it."""
        return self.in_turn(self.known(z_hat), lambda _mean, _scale, i, j: _at(deviation, i, j))[3]

    def known(self, z_hat: Tensor) -> Tensor:
        """What is known of a latent before its first element."""
        hyper = self.decoder(z_hat)
        return hyper if self.temporal is None else torch.cat((self.temporal, hyper), 1)

    def in_turn(self, known: Tensor, code: Code) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Means, scales, deviations and decoded latent, place after place in the order of reading."""
        batch, _, height, width = known.shape
        made = [known.new_empty(batch, self.context.in_channels, height, width) for _ in range(3)]
        means, scales, deviations = made
        decoded = known.new_zeros(batch, self.context.in_channels, height + 2 * _REACH, width + 2 * _REACH)
        for i in range(height):
            for j in range(width):
                seen = self.context.at(decoded[:, :, i : i + 2 * _REACH + 1, j : j + 2 * _REACH + 1])
                mean, scale = self.parameters(torch.cat((_at(known, i, j), seen), 1)).chunk(2, 1)
                deviation = code(mean, scale, i, j)
                _at(decoded, i + _REACH, j + _REACH).copy_(deviation + mean)
                for whole, here in zip(made, (mean, scale, deviation), strict=True):
                    _at(whole, i, j).copy_(here)
        return means, scales, deviations, decoded[:, :, _REACH:-_REACH, _REACH:-_REACH]


def _at(x: Tensor, i: int, j: int) -> Tensor:
    """One place of N,C,H,W: N,C,1,1."""
    return x[:, :, i : i + 1, j : j + 1]


class MaskedConv2d(nn.Conv2d):
    """A 5x5 convolution that sees what comes before its place, in the order of reading."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__(in_channels, out_channels, 2 * _REACH + 1, padding=_REACH)
        mask = torch.zeros_like(self.weight)
        mask[:, :, :_REACH] = 1
        mask[:, :, _REACH, :_REACH] = 1
        self.register_buffer("mask", mask)

    def forward(self, x: Tensor) -> Tensor:
        return F.conv2d(x, self.weight * self.mask, self.bias, padding=_REACH)

    def at(self, neighbours: Tensor) -> Tensor:
        """For one place with its 5x5 neighbours, of which those to come are 0."""
        return F.conv2d(neighbours, self.weight, self.bias)


class LeakyBlock(nn.Module):
    """x + LeakyReLU(conv(LeakyReLU(conv(x))))."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.conv = nn.Sequential(Conv2d(features, features), leaky(), Conv2d(features, features), leaky())

    def forward(self, x: Tensor) -> Tensor:
        return x + self.conv(x)


class Subpixel(nn.Sequential):
    """A convolution to four times the channels, which become twice the height and width."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__(Conv2d(in_channels, 4 * out_channels), nn.PixelShuffle(2))


def motion_encoder(motion: int) -> nn.Sequential:
    cells: list[nn.Module] = [Conv2d(2, motion, 3, 2)]
    for _ in range(3):
        cells += [GDN(motion), Conv2d(motion, motion, 3, 2)]
    return nn.Sequential(*cells)


def motion_decoder(motion: int) -> nn.Sequential:
    cells: list[nn.Module] = []
    for _ in range(3):
        cells += [ConvTranspose2d(motion, motion), GDN(motion, inverse=True)]
    return nn.Sequential(*cells, ConvTranspose2d(motion, 2))


def motion_refinement(features: int) -> nn.Sequential:
    cells: list[nn.Module] = []
    for inputs in (5, *[features] * 5):
        cells += [Conv2d(inputs, features), leaky()]
    return nn.Sequential(*cells, Conv2d(features, 2))


def contextual_encoder(features: int, latent: int) -> nn.Sequential:
    return nn.Sequential(
        Conv2d(features + 3, features, 5, 2),
        GDN(features),
        LeakyBlock(features),
        Conv2d(features, features, 5, 2),
        GDN(features),
        LeakyBlock(features),
        Conv2d(features, features, 5, 2),
        GDN(features),
        Conv2d(features, latent, 5, 2),
    )


def contextual_decoder(features: int, latent: int) -> nn.Sequential:
    return nn.Sequential(
        Subpixel(latent, features),
        GDN(features, inverse=True),
        Subpixel(features, features),
        GDN(features, inverse=True),
        LeakyBlock(features),
        Subpixel(features, features),
        GDN(features, inverse=True),
        LeakyBlock(features),
        Subpixel(features, features),
    )


def contextual_output(features: int) -> nn.Sequential:
    return nn.Sequential(
        Conv2d(2 * features, features),
        PreActivationBlock(features),
        PreActivationBlock(features),
        Conv2d(features, 3),
    )


def temporal_encoder(features: int, latent: int) -> nn.Sequential:
    cells: list[nn.Module] = []
    for _ in range(3):
        cells += [Conv2d(features, features, 5, 2), GDN(features)]
    return nn.Sequential(*cells, Conv2d(features, latent, 5, 2))


def prior_encoder(latent: int, features: int) -> nn.Sequential:
    return nn.Sequential(
        Conv2d(latent, features),
        nn.LeakyReLU(),
        Conv2d(features, features, 5, 2),
        nn.LeakyReLU(),
        Conv2d(features, features, 5, 2),
    )


def prior_decoder(*widths: int) -> nn.Sequential:
    first, second, third, last = widths
    return nn.Sequential(
        ConvTranspose2d(first, second, 5),
        nn.LeakyReLU(),
        ConvTranspose2d(second, third, 5),
        nn.LeakyReLU(),
        ConvTranspose2d(third, last, 3, 1),
    )


def entropy_parameters(channels: int) -> nn.Sequential:
    first, second = channels * 10 // 3, channels * 8 // 3
    return nn.Sequential(
        Conv2d(4 * channels, first, 1),
        nn.LeakyReLU(),
        Conv2d(first, second, 1),
        nn.LeakyReLU(),
        Conv2d(second, 2 * channels, 1),
    )
