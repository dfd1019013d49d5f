"""Where the time and memory of a network go, cell by cell, and how they grow with the picture.

Cells are timed by hooks in MindSpore's PyNative mode, which computes operator by operator; each is waited for. What a
cell takes is without the cells within it; what a network computes between its cells belongs to none. Memory of a cell
is that of the numbers that it gives, memory of the whole is by how much the process has grown at most.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import mindspore as ms
import numpy as np
from mindspore import Tensor, nn

from core.coding.clips import decode_packets, encode_frames
from core.data.pattern import moving_frames
from core.hooks import Codec, Output, PictureFormat
from core.machine import peak_memory
from core.nn.counting import counting
from core.nn.stage import executed_in, wait

Work = Callable[[int, int], None]
"""Computes once on pictures of this width and height."""
WHOLE, BETWEEN = "(network)", "(between cells)"


@dataclass(frozen=True)
class CellShare:
    """Time and memory of a cell, over all its calls."""

    name: str
    kind: str
    """Its class."""
    calls: int
    seconds: float
    """Without the cells within it."""
    output_bytes: int


@dataclass(frozen=True)
class Profile:
    """A network on pictures of one size."""

    width: int
    height: int
    seconds: float
    """Of the whole, operator by operator, without hooks."""
    compiled_seconds: float | None
    """Of the whole in graph mode, after compiling; none where it was not asked for."""
    multiply_adds: int
    memory: int
    """Bytes that the process has grown by at most since before the first size."""
    cells: Sequence[CellShare]

    @property
    def pixels(self) -> int:
        """Pixels of a picture."""
        return self.width * self.height


def profile(
    network: nn.Cell, work: Work, sizes: Sequence[tuple[int, int]], compiled: bool
) -> Iterator[Profile]:
    """Profiles in order of pixels."""
    before = peak_memory()
    for width, height in sorted(sizes, key=lambda size: size[0] * size[1]):
        with executed_in(ms.PYNATIVE_MODE):
            with counting() as counter:
                work(width, height)
            seconds = _seconds(work, width, height)
            memory = peak_memory() - before
            cells = _cells(network, work, width, height)
        in_graph = None
        if compiled:
            with executed_in(ms.GRAPH_MODE):
                work(width, height)
                in_graph = _seconds(work, width, height)
        yield Profile(width, height, seconds, in_graph, counter.multiply_adds, memory, cells)


def exponent(sizes: Sequence[float], values: Sequence[float]) -> float | None:
    """The power of its size by which a value grows, by least squares over logarithms; none for less than two sizes."""
    if len(sizes) < 2 or min(values) <= 0:
        return None
    return float(np.polyfit(np.log(sizes), np.log(values), 1)[0])


def coding(codec: Codec) -> Work:
    """Codes an intra frame and an inter frame, and decodes them."""

    def work(width: int, height: int) -> None:
        format = PictureFormat(width, height)
        coded = encode_frames(codec, moving_frames(2, height, width), format)
        decode_packets(codec, format, [frame.packet for frame in coded])

    return work


def upscaling(upscaler: Any) -> Work:
    """Makes two high-resolution frames of two low-resolution ones, as of a video; sizes are of the low ones."""

    def work(width: int, height: int) -> None:
        first, last = moving_frames(2, height, width)
        upscaler(first[None], last[None], (Output.FIRST, Output.MIDDLE))

    return work


def _seconds(work: Work, width: int, height: int) -> float:
    started = time.perf_counter()
    work(width, height)
    wait()
    return time.perf_counter() - started


def _cells(network: nn.Cell, work: Work, width: int, height: int) -> list[CellShare]:
    """The cost of each cell, the highest first, and of what belongs to none."""
    watch = _Watch()
    handles = []
    for name, cell in network.cells_and_names():
        begin, end = watch.hooks(name or WHOLE, type(cell).__name__)
        handles += [cell.register_forward_pre_hook(begin), cell.register_forward_hook(end)]
    try:
        total = _seconds(work, width, height)
    finally:
        for handle in handles:
            handle.remove()
    within = sum(share.seconds for share in watch.shares.values())
    rest = CellShare(BETWEEN, "", 1, max(total - within, 0.0), 0)
    return sorted([*watch.shares.values(), rest], key=lambda share: -share.seconds)


class _Watch:
    """The cells under way, and what those that ended took."""

    def __init__(self) -> None:
        self.shares: dict[str, CellShare] = {}
        self._running: list[tuple[float, float]] = []
        """When each began, and the seconds of cells within it."""

    def hooks(self, name: str, kind: str) -> tuple[Callable[..., None], Callable[..., None]]:
        """What a cell of this name calls when it begins and when it ends."""

        def begin(cell: nn.Cell, inputs: Any) -> None:
            wait()
            self._running.append((time.perf_counter(), 0.0))

        def end(cell: nn.Cell, inputs: Any, outputs: Any) -> None:
            wait()
            began, within = self._running.pop()
            seconds = time.perf_counter() - began
            if self._running:
                outer, so_far = self._running[-1]
                self._running[-1] = outer, so_far + seconds
            before = self.shares.get(name, CellShare(name, kind, 0, 0.0, 0))
            self.shares[name] = CellShare(
                name,
                kind,
                before.calls + 1,
                before.seconds + seconds - within,
                before.output_bytes + _bytes(outputs),
            )

        return begin, end


def _bytes(outputs: Any) -> int:
    if isinstance(outputs, Tensor):
        return int(outputs.nbytes)
    return sum(map(_bytes, outputs)) if isinstance(outputs, (tuple, list)) else 0
