"""DCVC-UF's network of low delay in PyTorch: the peer of ours. Parameters have the published names.

Eager PyTorch with its own operators, as the published training computes it; what is published to code with are kernels
of CUDA. Under `autocast` all of it is in bfloat16 but for what chooses tables.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from benchmarks.peers.codecs import uniform_noise
from benchmarks.peers.layers import Conv2d, crop_like
from plugins.dcvcuf.config import QUALITIES, DcvcUfConfig, DcvcUfLossConfig, Structure

PATCH = 8
SOURCE = 3 * PATCH**2
_RED, _BLUE = 0.2126, 0.0722
_MIN_SCALE, _MIN_STEP = 0.11, 0.5
_FIRST_WEIGHT = 1.33
"""Of the frame after an intra frame in the loss."""
Known = tuple[Tensor, Tensor, Tensor, Tensor]
"""What is expected of y: all of it, then steps, scales, means."""


class Symbols(NamedTuple):
    """What a coder would be given of a frame."""

    z: Tensor
    y: Sequence[Tensor]
    """Part by part."""


def network(config: DcvcUfConfig) -> DcvcUf:
    """The twin of our network of these options; raises ValueError for other than the published ones of low delay."""
    if config.structure is not Structure.ld or config.portable:
        raise ValueError("The network in PyTorch is the published one: give model.portable=false.")
    return DcvcUf(config)


class DcvcUf(nn.Module):
    """Codes a frame, Y, Cb, Cr N,3,H,W in [-0.5,0.5], under features and memory, at qualities (N)."""

    def __init__(self, config: DcvcUfConfig, noise: Callable[[Tensor], Tensor] = uniform_noise) -> None:
        super().__init__()
        features, latent, hyper = config.features, config.latent, config.hyper
        self.noise = noise
        self.feature_adaptor_i = Chain(blocks(SOURCE, features, config.first))
        self.feature_adaptor_m = Chain(blocks(2 * features, features, config.later))
        self.feature_extractor = Chain(blocks(features, features, config.extractor))
        self.encoder, self.decoder = Encoder(config), Decoder(config)
        self.recon_head = Head(config)
        self.hyper_encoder = Chain([Block(latent, latent), Down(latent, latent), Down(latent, hyper)])
        self.hyper_decoder = Chain([Up(hyper, latent), Up(latent, latent), Block(latent, latent)])
        self.temporal_prior_encoder = Chain(Down(features, features))
        fused = blocks(latent + features, 3 * latent, 3)
        self.y_prior_fusion = Chain([*fused, Conv2d(3 * latent, 3 * latent, 1)])
        spatial = blocks(4 * latent, 2 * latent, 2)
        self.y_spatial_prior = Chain([*spatial, Conv2d(2 * latent, latent, 1)])
        self.bit_estimator_z = QualityBitEstimator(hyper)
        for name in ("q_encoder", "q_decoder", "q_feature"):
            self.register_parameter(name, nn.Parameter(torch.ones(QUALITIES, features)))

    def forward(
        self, frame: Tensor, features: Tensor, memory: Tensor | None, quality: Tensor
    ) -> tuple[Tensor, Tensor]:
        """The reconstruction, not clamped, and the bits of each sample."""
        memory, context = self.recall(features, memory)
        y = self.encoder(frame, context, row(self.q_encoder, quality))
        z = self.hyper_encoder(pad(y, 4))
        z_hat = round_straight_through(z)
        known = self.expect(z_hat, memory, quality)
        y_hat, distances, scales = self.in_parts(y / known[1], known)
        features = self.decoder(y_hat * known[1], context, row(self.q_decoder, quality))
        if self.training:
            z_hat, distances = z + self.noise(z), distances + self.noise(distances)
        else:
            distances = torch.round(distances)
        bits = gaussian_bits(distances, scales) + self.bit_estimator_z(z_hat, quality)
        return self.recon_head(features), bits

    def loss(self, clip: Tensor, quality: int, options: DcvcUfLossConfig) -> Tensor:
        """What a training step minimises on a first frame and one after it, N,2,3,H,W in [0,1]."""
        first, frame = (ycbcr(clip[:, number]) for number in range(2))
        qualities = torch.full((len(clip),), quality)
        made, bits = self(frame, F.pixel_unshuffle(first, PATCH), None, qualities)
        weight = options.coarsest * (options.finest / options.coarsest) ** (quality / (QUALITIES - 1))
        bpp = bits / (frame.shape[2] * frame.shape[3])
        return (weight * _FIRST_WEIGHT * distortion(frame, made) + bpp).mean()

    def encode(
        self, frame: Tensor, reference: Tensor, quality: int, skip: float
    ) -> tuple[Symbols, float, Tensor]:
        """Symbols of a frame under a reference, both in [0,1], an estimate of their bytes, and the decoded frame."""
        qualities = torch.tensor([quality])
        memory, context = self.recall(F.pixel_unshuffle(ycbcr(reference), PATCH), None)
        y = self.encoder(ycbcr(frame), context, row(self.q_encoder, qualities))
        z = torch.round(self.hyper_encoder(pad(y, 4)))
        known = self.expect(z, memory, qualities)
        scaled, told = (y / known[1]).float(), known[2].float()
        symbols: list[Tensor] = []
        total = self.bit_estimator_z(z.float(), qualities).sum()
        y_hat = torch.zeros_like(scaled)
        for number, mask in enumerate(masks(y)):
            means = self.means(number, y_hat, known)
            coded = mask * (told > skip)
            made = torch.round(scaled - means) * coded
            symbols.append(made)
            total = total + (gaussian_information(made, told) * coded).sum()
            y_hat = y_hat + (made + means) * mask
        return Symbols(z, symbols), float(total) / 8, self.show(y_hat, known[1], context, qualities)

    def read(self, symbols: Symbols, reference: Tensor, quality: int) -> Tensor:
        """The picture in [0,1]."""
        qualities = torch.tensor([quality])
        memory, context = self.recall(F.pixel_unshuffle(ycbcr(reference), PATCH), None)
        known = self.expect(symbols.z, memory, qualities)
        y_hat = torch.zeros_like(symbols.y[0])
        for number, (mask, made) in enumerate(zip(masks(y_hat), symbols.y, strict=True)):
            y_hat = y_hat + (made + self.means(number, y_hat, known)) * mask
        return self.show(y_hat, known[1], context, qualities)

    def recall(self, features: Tensor, memory: Tensor | None) -> tuple[Tensor, Tensor]:
        """Memory and context."""
        if memory is None:
            memory = self.feature_adaptor_i(features)
        else:
            memory = self.feature_adaptor_m(torch.cat((memory, features), 1))
        return memory, self.feature_extractor(memory)

    def expect(self, z_hat: Tensor, memory: Tensor, quality: Tensor) -> Known:
        """What is known of y."""
        temporal = self.temporal_prior_encoder(memory) * row(self.q_feature, quality)
        hyper = crop_like(self.hyper_decoder(z_hat), temporal)
        expected = self.y_prior_fusion(torch.cat((hyper, temporal), 1))
        step, scales, means = expected.chunk(3, 1)
        return expected, step.clamp(min=_MIN_STEP), scales, means

    def means(self, number: int, y_hat: Tensor, known: Known) -> Tensor:
        """Of the first part, or of the second by the first."""
        expected, _, _, means = known
        return means.float() if number == 0 else self.y_spatial_prior(torch.cat((y_hat, expected), 1)).float()

    def in_parts(self, y: Tensor, known: Known) -> tuple[Tensor, Tensor, Tensor]:
        """The quantised latent, distances from the means before rounding, and scales."""
        y_hat = distances = torch.zeros_like(y)
        for number, mask in enumerate(masks(y)):
            means = self.means(number, y_hat, known)
            distance = (y - means) * mask
            distances, y_hat = distances + distance, y_hat + round_straight_through(distance) + means * mask
        return y_hat, distances, known[2].float()

    def show(self, y_hat: Tensor, step: Tensor, context: Tensor, quality: Tensor) -> Tensor:
        """The frame in [0,1]."""
        features = self.decoder(y_hat * step, context, row(self.q_decoder, quality))
        return rgb(self.recon_head(features).float().clamp(-0.5, 0.5)).clamp(0, 1)


class Block(nn.Module):
    """The paper's block, narrow."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        middle = outputs // 2
        self.adaptor = Conv2d(inputs, outputs, 1) if inputs != outputs else None
        mixing = nn.Conv2d(middle, middle, 3, padding=1, groups=middle)
        self.dc = nn.Sequential(Conv2d(outputs, middle, 1), WSiLU(), mixing, Conv2d(middle, outputs, 1))
        self.ffn = nn.Sequential(Conv2d(outputs, 4 * middle, 1), WSiLU4(), Conv2d(middle, outputs, 1))

    def forward(self, x: Tensor) -> Tensor:
        x = x if self.adaptor is None else self.adaptor(x)
        x = x + self.dc(x)
        return x + self.ffn(x)


