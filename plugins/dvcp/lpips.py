"""LPIPS (Zhang et al., CVPR 2018), version 0.1 on AlexNet: a learned distance of pictures, by weights from a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from mindspore import Parameter, Tensor, nn, ops
from mindspore.train import Metric

from core.errors import CheckpointError, MindvideoError
from core.metrics import as_stored
from core.training import Checkpoint

from .config import LpipsConfig, LpipsMetricConfig

NAME = "lpips"
"""Name of the model whose checkpoints hold its weights."""
MIN_SIZE = 64
"""A picture's height and width are at least this."""
WIDTHS = (64, 192, 384, 256, 256)
"""Channels of the convolutions, at full width."""
_KERNELS = (11, 5, 3, 3, 3)
_SHIFT = np.array([-0.030, -0.088, -0.188], np.float32).reshape(1, 3, 1, 1)
_SCALE = np.array([0.458, 0.448, 0.450], np.float32).reshape(1, 3, 1, 1)
_EPSILON = 1e-10


class Lpips(nn.Cell):
    """The distance: ``construct(prediction, truth)``, N,3,H,W in [0,1], to N values; 0 for equal pictures.

    Features of five layers are scaled to unit length at each place; the squares of their differences are weighted by
    channel and averaged over places (equation 1).
    """

    def __init__(self, config: LpipsConfig) -> None:
        super().__init__()
        widths = [max(1, width * config.channels // WIDTHS[0]) for width in WIDTHS]
        layers = zip([3, *widths], widths, _KERNELS, strict=False)
        self.layers = nn.CellList([_Layer(*layer, first=number == 0) for number, layer in enumerate(layers)])
        # `ops.max_pool2d` finds the places of the maxima too, and takes float16 alone on an Ascend card.
        self.pool = nn.MaxPool2d(3, 2)
        self.shift, self.scale = Tensor(_SHIFT), Tensor(_SCALE)
        self.set_train(False)

    def construct(self, prediction: Tensor, truth: Tensor) -> Tensor:
        x = (2.0 * ops.concat((prediction, truth), 0) - 1.0 - self.shift) / self.scale
        total = 0.0
        for number in range(len(WIDTHS)):
            if number in (1, 2):
                x = self.pool(x)
            x = self.layers[number].features(x)
            total = total + self.layers[number](x)
        return total


class _Layer(nn.Cell):
    """A convolution of AlexNet with its ReLU, and the weights of its channels in the distance."""

    def __init__(self, inputs: int, outputs: int, kernel: int, first: bool) -> None:
        super().__init__()
        self.weight = Parameter(
            Tensor(np.zeros((outputs, inputs, kernel, kernel), np.float32)), name="weight"
        )
        self.bias = Parameter(Tensor(np.zeros(outputs, np.float32)), name="bias")
        self.channels = Parameter(Tensor(np.zeros((1, outputs, 1, 1), np.float32)), name="channels")
        self.stride, self.padding = (4, 2) if first else (1, kernel // 2)

    def features(self, x: Tensor) -> Tensor:
        """N,inputs,H,W -> N,outputs,H',W'."""
        made = ops.conv2d(x, self.weight, self.bias, self.stride, "pad", self.padding)
        return ops.relu(made)

    def construct(self, features: Tensor) -> Tensor:
        """What the layer adds to the distance between the first and the second half of a batch."""
        lengths = ops.sqrt(ops.square(features).sum(1, keepdims=True))
        ours, theirs = ops.chunk(features / (lengths + _EPSILON), 2, 0)
        return (ops.square(ours - theirs) * self.channels).sum(1).mean((1, 2))


class LpipsMetric(Metric):
    """The mean of `Lpips` over pictures, updated with (prediction, truth): (...,3,H,W) in [0,1]; lower is better.

    Both are clamped and rounded to 8 bits first.
    """

    def __init__(self, config: LpipsMetricConfig) -> None:
        super().__init__()
        self._network = trained_lpips(Path(config.file))
        self.values: list[float] = []

    def clear(self) -> None:
        """Forget all pictures."""
        self.values = []

    def update(self, *inputs: Any) -> None:
        """Add the pictures of a batch; raises `MindvideoError` where they are too small."""
        prediction, truth = (self._pictures(values) for values in inputs)
        height, width = prediction.shape[2:]
        if min(height, width) < MIN_SIZE:
            raise MindvideoError(
                f"LPIPS needs pictures of {MIN_SIZE}x{MIN_SIZE} pixels at least, not {width}x{height}"
            )
        self.values += self._network(Tensor(prediction), Tensor(truth)).asnumpy().astype(float).tolist()

    def eval(self) -> float:
        """The mean over all pictures since `clear`."""
        if not self.values:
            raise RuntimeError("LPIPS was evaluated before it was updated")
        return float(np.mean(self.values))

    def _pictures(self, values: Any) -> np.ndarray:
        array = np.asarray(self._convert_data(values))
        return as_stored(array.reshape(-1, *array.shape[-3:])).astype(np.float32)


def trained_lpips(path: Path) -> Lpips:
    """The distance of a checkpoint; raises `CheckpointError` when it is missing, damaged or another model's."""
    checkpoint = Checkpoint.open(path)
    section = checkpoint.model_section
    if section.get("model") != NAME:
        raise CheckpointError(
            f"{path} holds model={section.get('model')}, not {NAME}: make one by task=import_weights model={NAME}."
        )
    network = Lpips(LpipsConfig(section["channels"]))
    checkpoint.load_into(network)
    return network
