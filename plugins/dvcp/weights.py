"""Names of published PyTorch checkpoints of feature networks, and of ours; the layouts are the same."""

from __future__ import annotations

from core.hooks import PublishedTensor, PublishedWeights

from .config import LpipsConfig, VggConfig
from .vgg import LAYERS

_ALEXNET = (0, 3, 6, 8, 10)
"""Numbers of the convolutions among the layers of torchvision's AlexNet."""


def published_vgg(config: VggConfig) -> PublishedWeights:
    """How torchvision's checkpoint maps to a `Vgg19`: its layers are counted with activations and poolings."""
    tensors, place = {}, 0
    for group, count in enumerate(LAYERS):
        for layer in range(count):
            for part in ("weight", "bias"):
                ours = f"groups.{group}.{2 * layer}.{part}"
                tensors[ours] = PublishedTensor(f"features.{place}.{part}")
            place += 2
        place += 1
    return PublishedWeights(tensors, ignored=(r"^classifier\.",))


def published_lpips(config: LpipsConfig) -> PublishedWeights:
    """How the state dict of the authors' ``LPIPS(net="alex")`` maps to a `Lpips`."""
    tensors = {}
    for number, place in enumerate(_ALEXNET):
        for part in ("weight", "bias"):
            tensors[f"layers.{number}.{part}"] = PublishedTensor(f"net.slice{number + 1}.{place}.{part}")
        tensors[f"layers.{number}.channels"] = PublishedTensor(f"lin{number}.model.1.weight")
    # The weights of the channels stand there twice, and the scaling is a constant.
    return PublishedWeights(tensors, ignored=(r"^lins\.", r"^scaling_layer\."))
