"""Codecs on clips: real streams, written, read back and decoded by a fresh decoder.

The rate of a learned codec counts all bytes of the stream's file. Conventional codecs bring streams of their own,
whose containers are others; of them the packets alone are counted, which favours them by some twenty bytes a frame.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from core.coding.clips import decode_clip, encode_clip
from core.coding.codec import LoadedCodec
from core.files import whole_file
from core.hooks import Array
from core.machine import peak_memory
from core.measure.cache import Drawn
from core.measure.clips import Clip, Measurable, MeasureSettings
from core.measure.qualities import qualities
from core.measure.records import ClipRecord
from core.stream import StreamReader
from core.symbols.coder import DECODING, ENCODING


class MeasuredCodec(Measurable[LoadedCodec, ClipRecord, Array]):
    """A codec; of a clip it makes the pictures (T,3,H,W) in [0,1] that come back."""

    kind = ClipRecord
    draws = True

    def __init__(
        self, load: Callable[[], LoadedCodec], stream: Callable[[int, str], Path], estimate: bool = False
    ) -> None:
        """``stream`` names the file of a clip's stream by the clip's number and key."""
        super().__init__(load)
        self._stream, self._estimate = stream, estimate

    def measure(
        self, clip: Clip, settings: MeasureSettings, about: Mapping[str, Any]
    ) -> tuple[ClipRecord, Array]:
        """See `Measurable.measure`; raises `StreamError` when the stream does not decode."""
        loaded, path = self.loaded, self._stream(clip.number, about["key"])
        spent = ENCODING.seconds, DECODING.seconds
        with whole_file(path) as made:
            started = time.perf_counter()
            bits = encode_clip(loaded, clip.frames, made, self._estimate)
            between = time.perf_counter()
            pictures = decode_clip(loaded, made)
            ended = time.perf_counter()
        count, _, height, width = clip.frames.shape
        file, packets = path.stat().st_size, _packet_bytes(path)
        record = ClipRecord(
            **about,
            frames=count,
            width=width,
            height=height,
            counted_bytes=packets if loaded.places_intra else file,
            file_bytes=file,
            packet_bytes=packets,
            encode_seconds=(between - started) / count,
            decode_seconds=(ended - between) / count,
            encode_entropy_seconds=_seconds_per_frame(ENCODING.seconds - spent[0], count),
            decode_entropy_seconds=_seconds_per_frame(DECODING.seconds - spent[1], count),
            values=qualities(zip(pictures, clip.frames, strict=True), settings.metrics, settings.qualities),
            estimated_bits=bits if self._estimate else None,
            stream=hashlib.sha256(path.read_bytes()).hexdigest(),
            peak_memory=peak_memory(),
        )
        return record, pictures

    def pictures_to_draw(self, clip: Clip, made: Array) -> Drawn:
        """The last frame."""
        return made[-1], clip.frames[-1]


def _seconds_per_frame(seconds: float, frames: int) -> float | None:
    """Seconds of our coder for each frame; none where another one codes."""
    return seconds / frames if seconds else None


def _packet_bytes(path: Path) -> int:
    with StreamReader(path) as reader:
        return sum(len(packet.payload) for packet in reader)
