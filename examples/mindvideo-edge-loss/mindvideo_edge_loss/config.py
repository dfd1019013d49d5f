"""Options of the loss and the metric."""

from __future__ import annotations

from dataclasses import dataclass

from core.hooks import Options, option


@dataclass
class EdgeLossConfig(Options):
    """Charbonnier distance of pictures and of their edges."""

    weight: float = option(0.1, at_least=0)
    """Weight of the edges; the pictures themselves have weight 1."""


@dataclass
class EdgeErrorConfig:
    """The edge error has no options."""
