"""DVC: an end-to-end deep video compression framework."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from core.hooks import ModelEntry, PublishedWeights, hookimpl

if TYPE_CHECKING:
    from mindspore import nn

HOOK_API = 1


@dataclass
class DvcConfig:
    """The network; the defaults are those of the published checkpoints (4,754,064 parameters)."""

    hidden: int = 64
    """Channels of the residual's transforms, and of its hyper-latent (N)."""
    latent: int = 96
    """Channels of the residual's latent (M)."""
    motion: int = 128
    """Channels of the motion's transforms and latent."""
    refinement: int = 64
    """Channels of the network that refines the warped reference."""
    flow: int = 64
    """Channels of the widest layers of the flow's networks; a multiple of 4."""

    def __post_init__(self) -> None:
        for option in fields(self):
            if getattr(self, option.name) < 1:
                raise ValueError(
                    f"model.{option.name} is {getattr(self, option.name)}; it must be at least 1."
                )
        if self.flow % 4:
            raise ValueError(f"model.flow is {self.flow}; it must be a multiple of 4.")


def _network(config: DvcConfig) -> nn.Cell:
    from .cells import Dvc

    return Dvc(config)


def _published(config: DvcConfig) -> PublishedWeights:
    from .weights import published

    return published(config)


MODEL = ModelEntry("dvc", DvcConfig, _network, published=_published)


@hookimpl
def models() -> Iterable[ModelEntry[DvcConfig]]:
    return [MODEL]


@hookimpl
def config_package() -> str:
    return "plugins.dvc.conf"
