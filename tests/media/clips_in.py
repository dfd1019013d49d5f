"""Clips of every container and kind of time, made by PyAV for the tests of reading."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path

import av
import av.filter
import numpy as np

WIDTH, HEIGHT = 64, 48
Luma = Callable[[int], np.ndarray]


def moving_luma(number: int) -> np.ndarray:
    """A pattern (48,64) that moves by three columns a frame, different for each number."""
    columns = (np.arange(WIDTH) - 3 * number) / 9.0
    rows = np.arange(HEIGHT)[:, None] / 7.0
    return np.rint(120 + 60 * np.sin(columns) * np.cos(rows) + 2 * (number % 20)).astype(np.uint8)


def woven_luma(number: int, top_first: bool) -> np.ndarray:
    """Two moments of a bar that moves by 8 columns a field, woven into one frame (48,64)."""
    fields = [np.where(np.arange(WIDTH) // 8 % 8 == (2 * number + half) % 8, 220, 30) for half in (0, 1)]
    frame = np.empty((HEIGHT, WIDTH), np.uint8)
    frame[0 if top_first else 1 :: 2] = fields[0]
    frame[1 if top_first else 0 :: 2] = fields[1]
    return frame


def interlaced(frame: av.VideoFrame, field: str) -> av.VideoFrame:
    """The frame, marked."""
    graph = av.filter.Graph()
    source = graph.add_buffer(
        width=frame.width, height=frame.height, format=frame.format, time_base=frame.time_base
    )
    graph.link_nodes(source, graph.add("setfield", field), graph.add("buffersink")).configure()
    graph.vpush(frame)
    return graph.vpull()


def make_clip(
    path: Path,
    codec: str = "libx264",
    times: Sequence[int] = range(12),
    unit: Fraction = Fraction(1, 25),
    *,
    rate: Fraction = Fraction(25),
    options: dict[str, str] | None = None,
    pixel_format: str = "yuv420p",
    container: str | None = None,
    container_options: dict[str, str] | None = None,
    luma: Luma = moving_luma,
    matrix: tuple[float, bool] | None = None,
    field: str | None = None,
) -> Path:
    """A clip whose frame n is shown at ``times[n]`` times ``unit`` seconds; ``rate`` is what the file states.

    ``matrix`` is the rotation of the display matrix in degrees, and whether it mirrors; ``field`` the one that an
    interlaced frame shows first, "tff" or "bff".
    """
    with av.open(str(path), "w", format=container, options=container_options or {}) as output:
        stream = output.add_stream(codec, rate=rate)
        context = stream.codec_context
        context.width, context.height, context.pix_fmt, context.time_base = WIDTH, HEIGHT, pixel_format, unit
        context.options = options or {}
        if matrix is not None:
            stream.set_display_rotation(matrix[0], hflip=matrix[1])
        for number, time in enumerate(times):
            frame = av.VideoFrame.from_ndarray(luma(number), format="gray").reformat(format=pixel_format)
            frame.pts, frame.time_base = time, unit
            if field is not None:
                frame = interlaced(frame, field)
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return path


def numbered(data: bytes) -> bytes:
    """A transport stream whose packets of each identifier count on: the counter is the low half of byte 3."""
    packets = np.frombuffer(data, np.uint8).reshape(-1, 188).copy()
    counts: dict[int, int] = {}
    for packet in packets:
        identifier = int(packet[1] & 0x1F) << 8 | int(packet[2])
        if packet[3] & 0x10:  # it has a payload
            counts[identifier] = counts.get(identifier, -1) + 1
        packet[3] = packet[3] & 0xF0 | counts.get(identifier, 0) & 0x0F
    return packets.tobytes()
