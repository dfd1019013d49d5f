"""Rate-distortion points that others published: where they stand, and under which conditions they were measured."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from core.bench.bd import Point
from core.bench.compare import Conditions


@dataclass(frozen=True)
class Published:
    """A curve that was not measured here."""

    codec: str
    source: str
    how: str
    """Real files or estimates, and of which pictures."""
    collection: str
    """The data set's sequences, as ``dataset.collection`` names them."""
    width: int | None
    height: int | None
    gop: int
    frames: int | None
    """Frames of each sequence. A curve without a stated size or number of frames matches nothing."""
    points: tuple[Mapping[str, float], ...]

    def curve(self, quality: str) -> list[Point]:
        """Rate and quality, where that was published."""
        return [(point["bpp"], point[quality]) for point in self.points if quality in point]

    def matches(self, conditions: Conditions, data: Mapping[str, Any]) -> bool:
        """Whether a measured curve may stand beside it; ``data`` are name and options of its data set."""
        size = f"{self.width}x{self.height}"
        ours = (data["options"].get("collection"), conditions.size, conditions.gop, conditions.frames)
        return ours == (self.collection, size, self.gop, str(self.frames))


@cache
def load_published() -> tuple[Published, ...]:
    """All that come with mindvideo."""
    text = resources.files("core.bench").joinpath("published.json").read_text("utf-8")
    return tuple(Published(**{**item, "points": tuple(item["points"])}) for item in json.loads(text))
