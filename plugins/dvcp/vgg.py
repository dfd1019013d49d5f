"""VGG-19 (Simonyan and Zisserman, ICLR 2015) up to conv5_4, whose features the perceptual distance compares."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
from mindspore import Tensor, nn, ops

from core.errors import CheckpointError
from core.nn import Conv2d, ConvChain, full_precision
from core.training import Checkpoint

from .config import VggConfig, VggInput

LAYERS = (2, 2, 4, 4, 4)
"""Convolutions of each group."""
WIDTHS = (1, 2, 4, 8, 8)
"""Channels of each group over those of the first."""
MULTIPLE = 2 ** (len(LAYERS) - 1)
"""A picture's height and width must be divisible by it."""
NAME = "vgg19"
"""Name of the model whose checkpoints hold its weights."""
_SEED = 19


class Vgg19(nn.Cell):
    """Features after the ReLU of conv5_4: pictures N,3,H,W in [0,1] -> N,8*channels,H/16,W/16.

    Its weights do not learn.
    """

    @full_precision()
    def __init__(self, config: VggConfig) -> None:
        super().__init__()
        groups, inputs = [], 3
        for count, width in zip(LAYERS, WIDTHS, strict=True):
            cells: list[nn.Cell] = []
            for _ in range(count):
                cells += [Conv2d(inputs, width * config.channels), nn.ReLU()]
                inputs = width * config.channels
            groups.append(ConvChain(cells))
        self.groups = nn.CellList(groups)
        self.flip = config.input is VggInput.caffe
        mean, deviation = _STATISTICS[config.input]
        self.mean = Tensor(np.array(mean, np.float32).reshape(1, 3, 1, 1))
        self.gain = Tensor(1 / np.array(deviation, np.float32).reshape(1, 3, 1, 1))
        for parameter in self.get_parameters():
            parameter.requires_grad = False
        self.set_train(False)

    def construct(self, pictures: Tensor) -> Tensor:
        x = (pictures - self.mean) * self.gain
        if self.flip:
            red, green, blue = ops.split(x, 1, 1)
            x = ops.concat((blue, green, red), 1)
        for number in range(len(LAYERS)):
            x = self.groups[number](x if number == 0 else _halve(x))
        return x


_STATISTICS = {
    VggInput.torchvision: ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    VggInput.caffe: ((123.68 / 255, 116.779 / 255, 103.939 / 255), (1 / 255, 1 / 255, 1 / 255)),
}
"""Mean and deviation of red, green and blue, for pictures in [0,1]."""


def random_vgg(channels: int) -> Vgg19:
    """A VGG-19 whose weights are always the same random ones: He's normal, no biases."""
    network = Vgg19(VggConfig(channels, VggInput.caffe))
    rng = np.random.default_rng(_SEED)
    for parameter in network.get_parameters():
        if parameter.name.endswith("bias"):
            values = np.zeros(parameter.shape)
        else:
            values = rng.standard_normal(parameter.shape) * math.sqrt(2 / math.prod(parameter.shape[1:]))
        parameter.set_data(Tensor(values.astype(np.float32)))
    return network


def trained_vgg(path: Path) -> Vgg19:
    """The VGG-19 of a checkpoint; raises `CheckpointError` when it is missing, damaged or another model's."""
    checkpoint = Checkpoint.open(path)
    section = checkpoint.model_section
    if section.get("model") != NAME:
        raise CheckpointError(
            f"{path} holds model={section.get('model')}, not {NAME}: make one by task=import_weights model={NAME}."
        )
    network = Vgg19(VggConfig(section["channels"], VggInput[section["input"]]))
    checkpoint.load_into(network)
    return network


def _halve(x: Tensor) -> Tensor:
    """Largest of 2x2 pixels; the gradient of MindSpore's own takes a hundred times as long on CPU."""
    batch, channels, height, width = x.shape
    upper, lower = ops.split(x.reshape(batch, channels, height // 2, 2, width), 1, 3)
    rows = ops.maximum(upper, lower).reshape(batch, channels, height // 2, width // 2, 2)
    left, right = ops.split(rows, 1, 4)
    return ops.maximum(left, right).reshape(batch, channels, height // 2, width // 2)