class WSiLU(nn.Module):
    """x * sigmoid(4 x)."""

    def forward(self, x: Tensor) -> Tensor:
        return x * torch.sigmoid(4 * x)


class WSiLU4(WSiLU):
    """The same, then sums of four neighbouring channels."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x).unflatten(1, (-1, 4)).sum(2)


def blocks(inputs: int, outputs: int, count: int) -> list[nn.Module]:
    """Blocks one after another."""
    return [Block(inputs if number == 0 else outputs, outputs) for number in range(count)]


class Chain(nn.Module):
    """Modules one after another, or one, which are called ``conv``."""

    def __init__(self, modules: Sequence[nn.Module] | nn.Module) -> None:
        super().__init__()
        self.conv = modules if isinstance(modules, nn.Module) else nn.Sequential(*modules)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(x)


class Down(nn.Module):
    """Half the height and width."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.down, self.conv = Conv2d(4 * inputs, outputs, 1), Block(outputs, outputs)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(self.down(F.pixel_unshuffle(x, 2)))


class Enlarge(Chain):
    """Twice the height and width, by one convolution."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__([nn.Conv2d(inputs, 4 * outputs, 1, bias=False)])

    def forward(self, x: Tensor) -> Tensor:
        return F.pixel_shuffle(super().forward(x), 2)


class Up(nn.Module):
    """Twice the height and width, then a block."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.up, self.conv = Enlarge(inputs, outputs), Block(outputs, outputs)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(self.up(x))


