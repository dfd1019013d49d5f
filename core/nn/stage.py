"""Pieces of a network that are compiled by themselves, as a codec runs them."""

from __future__ import annotations

from typing import Any

from mindspore import nn


class Stage(nn.Cell):
    """A piece of ``network``, which stays no child of it: MindSpore walks through all children at every call."""

    network: Any

    def __init__(self, network: nn.Cell) -> None:
        super().__init__()
        object.__setattr__(self, "network", network)
