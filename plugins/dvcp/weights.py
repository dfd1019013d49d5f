"""Names of torchvision's VGG-19, and of ours; the layouts are the same."""

from __future__ import annotations

from core.hooks import PublishedTensor, PublishedWeights

from .plugin import VggConfig
from .vgg import LAYERS


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