class Encoder(nn.Module):
    """A frame and its context to the latent y."""

    def __init__(self, config: DcvcUfConfig) -> None:
        super().__init__()
        features = config.features
        self.conv1 = nn.Sequential(*blocks(SOURCE + features, features, config.encoder - 1))
        self.conv2 = Block(features, features)
        self.down = Conv2d(features, config.latent, 3, 2)

    def forward(self, frame: Tensor, context: Tensor, factors: Tensor) -> Tensor:
        x = torch.cat((F.pixel_unshuffle(frame, PATCH), context), 1)
        return self.down(self.conv2(self.conv1(x)) * factors)


class Decoder(nn.Module):
    """A quantised latent and the context to features."""

    def __init__(self, config: DcvcUfConfig) -> None:
        super().__init__()
        features = config.features
        self.up = Enlarge(config.latent, features)
        self.conv1 = nn.Sequential(*blocks(2 * features, features, config.decoder))
        self.conv2 = Conv2d(features, features, 1)

    def forward(self, y_hat: Tensor, context: Tensor, factors: Tensor) -> Tensor:
        return self.conv2(self.conv1(torch.cat((self.up(y_hat), context), 1))) * factors


class Head(nn.Module):
    """Features to a frame."""

    def __init__(self, config: DcvcUfConfig) -> None:
        super().__init__()
        self.conv = nn.Sequential(*blocks(config.features, config.features, config.head))
        self.head = Conv2d(config.features, SOURCE, 1)

    def forward(self, features: Tensor) -> Tensor:
        return F.pixel_shuffle(self.head(self.conv(features)), PATCH)


