"""DVC-P's name-seeded weights, for its benchmark: DVC's, but for the transforms.

DVC-P has no published checkpoint that fits. Its transforms have the published names of DVC's, their layers our
numbers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from core.hooks import Array, PublishedTensor, PublishedWeights
from core.testing.recipes import named_tensor
from plugins.dvc.weights import published as published_dvc
from plugins.dvcp.config import DvcpConfig, Normalisation, Upsampling
from tests.parity import recipe_dvc

_TRANSFORMS = {
    "motion.analysis.": "mvEncoder.",
    "motion.synthesis.": "mvDecoder.",
    "residual.analysis.": "resEncoder.",
    "residual.synthesis.": "resDecoder.",
}
_LAYERS = 4
_GAINS = {"mvEncoder.": 3.0, "mvDecoder.": 2.0, "resEncoder.": 3.0, "resDecoder.": 0.15}
"""Of convolutions. Only those of the last ones matter where what comes before is normalised."""
_DISCRIMINATOR_GAIN = 1.0


def published(config: DvcpConfig) -> PublishedWeights:
    """Our names -> those of the twin; raises ValueError for other transforms than the published ones."""
    if config.upsampling is not Upsampling.nearest or config.normalisation is not Normalisation.channel:
        raise ValueError(
            "The network in PyTorch has the published transforms: leave model.upsampling and model.normalisation out."
        )
    dvc = published_dvc(config).tensors
    tensors = {ours: tensor for ours, tensor in dvc.items() if not ours.startswith(tuple(_TRANSFORMS))}
    for ours, theirs in _TRANSFORMS.items():
        tensors.update({ours + part: PublishedTensor(theirs + part) for part in _parts()})
    return PublishedWeights(tensors)


def _parts() -> Iterator[str]:
    """Of one transform: convolutions, between them a normalisation and a ReLU."""
    for number in range(_LAYERS):
        yield from (f"{3 * number}.{part}" for part in ("weight", "bias"))
        if number < _LAYERS - 1:
            yield from (f"{3 * number + 1}.{part}" for part in ("gamma", "beta"))


def weights(shapes: Mapping[str, Sequence[int]]) -> dict[str, Array]:
    """A tensor for each of the twin's names."""
    made = recipe_dvc.weights({name: shape for name, shape in shapes.items() if not _in_transform(name)})
    return made | {name: _tensor(name, shape) for name, shape in shapes.items() if _in_transform(name)}


def _in_transform(name: str) -> bool:
    return name.startswith(tuple(_GAINS))


def _tensor(name: str, shape: Sequence[int]) -> Array:
    normal = named_tensor(name, shape, _GAINS[name[: name.index(".") + 1]])
    return 1 + normal if name.endswith(".gamma") else normal


def discriminator_weights(shapes: Mapping[str, Sequence[int]]) -> dict[str, Array]:
    """A tensor for each of the discriminator's names, which are ours."""
    made = {
        name: named_tensor(f"discriminator.{name}", shape, _DISCRIMINATOR_GAIN)
        for name, shape in shapes.items()
    }
    return {name: 1 + tensor if name.endswith(".gamma") else tensor for name, tensor in made.items()}
