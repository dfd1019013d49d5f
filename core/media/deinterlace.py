"""Whole frames from interlaced ones, by libav's bwdif."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from pathlib import Path

import av
from av.filter import Graph
from av.video.stream import VideoStream

log = logging.getLogger(__name__)


def deinterlace_frames(
    frames: Iterable[av.VideoFrame], stream: VideoStream, path: Path
) -> Iterator[av.VideoFrame]:
    """The frames with those that say that they are interlaced made whole: one frame of each, at its own time.

    Which field comes first is asked of each frame; frames that say nothing pass as they are.
    """
    graph: Graph | None = None
    interlaced = False
    for frame in frames:
        interlaced |= frame.interlaced_frame
        if graph is None:
            graph = _graph(stream, frame)
        graph.vpush(frame)
        yield from _pull(graph)
    if graph is not None:
        graph.vpush(None)
        yield from _pull(graph)
    if not interlaced:
        log.warning("No frame of %s says that it is interlaced: all are left as they are.", path)


def _graph(stream: VideoStream, first: av.VideoFrame) -> Graph:
    graph = Graph()
    source = graph.add_buffer(
        width=first.width, height=first.height, format=first.format, time_base=stream.time_base
    )
    graph.link_nodes(
        source,
        graph.add("bwdif", mode="send_frame", parity="auto", deint="interlaced"),
        graph.add("buffersink"),
    ).configure()
    return graph


def _pull(graph: Graph) -> Iterator[av.VideoFrame]:
    """The frames that are ready, their times in the units of the stream (bwdif counts in halves of them)."""
    while True:
        try:
            frame = graph.vpull()
        except (BlockingIOError, EOFError):
            return
        if frame.pts is not None:
            frame.pts //= 2
        yield frame
