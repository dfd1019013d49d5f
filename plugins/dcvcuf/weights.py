"""Names of the published PyTorch checkpoints, and of ours; the layouts are the same."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from core.errors import CheckpointError
from core.hooks import PublishedTensor, PublishedWeights

from .config import DcvcUfConfig, DcvcUfIntraConfig

if TYPE_CHECKING:
    from mindspore import nn

_NAMES = (
    (r"spatial\.reduction\.", "y_spatial_prior_reduction."),
    (r"spatial\.network\.", "y_spatial_prior."),
    (r"spatial\.adaptors\.0\.", "y_spatial_prior_adaptor_1."),
    (r"spatial\.adaptors\.1\.", "y_spatial_prior_adaptor_2."),
    (r"spatial\.adaptors\.2\.", "y_spatial_prior_adaptor_3."),
)
"""How our names begin, and the published ones in their place; all others are alike."""


def published(config: DcvcUfConfig) -> PublishedWeights:
    """How a checkpoint of the authors' video networks maps to a `VideoNetwork` of any widths.

    Raises `CheckpointError` for a network that has no published weights.
    """
    from .video import VideoNetwork

    return _mapping(VideoNetwork, config)


def published_intra(config: DcvcUfIntraConfig) -> PublishedWeights:
    """The same of the picture network."""
    from .image import PictureNetwork

    return _mapping(PictureNetwork, config)


def _mapping(network: Callable[[Any], nn.Cell], config: Any) -> PublishedWeights:
    if config.portable:
        raise CheckpointError(
            "Published weights tell scales by a float network: import them with model.portable=false."
        )
    names = (parameter.name for parameter in network(config).get_parameters())
    return PublishedWeights({name: PublishedTensor(published_name(name)) for name in names})


def published_name(name: str) -> str:
    """The published name of one of our parameters."""
    for pattern, theirs in _NAMES:
        name = re.sub(f"^{pattern}", theirs, name)
    return name
