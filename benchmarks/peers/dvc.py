"""DVC in PyTorch: the peer of ours. Parameters have the published names.

Eager PyTorch with its own operators. ``tests/parity/make.py dvc --verify tests/parity/dvc.npz`` compares it with what
the published code gave.
"""

from __future__ import annotations

from collections.abc import Callable
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
    chain,
    laplace_probability,
    leaky,
    uniform_noise,
    warp,
)
from benchmarks.peers.layers import Conv2d
from plugins.dvc.config import DvcConfig, DvcLossConfig

_HALVINGS = 4
Symbols = tuple[Tensor, Tensor, Tensor]
"""Of motion, z and y."""


class Coded(NamedTuple):
    """What becomes of a frame."""

    reconstruction: Tensor
    """Not clamped."""
    flow: Tensor
    warped: Tensor
    prediction: Tensor
    symbols: Symbols
    """In training, latents with noise."""
    bits: tuple[Tensor, Tensor, Tensor]
    """Of motion, residual and hyper-latent."""


def network(config: DvcConfig) -> Dvc:
    """The twin of our network of these options."""
    return Dvc(config)


class Dvc(nn.Module):
    """Codes a frame under a reference, both N,3,H,W in [0,1], height and width divisible by 64.

    ``noise`` makes what is added to the latents in training: to those of motion, z and y, in this order.
    """

    def __init__(self, config: DvcConfig, noise: Callable[[Tensor], Tensor] = uniform_noise) -> None:
        super().__init__()
        self.noise = noise
        self.opticFlow = SPyNet(config.flow)
        self.mvEncoder = motion_encoder(config.motion)
        self.mvDecoder = motion_decoder(config.motion)
        self.warpnet = Refinement(config.refinement)
        self.resEncoder = residual_encoder(config.hidden, config.latent)
        self.resDecoder = residual_decoder(config.hidden, config.latent)
        self.respriorEncoder = prior_encoder(config.hidden, config.latent)
        self.respriorDecoder = prior_decoder(config.hidden, config.latent)
        self.bitEstimator_z = BitEstimator(config.hidden)
        self.bitEstimator_mv = BitEstimator(config.motion)

    def forward(self, frame: Tensor, reference: Tensor) -> Coded:
        flow = self.opticFlow(frame, reference)
        motion = self.quantise(self.mvEncoder(flow))
        warped, prediction = self.predict(motion, reference)
        latent = self.resEncoder(frame - prediction)
        z = self.quantise(self.respriorEncoder(latent.abs()))
        y = self.quantise(latent)
        scales = self.respriorDecoder(z).exp()
        costs = (
            bits(self.bitEstimator_mv.probability(motion)),
            bits(laplace_probability(y, scales)),
            bits(self.bitEstimator_z.probability(z)),
        )
        return Coded(prediction + self.resDecoder(y), flow, warped, prediction, (motion, z, y), costs)

    def loss(self, frame: Tensor, reference: Tensor, options: DvcLossConfig) -> Tensor:
        """What a training step minimises before ``options.warp_steps``."""
        coded = self(frame, reference)
        errors = [
            (picture - frame).square().mean()
            for picture in (coded.reconstruction, coded.warped, coded.prediction)
        ]
        distortion = errors[0] + options.warp_weight * (errors[1] + errors[2])
        return options.lmbda * distortion + sum(coded.bits) / frame[:, 0].numel()

    def encode(self, frame: Tensor, reference: Tensor) -> tuple[Symbols, float]:
        """Symbols, and the estimated number of their bytes: the published code has no streams."""
        coded = self(frame, reference)
        return coded.symbols, float(sum(coded.bits)) / 8

    def read(self, symbols: Symbols, reference: Tensor) -> Tensor:
        """The picture; scales are computed as well, since a real decoder needs them."""
        motion, z, y = symbols
        self.respriorDecoder(z).exp()
        return self.predict(motion, reference)[1] + self.resDecoder(y)

    def predict(self, motion: Tensor, reference: Tensor) -> tuple[Tensor, Tensor]:
        """The warped reference, and what is made of it."""
        warped = warp(reference, self.mvDecoder(motion))
        return warped, warped + self.warpnet(torch.cat((warped, reference), 1))

    def quantise(self, latent: Tensor) -> Tensor:
        """Rounded; in training, with noise."""
        return latent + self.noise(latent) if self.training else latent.round()


def motion_encoder(channels: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for inputs in (2, *[channels] * (_HALVINGS - 1)):
        layers += [Conv2d(inputs, channels, 3, 2), Conv2d(channels, channels)]
    return chain("conv", layers, leaky)


def motion_decoder(channels: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for outputs in (*[channels] * (_HALVINGS - 1), 2):
        layers += [ConvTranspose2d(channels, channels), Conv2d(channels, outputs)]
    return chain("deconv", layers, leaky)


class Refinement(nn.Module):
    """What is added to the warped reference: a U of three scales."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.feature_ext = Conv2d(6, features)
        for number in range(6):
            self.add_module(f"conv{number}", PreActivationBlock(features))
        self.conv6 = Conv2d(features, 3)

    def forward(self, x: Tensor) -> Tensor:
        full = self.conv0(F.relu(self.feature_ext(x)))
        half = self.conv1(F.avg_pool2d(full, 2))
        quarter = self.conv2(F.avg_pool2d(half, 2))
        x = self.conv3(quarter)
        x = self.conv4(half + _upsample_aligned(x))
        x = self.conv5(full + _upsample_aligned(x))
        return self.conv6(x)


def residual_encoder(hidden: int, latent: int) -> nn.Sequential:
    widths = ((3, hidden), (hidden, hidden), (hidden, hidden), (hidden, latent))
    return chain("conv", [Conv2d(i, o, 5, 2) for i, o in widths], lambda: GDN(hidden), "gdn")


def residual_decoder(hidden: int, latent: int) -> nn.Sequential:
    widths = ((latent, hidden), (hidden, hidden), (hidden, hidden), (hidden, 3))
    layers = [ConvTranspose2d(i, o, 5) for i, o in widths]
    return chain("deconv", layers, lambda: GDN(hidden, inverse=True), "igdn")


def prior_encoder(hidden: int, latent: int) -> nn.Sequential:
    layers = [Conv2d(latent, hidden), Conv2d(hidden, hidden, 5, 2), Conv2d(hidden, hidden, 5, 2)]
    return chain("conv", layers, nn.ReLU)


def prior_decoder(hidden: int, latent: int) -> nn.Sequential:
    layers = [
        ConvTranspose2d(hidden, hidden, 5),
        ConvTranspose2d(hidden, hidden, 5),
        ConvTranspose2d(hidden, latent, 3, 1),
    ]
    return chain("deconv", layers, nn.ReLU)


def _upsample_aligned(x: Tensor) -> Tensor:
    return F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=True)
