"""Packets of pictures into a file, each with the time that its picture is shown, so that the last one's is kept."""

from __future__ import annotations

from fractions import Fraction
from math import ceil, floor

import av
from av.container import OutputContainer

from core.media.tracks import TrackCopy, decoding_time

_MILLISECOND = Fraction(1, 1000)
"""Matroska's unit of time."""


class PictureMuxer:
    """Writes packets in order of decoding, the packets of other tracks between them.

    An mp4 file says when pictures are decoded and how much later each is shown; its length is the sum of the former.
    The last packet is therefore moved so that this sum ends where the last picture does, also where it is not the
    last one to be shown. Matroska would give the same time to pictures less than a millisecond apart: the later ones
    are moved to the next.
    """

    def __init__(self, container: OutputContainer, tracks: TrackCopy | None, unit: Fraction) -> None:
        self._container, self._tracks, self._unit = container, tracks, unit
        self._counts_milliseconds = container.format.name == "matroska"
        self._latest = self._millisecond = -1
        self._moved: dict[int, int] = {}
        self._shown: dict[int, int] = {}
        self._held: av.Packet | None = None
        self._delay = 0
        self._last_dts = 0

    def shown_for(self, pts: int, duration: int) -> None:
        """Note how long the picture at ``pts`` is shown, in units of its stream; before the packet after it.

        To be called in order of display.
        """
        self._shown[pts] = duration
        if self._counts_milliseconds and pts > self._latest:
            self._latest, written = pts, floor(pts * self._unit / _MILLISECOND + Fraction(1, 2))
            if written <= self._millisecond:
                written = self._millisecond + 1
                self._moved[pts] = ceil(written * _MILLISECOND / self._unit)
            self._millisecond = written

    def write(self, packet: av.Packet) -> None:
        """Write a packet, once the next one is there."""
        assert packet.pts is not None and packet.dts is not None
        if self._held is None:
            self._delay = packet.pts - packet.dts
            self._last_dts = packet.dts - 1
        else:
            self._mux(self._held)
        self._held = packet

    def finish(self, end: int) -> None:
        """Write what is left; the last picture is shown until ``end``."""
        if self._held is not None:
            self._close(self._held, end)
            self._mux(self._held)
        if self._tracks is not None:
            self._tracks.advance(None)

    def _close(self, packet: av.Packet, end: int) -> None:
        """Have the last packet end all: decoded no later than it is shown, and after the packet before it."""
        assert packet.pts is not None and packet.dts is not None
        stop = end - self._delay
        duration = max(self._shown.get(packet.pts, 1), stop - packet.pts)
        packet.dts = max(stop - duration, self._last_dts + 1)
        self._shown[packet.pts] = duration

    def _mux(self, packet: av.Packet) -> None:
        packet.duration = self._shown.pop(packet.pts or 0, packet.duration)
        if self._tracks is not None:
            self._tracks.advance(decoding_time(packet))
        packet.pts = self._moved.pop(packet.pts or 0, packet.pts)
        self._last_dts = packet.dts if packet.dts is not None else self._last_dts
        self._container.mux(packet)
