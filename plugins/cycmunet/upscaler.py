"""Upscaling video with a trained CycMuNet+, one output after another to spare memory."""

from __future__ import annotations

from collections.abc import Collection
from itertools import combinations, product

import numpy as np
from mindspore import Tensor

from core.hooks import Array, Output
from core.nn import Stage

from .config import CycMuNetUpscalerConfig
from .interface import VideoCycMuNet, alignment

_HIGH = (Output.FIRST, Output.MIDDLE, Output.LAST)


class CycMuNetUpscaler:
    """`core.hooks.Upscaler` of a `VideoCycMuNet`; results are clamped to [0,1].

    Only what is wanted is computed, and the trunk, which needs most memory, sees one frame at a time. Each
    combination of outputs and each picture size is compiled once in graph mode.
    """

    def __init__(self, config: CycMuNetUpscalerConfig, network: VideoCycMuNet) -> None:
        self.scale = network.config.scale
        self.alignment = alignment(network.config)
        subsets = (frames for count in range(4) for frames in combinations(range(3), count))
        self._encoders = {
            (frames, wants_low): _Encoder(network, frames, wants_low)
            for frames, wants_low in product(subsets, (False, True))
        }
        self._high = _HighReconstruction(network)
        self._low = _LowReconstruction(network)

    def __call__(self, first: Array, last: Array, outputs: Collection[Output]) -> dict[Output, Array]:
        wanted = [output for output in _HIGH if output in outputs]
        wants_low = Output.LOW_MIDDLE in outputs
        if not wanted and not wants_low:
            return {}
        frames = tuple(_HIGH.index(output) for output in wanted)
        before, after = Tensor(first), Tensor(last)
        low, high, low_middle, middle = self._encoders[frames, wants_low](before, after)
        sources = (before, middle, after)
        batch = len(first)
        results: dict[Output, Array] = {}
        for position, frame in enumerate(frames):
            features = high[position * batch : (position + 1) * batch]
            skipped = low[frame * batch : (frame + 1) * batch]
            results[_HIGH[frame]] = _picture(self._high(features, skipped, sources[frame]))
        if wants_low:
            results[Output.LOW_MIDDLE] = _picture(self._low(low_middle, middle))
        return results


def _picture(tensor: Tensor) -> Array:
    return np.clip(tensor.asnumpy(), 0, 1)


class _Encoder(Stage):
    """Features for a fixed set of outputs, and a guess of the middle frame; in place of what is not wanted stands the
    low-resolution triple."""

    def __init__(self, network: VideoCycMuNet, frames: tuple[int, ...], wants_low: bool) -> None:
        super().__init__(network)
        self.frames = frames
        self.wants_low = wants_low

    def construct(self, first: Tensor, last: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        low, high, low_middle, middle = self.network.encode(first, last, self.frames, self.wants_low)
        return low, high if self.frames else low, low_middle if self.wants_low else low, middle


class _HighReconstruction(Stage):
    def construct(self, high: Tensor, low: Tensor, source: Tensor) -> Tensor:
        return self.network.reconstruct_high(high, low, source)


class _LowReconstruction(Stage):
    def construct(self, features: Tensor, source: Tensor) -> Tensor:
        return self.network.reconstruct_low(features, source)
