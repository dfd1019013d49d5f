"""What the PyTorch peers DVC, DVC-P and DCVC share: flow, warp, normalisation, priors, by their published names.

Eager PyTorch with its own operators, as the published codes use them.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from benchmarks.peers.layers import Conv2d, upsample

LEVELS = 4
"""Levels of the flow's pyramid."""
PEDESTAL = 2.0**-36
_MIN_BETA = 1e-6


def uniform_noise(x: Tensor) -> Tensor:
    """Noise in (-0.5,0.5): what is added in training in place of rounding."""
    return torch.empty_like(x).uniform_(-0.5, 0.5)


def leaky() -> nn.Module:
    """LeakyReLU with slope 0.1."""
    return nn.LeakyReLU(0.1)


def chain(
    name: str, layers: Sequence[nn.Module], between: Callable[[], nn.Module], between_name: str = "act"
) -> nn.Sequential:
    """Layers ``name1``, ``name2``, …, after each but the last what ``between`` makes."""
    cells: OrderedDict[str, nn.Module] = OrderedDict()
    for number, layer in enumerate(layers, 1):
        cells[f"{name}{number}"] = layer
        if number < len(layers):
            cells[f"{between_name}{number}"] = between()
    return nn.Sequential(cells)


class ConvTranspose2d(nn.ConvTranspose2d):
    """Transposed convolution whose output is exactly ``stride`` times as large."""

    def __init__(self, in_channels: int, out_channels: int, kernel: int = 3, stride: int = 2) -> None:
        super().__init__(in_channels, out_channels, kernel, stride, kernel // 2, stride - 1)


class PreActivationBlock(nn.Module):
    """x + conv(ReLU(conv(ReLU(x))))."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.conv1 = Conv2d(features, features)
        self.conv2 = Conv2d(features, features)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.conv2(F.relu(self.conv1(F.relu(x))))


def warp(picture: Tensor, flow: Tensor) -> Tensor:
    """Bilinear samples at each pixel's place plus its flow (right, down, in pixels), clamped to the picture."""
    height, width = flow.shape[2:]
    x = torch.linspace(-1, 1, width, dtype=flow.dtype) + flow[:, 0] * (2 / (width - 1))
    y = torch.linspace(-1, 1, height, dtype=flow.dtype)[:, None] + flow[:, 1] * (2 / (height - 1))
    grid = torch.stack((x, y), -1)
    return F.grid_sample(picture, grid, mode="bilinear", padding_mode="border", align_corners=True)


class SPyNet(nn.Module):
    """Flow from a picture to a reference: a pyramid of four levels, coarsest first."""

    def __init__(self, width: int = 64) -> None:
        super().__init__()
        self.moduleBasic = nn.ModuleList([_flow_level(width) for _ in range(LEVELS)])

    def forward(self, picture: Tensor, reference: Tensor) -> Tensor:
        pictures, references = [picture], [reference]
        for _ in range(LEVELS - 1):
            pictures.append(F.avg_pool2d(pictures[-1], 2))
            references.append(F.avg_pool2d(references[-1], 2))
        batch, _, height, width = pictures[-1].shape
        flow = picture.new_zeros(batch, 2, height // 2, width // 2)
        for level, finer, finer_reference in zip(
            self.moduleBasic, reversed(pictures), reversed(references), strict=True
        ):
            flow = 2 * upsample(flow, 2)
            flow = flow + level(torch.cat((finer, warp(finer_reference, flow), flow), 1))
        return flow


def _flow_level(width: int) -> nn.Sequential:
    widths = pairwise((8, width // 2, width, width // 2, width // 4, 2))
    return chain("conv", [Conv2d(inputs, outputs, 7) for inputs, outputs in widths], nn.ReLU)


class _LowerBound(torch.autograd.Function):
    """max(x, bound); the gradient passes where x is above, or where it would rise."""

    @staticmethod
    def forward(context: Any, x: Tensor, bound: float) -> Tensor:
        context.save_for_backward(x)
        context.bound = bound
        return x.clamp(min=bound)

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> tuple[Tensor, None]:
        (x,) = context.saved_tensors
        return gradient * ((x >= context.bound) | (gradient < 0)), None


class GDN(nn.Module):
    """x / sqrt(beta + gamma x^2), or times it; beta and gamma are stored as square roots."""

    def __init__(self, channels: int, inverse: bool = False) -> None:
        super().__init__()
        self.inverse = inverse
        self.beta = nn.Parameter(torch.full((channels,), (1 + PEDESTAL) ** 0.5))
        self.gamma = nn.Parameter((0.1 * torch.eye(channels) + PEDESTAL).sqrt())

    def forward(self, x: Tensor) -> Tensor:
        beta = _LowerBound.apply(self.beta, (_MIN_BETA + PEDESTAL) ** 0.5).square() - PEDESTAL
        gamma = _LowerBound.apply(self.gamma, PEDESTAL**0.5).square() - PEDESTAL
        norm = F.conv2d(x.square(), gamma[:, :, None, None], beta).sqrt()
        return x * norm if self.inverse else x / norm


class BitEstimator(nn.Module):
    """A cumulative distribution for each channel: three bends and a sigmoid."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        for step in range(1, 5):
            self.add_module(f"f{step}", _Bend(channels, last=step == 4))

    def forward(self, x: Tensor) -> Tensor:
        """Cumulative probability."""
        return self.f4(self.f3(self.f2(self.f1(x))))

    def probability(self, symbols: Tensor) -> Tensor:
        """Of the unit interval around each symbol."""
        return self(symbols + 0.5) - self(symbols - 0.5)


class _Bend(nn.Module):
    def __init__(self, channels: int, last: bool) -> None:
        super().__init__()
        self.h = nn.Parameter(0.01 * torch.randn(1, channels, 1, 1))
        self.b = nn.Parameter(0.01 * torch.randn(1, channels, 1, 1))
        self.a = None if last else nn.Parameter(0.01 * torch.randn(1, channels, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        x = x * F.softplus(self.h) + self.b
        return torch.sigmoid(x) if self.a is None else x + torch.tanh(x) * torch.tanh(self.a)


def laplace_probability(deviation: Tensor, scales: Tensor) -> Tensor:
    """Of the unit interval around each deviation under zero-mean Laplace distributions of these diversities."""
    scales = scales.clamp(1e-5, 1e10)
    return _laplace(deviation + 0.5, scales) - _laplace(deviation - 0.5, scales)


def _laplace(x: Tensor, scales: Tensor) -> Tensor:
    return 0.5 - 0.5 * x.sign() * torch.expm1(-x.abs() / scales)


def bits(probability: Tensor) -> Tensor:
    """Information of all symbols together, of each between 0 and 50 bits."""
    return (-torch.log2(probability + 1e-5)).clamp(0, 50).sum()
