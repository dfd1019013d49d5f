"""Coding sound anew, as AAC, for containers that cannot hold what it is coded by."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.filter import Graph

from core.errors import MediaError

_RATES = (96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350)
"""Samples per second that AAC knows."""
_USUAL_LAYOUTS = {1: "mono", 2: "stereo", 3: "3.0", 4: "4.0", 5: "5.0", 6: "5.1", 8: "7.1"}
"""Layouts of sound that says only how many channels it has."""
_BITS_OF_A_CHANNEL = 96_000


class AacEncoder:
    """The sound of a track, decoded and coded anew: its channels and, where AAC knows it, its sample rate.

    Gaps between its frames become silence, so that the sound keeps its place. Raises `MediaError` for channels that
    AAC cannot hold.
    """

    def __init__(self, source: AudioStream, target: OutputContainer, name: Path) -> None:
        context = source.codec_context
        rate = min(_RATES, key=lambda one: (abs(one - context.sample_rate), one))
        try:
            self.stream = target.add_stream("aac", rate=rate)
            coder = self.stream.codec_context
            channels = context.layout.nb_channels
            unnamed = context.layout.name.endswith("channels")
            coder.layout = _USUAL_LAYOUTS.get(channels, "") if unnamed else context.layout
            coder.bit_rate = _BITS_OF_A_CHANNEL * channels
            coder.time_base = Fraction(1, rate)
            coder.thread_count = 1  # so that the same sound gives the same bytes
            coder.open()
        except (av.FFmpegError, ValueError) as error:
            raise MediaError(
                f"AAC cannot hold the {context.layout.name} sound of {name}: write an .mkv file with task.sound=copy, "
                "or give task.sound=none."
            ) from error
        self._decoder, self._coder, self._rate = context, coder, rate
        self._graph: Graph | None = None
        self._unit = Fraction(source.time_base or Fraction(1, rate))
        self._following = (source.start_time or 0) * self._unit

    def encode(self, packet: av.Packet | None, shift: Fraction) -> list[av.Packet]:
        """What comes out for a packet of the source, ``shift`` seconds earlier; None: all that is left."""
        packets = [
            coded
            for frame in self._resample(self._decoder.decode(packet), packet is None)
            for coded in self._encode_frame(frame, shift)
        ]
        if packet is None:
            packets += self.stream.encode(None)
        return packets

    def _encode_frame(self, frame: av.AudioFrame, shift: Fraction) -> list[av.Packet]:
        frame.pts = (frame.pts or 0) - round(shift * self._rate)
        return self.stream.encode(frame)

    def _resample(self, frames: list[av.AudioFrame], last: bool) -> Iterator[av.AudioFrame]:
        for frame in frames:
            self._time(frame)
            self._graph = self._graph or self._filters(frame)
            self._graph.push(frame)
            yield from _pull(self._graph)
        if last and self._graph is not None:
            self._graph.push(None)
            yield from _pull(self._graph)

    def _time(self, frame: av.AudioFrame) -> None:
        """Give a frame without a time, as a decoder's last one, that at which the one before it ends."""
        if frame.pts is None:
            frame.time_base, frame.pts = self._unit, round(self._following / self._unit)
        self._following = frame.pts * self._unit + Fraction(frame.samples, frame.sample_rate)

    def _filters(self, first: av.AudioFrame) -> Graph:
        """Filters that give the encoder's samples; ``async`` puts silence where time stamps leave a gap."""
        graph = Graph()
        layout = self._coder.layout.name
        graph.link_nodes(
            graph.add_abuffer(
                sample_rate=first.sample_rate,
                format=first.format.name,
                layout=first.layout.name,
                time_base=first.time_base,
            ),
            graph.add("aresample", **{"async": "1", "out_sample_rate": str(self._rate)}),
            graph.add("aformat", sample_fmts="fltp", sample_rates=str(self._rate), channel_layouts=layout),
            graph.add("abuffersink"),
        ).configure()
        return graph


def _pull(graph: Graph) -> Iterator[av.AudioFrame]:
    while True:
        try:
            frame = graph.pull()
        except (BlockingIOError, EOFError):
            return
        assert isinstance(frame, av.AudioFrame)
        yield frame
