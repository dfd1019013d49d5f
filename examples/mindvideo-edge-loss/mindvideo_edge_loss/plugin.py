"""What the plugin offers: ``loss=edge`` and the metric ``edge_error``. Importing this starts no MindSpore."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.hooks import LossEntry, MetricEntry, hookimpl

if TYPE_CHECKING:
    from mindspore import nn
    from mindspore.train import Metric

HOOK_API = 2


@dataclass
class EdgeLossConfig:
    """Charbonnier distance of pictures and of their edges."""

    weight: float = 0.1
    """Weight of the edges; the pictures themselves have weight 1."""

    def __post_init__(self) -> None:
        if self.weight < 0:
            raise ValueError(f"loss.weight is {self.weight}; a weight must not be negative.")


@dataclass
class EdgeErrorConfig:
    """The edge error has no options."""


def _loss(config: EdgeLossConfig) -> nn.Cell:
    from .loss import EdgeLoss

    return EdgeLoss(config.weight)


def _metric(config: EdgeErrorConfig) -> Metric:
    from .metric import EdgeError

    return EdgeError()


LOSS = LossEntry("edge", EdgeLossConfig, _loss)
METRIC = MetricEntry("edge_error", EdgeErrorConfig, _metric, higher_is_better=False)


@hookimpl
def losses() -> Iterable[LossEntry[EdgeLossConfig]]:
    """``loss=edge``."""
    return [LOSS]


@hookimpl
def metrics() -> Iterable[MetricEntry[EdgeErrorConfig]]:
    """``metric=[edge_error]``."""
    return [METRIC]


@hookimpl
def config_package() -> str:
    """The experiment ``edge_demo``."""
    return "mindvideo_edge_loss.conf"
