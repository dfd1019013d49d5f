"""Makes the frames of the upscaled video from those of a video: pairs of neighbours, and what a network makes of
each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain, pairwise

from core.hooks import Array, Output, Upscaler
from core.media.scenes import SceneCutDetector
from core.media.tiles import plan_tiles
from core.media.video import Frame
from core.upscaling.options import UpscaleOptions


@dataclass(frozen=True)
class Pair:
    """A frame and its successor, unless it is the last or a cut lies between them."""

    frame: Frame
    following: Frame | None
    cut: bool
    until: Fraction
    """When the next frame is due, or the last one ends, in seconds."""


def cut_pairs(frames: Iterator[Frame], find_cuts: bool, interval: Fraction) -> Iterator[Pair]:
    """Each frame with the next one; the last is shown for ``interval`` seconds where it does not say how long."""
    detector = SceneCutDetector()
    for frame, following in pairwise(chain(frames, [None])):
        assert frame is not None
        cut = following is not None and find_cuts and detector.is_cut(frame.rgb, following.rgb)
        yield Pair(frame, None if cut else following, cut, shown_until(frame, following, interval))


def shown_until(frame: Frame, following: Frame | None, interval: Fraction) -> Fraction:
    """When the next frame is due, or the last one ends: after ``interval`` where it does not say how long it lasts."""
    return following.pts if following else frame.pts + (frame.duration or interval)


class FrameMaker:
    """Turns pairs of frames into output pictures, tile by tile."""

    def __init__(self, upscaler: Upscaler, options: UpscaleOptions, height: int, width: int) -> None:
        self._upscaler = upscaler
        self._options = options
        scale = upscaler.scale if options.spatial else 1
        self.height, self.width = height * scale, width * scale
        self._scale = scale
        self._plan = plan_tiles(
            height,
            width,
            tile=options.tile or max(height, width),
            overlap=options.overlap,
            alignment=upscaler.alignment,
        )

    def moments(self, begin: Fraction, end: Fraction) -> list[tuple[Fraction, Fraction]]:
        """When each output picture of a pair, whose first is shown from ``begin`` to ``end``, is: from, and until."""
        if not self._options.temporal:
            return [(begin, end)]
        middle = (begin + end) / 2
        return [(begin, middle), (middle, end)]

    def make(self, pair: Pair) -> Iterator[Array]:
        """The output pictures of a pair: the frame's own, and the one after it."""
        first, following = pair.frame, pair.following
        between = Output.MIDDLE if self._options.spatial else Output.LOW_MIDDLE
        wanted = [Output.FIRST] if self._options.spatial else []
        if self._options.temporal and following is not None:
            wanted.append(between)
        made = self._run(first.rgb, (following or first).rgb, wanted)
        own = made.get(Output.FIRST, first.rgb)
        yield own
        if self._options.temporal:
            yield made.get(between, own)

    def _run(self, first: Array, last: Array, wanted: list[Output]) -> dict[Output, Array]:
        if not wanted:
            return {}

        def made(tile_first: Array, tile_last: Array) -> dict[Output, Array]:
            tiles = self._upscaler(tile_first[None], tile_last[None], wanted)
            return {output: tiles[output][0] for output in wanted}

        return self._plan.run_named(made, first, last, scales=dict.fromkeys(wanted, self._scale))
