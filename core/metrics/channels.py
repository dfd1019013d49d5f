"""The channels that a measure of quality compares."""

from __future__ import annotations

from enum import Enum


class Channels(Enum):
    """Red, green and blue alike, or luma."""

    RGB = "rgb"
    Y = "y"