class QualityBitEstimator(nn.Module):
    """Bits of z, of each sample, under the distributions of its quality."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.h, self.b, self.a = (
            nn.Parameter(0.01 * torch.randn(QUALITIES, channels, steps)) for steps in (4, 4, 3)
        )

    def forward(self, z: Tensor, quality: Tensor) -> Tensor:
        z = z.float()
        probability = self.cumulative(z + 0.5, quality) - self.cumulative(z - 0.5, quality)
        return information(probability.clamp(min=1e-6)).flatten(1).sum(1)

    def cumulative(self, x: Tensor, quality: Tensor) -> Tensor:
        slopes, offsets = F.softplus(self.h[quality]), self.b[quality]
        bends = torch.tanh(self.a[quality])
        for step in range(4):
            x = x * slopes[:, :, step, None, None] + offsets[:, :, step, None, None]
            if step < 3:
                x = x + bends[:, :, step, None, None] * torch.tanh(x)
        return torch.sigmoid(x)


def gaussian_bits(distances: Tensor, scales: Tensor) -> Tensor:
    """Information of each sample."""
    return gaussian_information(distances, scales).flatten(1).sum(1)


def gaussian_information(distances: Tensor, scales: Tensor) -> Tensor:
    """Of each element."""
    size = distances.abs()
    deviations = scales.clamp(min=_MIN_SCALE) * math.sqrt(2)
    upper, lower = (torch.erfc((size + end) / deviations) for end in (-0.5, 0.5))
    return information((0.5 * (upper - lower)).clamp(min=1e-6))


def information(probability: Tensor) -> Tensor:
    """In bits, at least 0."""
    return (-torch.log2(probability)).clamp(min=0)


def masks(y: Tensor) -> tuple[Tensor, Tensor]:
    """1 where an element belongs to the first part, and to the second."""
    channels, height, width = y.shape[1:]
    even = (torch.arange(height)[:, None] + torch.arange(width)) % 2 == 0
    first = torch.cat([even.expand(channels // 2, -1, -1), (~even).expand(channels // 2, -1, -1)])
    return first[None].float(), (~first)[None].float()


def round_straight_through(x: Tensor) -> Tensor:
    """Rounded, with the gradient of the identity."""
    return x + (torch.round(x) - x).detach()


def row(table: Tensor, quality: Tensor) -> Tensor:
    """The factors of each sample's quality."""
    return table[quality][:, :, None, None]


def pad(y: Tensor, multiple: int) -> Tensor:
    """Continued by the last column and row."""
    return F.pad(y, (0, -y.shape[3] % multiple, 0, -y.shape[2] % multiple), mode="replicate")


def ycbcr(picture: Tensor) -> Tensor:
    """RGB in [0,1] to Y, Cb, Cr in [-0.5,0.5]."""
    red, green, blue = picture.unbind(1)
    luma = _RED * red + (1 - _RED - _BLUE) * green + _BLUE * blue
    return torch.stack((luma - 0.5, (blue - luma) / (2 * (1 - _BLUE)), (red - luma) / (2 * (1 - _RED))), 1)


def rgb(planes: Tensor) -> Tensor:
    """Back again, not clamped."""
    luma, blue, red = planes.unbind(1)
    luma = luma + 0.5
    red, blue = luma + 2 * (1 - _RED) * red, luma + 2 * (1 - _BLUE) * blue
    return torch.stack((red, (luma - _RED * red - _BLUE * blue) / (1 - _RED - _BLUE), blue), 1)


def distortion(planes: Tensor, made: Tensor) -> Tensor:
    """Of each sample."""
    of_planes = (planes - made).square().mean((2, 3)).clamp(min=1e-6)
    weighted = 10 * of_planes[:, 0].log() + of_planes[:, 1].log() + of_planes[:, 2].log()
    of_colours = (rgb(planes) - rgb(made)).square().mean((2, 3)).sum(1)
    return 0.8 * 3 * torch.exp(0.0833 * weighted) + 0.2 * of_colours
