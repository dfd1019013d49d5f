"""Options of the loss and the metric."""

from __future__ import annotations

from dataclasses import dataclass


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
