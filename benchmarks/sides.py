"""What the sides of the benchmarks share: their frameworks, weights made by a recipe, and the frames of a clip.

A framework is imported only when a side that uses it is built, which happens in a process of its own.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

import core
from core.hooks import Array, PublishedWeights
from core.run import Run
from core.testing.recipes import convert_weights, load_weights

if TYPE_CHECKING:
    from mindspore import nn

Recipe = Callable[[Mapping[str, Sequence[int]]], dict[str, Array]]
"""Makes weights from published names and shapes."""

_CLIP = Path(core.__file__).parent / "data" / "embedded" / "city_night.mp4"


def use_mindspore(run: Run) -> str:
    """Set the device up, which must come before MindSpore is imported; returns version and settings."""
    device = run.device.description
    import mindspore

    return f"MindSpore {mindspore.__version__}, {device}"


def use_torch(threads: int) -> str:
    """Set threads; the bound that MindSpore's oneDNN needs would slow PyTorch's, so it is lifted."""
    os.environ.pop("ONEDNN_MAX_CPU_ISA", None)
    import torch

    torch.set_num_threads(threads)
    instructions = torch.backends.cpu.get_cpu_capability()
    return f"PyTorch {torch.__version__}, CPU (eager, {torch.get_num_threads()} threads, instructions {instructions})"


def our_network(run: Run, mapping: PublishedWeights, recipe: Recipe) -> nn.Cell:
    """The run's network with the weights that a recipe makes for the published names."""
    network = run.model()
    shapes = {name: parameter.shape for name, parameter in network.parameters_and_names()}
    theirs = {tensor.name: shapes[ours] for ours, tensor in mapping.tensors.items()}
    load_weights(network, convert_weights(mapping, recipe(theirs)))
    return network


def clip(frames: int, height: int, width: int) -> Array:
    """The first frames of an embedded clip, (T,3,height,width) in [0,1]; where the clip is smaller, it is mirrored."""
    from core.media.reader import open_video

    with open_video(_CLIP) as video:
        taken = [frame.rgb for frame, _ in zip(video, range(frames), strict=False)]
    pictures = np.stack(taken)[:, :, :height, :width]
    missing = (height - pictures.shape[2], width - pictures.shape[3])
    return np.pad(pictures, ((0, 0), (0, 0), (0, missing[0]), (0, missing[1])), "symmetric")
