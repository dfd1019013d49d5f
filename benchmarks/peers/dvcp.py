"""DVC-P in PyTorch: the peer of ours. It is DVC's peer with other transforms.

Eager PyTorch with its own operators. Nothing published is there to compare with; ``bench.py dvcp --verify`` compares
it with ours.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn

from benchmarks.peers.dvc import Dvc
from benchmarks.peers.layers import Conv2d
from plugins.dvcp.config import DvcpConfig

_LAYERS = 4
_EPSILON = 1e-3


def network(config: DvcpConfig) -> Dvcp:
    """The twin of our network of these options, with the published transforms."""
    return Dvcp(config)


class Dvcp(Dvc):
    """`dvc.Dvc` with the transforms of DVC-P."""

    def __init__(self, config: DvcpConfig) -> None:
        super().__init__(config)
        hidden, latent, motion = config.hidden, config.latent, config.motion
        self.mvEncoder = analysis((2, motion, motion, motion, motion), config)
        self.mvDecoder = synthesis((motion, motion, motion, motion, 2), config)
        self.resEncoder = analysis((3, hidden, hidden, hidden, latent), config)
        self.resDecoder = synthesis((latent, hidden, hidden, hidden, 3), config)


def analysis(widths: tuple[int, ...], config: DvcpConfig) -> nn.Sequential:
    """Convolutions that halve height and width."""
    cells: list[nn.Module] = []
    for number, (inputs, outputs) in enumerate(pairwise(widths), 1):
        cells.append(Conv2d(inputs, outputs, config.kernel, 2))
        if number < _LAYERS:
            cells += [ChannelNorm(outputs), nn.ReLU()]
    return nn.Sequential(*cells)


def synthesis(widths: tuple[int, ...], config: DvcpConfig) -> nn.Sequential:
    """Layers that double height and width."""
    cells: list[nn.Module] = []
    for number, (inputs, outputs) in enumerate(pairwise(widths), 1):
        cells.append(NearestConv2d(inputs, outputs, config.kernel))
        if number < _LAYERS:
            cells += [ChannelNorm(outputs), nn.ReLU()]
    return nn.Sequential(*cells)


class NearestConv2d(Conv2d):
    """Repeats each pixel 2x2 times, then convolves."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(nn.functional.interpolate(x, scale_factor=2, mode="nearest"))


class ChannelNorm(nn.Module):
    """Over the channels of each pixel, by the unbiased variance."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.ones(channels))
        self.beta = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        variance, mean = torch.var_mean(x, 1, keepdim=True)
        scale = (variance + _EPSILON).rsqrt()
        return (x - mean) * scale * self.gamma[:, None, None] + self.beta[:, None, None]
