"""What DVC-P is trained by, in PyTorch: discriminator, features of VGG-19, and the mixed loss of its last stage."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from benchmarks.peers.dvc import Coded
from benchmarks.peers.layers import Conv2d
from plugins.dvcp.config import DvcpLossConfig

_LAYERS = 4
_LEAK = 0.2
_VGG = ((2, 1), (2, 2), (4, 4), (4, 8), (4, 8))
"""Convolutions of each group, and their channels over those of the first."""
_CAFFE_MEAN = (103.939, 116.779, 123.68)
_SEED = 19


class Discriminator(nn.Module):
    """Tells frames from reconstructions by the mean of its last features. Parameters have our names."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        widths = [channels * 2**number for number in range(_LAYERS)]
        self.convolutions = nn.ModuleList([Conv2d(*pair, 5, 2) for pair in pairwise((3, *widths))])
        self.normalisations = nn.ModuleList([BatchNorm(width) for width in widths[1:]])
        self.score = nn.Linear(widths[-1], 1)

    def forward(self, frames: Tensor, reconstructions: Tensor) -> tuple[Tensor, Tensor]:
        x = F.leaky_relu(self.convolutions[0](torch.cat((frames, reconstructions))), _LEAK)
        for convolution, normalisation in zip(self.convolutions[1:], self.normalisations, strict=True):
            x = F.leaky_relu(normalisation(convolution(x)), _LEAK)
        of_frames, of_reconstructions = torch.sigmoid(self.score(x.mean((2, 3)))).chunk(2)
        return of_frames, of_reconstructions


class BatchNorm(nn.Module):
    """Batch normalisation by the batch's own statistics."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.ones(1, channels, 1, 1))
        self.beta = nn.Parameter(torch.zeros(1, channels, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        return F.batch_norm(x, None, None, self.gamma.flatten(), self.beta.flatten(), training=True)


class RandomVgg(nn.Module):
    """The features of VGG-19 up to conv5_4, with the fixed random weights of ``loss.features=random_vgg``."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        cells: list[nn.Module] = []
        inputs, rng = 3, np.random.default_rng(_SEED)
        for group, (count, width) in enumerate(_VGG):
            if group:
                cells.append(nn.MaxPool2d(2))
            for _ in range(count):
                layer = Conv2d(inputs, width * channels)
                shape = tuple(layer.weight.shape)
                values = rng.standard_normal(shape) * math.sqrt(2 / math.prod(shape[1:]))
                layer.weight.data.copy_(torch.from_numpy(values.astype(np.float32)))
                nn.init.zeros_(layer.bias)
                cells += [layer, nn.ReLU()]
                inputs = width * channels
        self.cells = nn.Sequential(*cells).requires_grad_(False)

    def forward(self, pictures: Tensor) -> Tensor:
        return self.cells(255 * pictures.flip(1) - pictures.new_tensor(_CAFFE_MEAN)[:, None, None])


def codec_loss(
    coded: Coded, frame: Tensor, vgg: RandomVgg, discriminator: Discriminator, options: DvcpLossConfig
) -> Tensor:
    """What the codec minimises in the last stage."""
    squares = (vgg(coded.reconstruction) - vgg(frame).detach()).square().sum()
    perceptual = (squares + 1e-12).sqrt() / frame[0].numel()
    _, score = discriminator(frame, coded.reconstruction)
    adversarial = 0.5 * (score - 1).square().mean()
    distortion = (coded.reconstruction - frame).square().mean()
    distortion = (
        distortion + options.perceptual_weight * perceptual + options.adversarial_weight * adversarial
    )
    return options.lmbda * distortion + sum(coded.bits) / frame[:, 0].numel()


def discriminator_loss(discriminator: Discriminator, frame: Tensor, reconstruction: Tensor) -> Tensor:
    """What the discriminator minimises."""
    of_frames, of_reconstructions = discriminator(frame, reconstruction.detach())
    return 0.5 * ((of_frames - 1).square().mean() + of_reconstructions.square().mean())
