"""Two videos on one HTML page that needs nothing else: in step under a divider, with PSNR and bytes of each frame."""

from __future__ import annotations

import base64
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from core.coding.codec import LoadedCodec
from core.coding.frames import StreamDecoder
from core.coding.groups import to_unit_range
from core.errors import MediaError
from core.files import size_of, whole_file
from core.hooks import Array
from core.media.limits import STANDARD, Limits
from core.media.resampling import resize_picture
from core.media.sizes import frame_bytes
from core.media.video import VideoReader
from core.media.writer import open_writer
from core.metrics.quality import stored_psnr
from core.progress import Meter
from core.report.page import page
from core.report.svg import Series, chart
from core.stream import StreamReader

CRF = 12.0
"""Quality of the page's own pictures: nothing of them is seen at twice their size."""

Timed = tuple[Fraction, Array]
"""When a picture is shown, in seconds after the first, and the picture (3,H,W) in [0,1]."""


@dataclass(frozen=True)
class ComparedVideo:
    """One of the two videos."""

    path: Path
    width: int
    height: int
    rate: Fraction
    """Frames a second, on average."""
    sizes: Sequence[int]
    """Bytes of each frame, in order of display; empty where the file does not tell."""
    count: int
    """Frames, as far as is known before they are read; else 0."""
    frames: Callable[[], Iterator[Timed]]

    @property
    def facts(self) -> dict[str, str]:
        """The facts on the page."""
        size, seconds = size_of(self.path), float((self.count or len(self.sizes)) / self.rate)
        return {
            "file": self.path.name,
            "pictures": f"{self.width}x{self.height}",
            "frames a second": f"{float(self.rate):g}",
            "frames": str(self.count or len(self.sizes) or "not told"),
            "bytes": f"{size:,}",
            "kilobits a second": f"{size * 8 / 1000 / seconds:,.0f}" if seconds else "not told",
        }


def of_video(path: Path, open_reader: Callable[[], VideoReader]) -> ComparedVideo:
    """A video, or a folder of pictures; raises `MediaError` where it is none."""
    with open_reader() as reader:
        info = reader.info
    sizes: list[int] = []
    with suppress(
        MediaError
    ):  # raw planes do not tell where frames end; what is damaged is told when it is shown
        sizes = frame_bytes(path)

    def frames() -> Iterator[Timed]:
        with open_reader() as reader:
            for frame in reader:
                yield frame.pts, frame.rgb

    return ComparedVideo(
        path, info.width, info.height, info.frame_rate, sizes, info.frame_count or len(sizes), frames
    )


def of_stream(path: Path, loaded: LoadedCodec, limits: Limits = STANDARD) -> ComparedVideo:
    """A stream, and the codec that decodes it; raises `StreamError` where it is damaged or of another one."""
    with StreamReader(path) as reader:
        header, packets = reader.header, sorted(reader.scan(), key=lambda packet: packet.time)

    def frames() -> Iterator[Timed]:
        with StreamDecoder(path, loaded, limits) as stream:
            for frame in stream.frames():
                time = (frame.time - packets[0].time) * header.time_base
                yield time, to_unit_range(frame.picture, header.depth)

    sizes = [packet.size for packet in packets]
    return ComparedVideo(path, header.width, header.height, header.frame_rate, sizes, len(packets), frames)


def write_page(
    first: ComparedVideo, second: ComparedVideo, page: Path, most: int | None = None, crf: float = CRF
) -> int:
    """Write the page of two videos, of at most so many frames; returns their number.

    They are shown at the times of the one with more frames, the smaller enlarged to the size of the larger; where both
    have one size, the second's PSNR to the first is told. Raises `MediaError` where their shapes differ.
    """
    width, height = max(first.width, second.width), max(first.height, second.height)
    for each in (first, second):
        if abs(each.width / each.height - width / height) > 2 / min(each.width, each.height):
            raise MediaError(
                f"{first.path} is {first.width}x{first.height} and {second.path} {second.width}x{second.height}: give "
                "two videos of one shape."
            )
    alike = (first.width, first.height) == (second.width, second.height)
    leader = second if second.count > first.count else first
    shown: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory(prefix="mindvideo-") as folder:
        video = Path(folder) / "both.mp4"
        rows, columns = height + height % 2, width + width % 2
        writer = open_writer(video, width=columns, height=2 * rows, frame_rate=leader.rate, crf=crf)
        with writer, Meter(f"Comparing {second.path.name}", leader.count or None) as meter:
            for number, other, one, two in islice(_pair_frames(first, second), most):
                stacked = np.zeros((3, 2 * rows, columns), np.float32)
                stacked[:, :height, :width] = _fit(one, height, width)
                stacked[:, rows : rows + height, :width] = _fit(two, height, width)
                writer.write(stacked)
                psnr = round(stored_psnr(two, one), 2) if alike else None
                shown.append({"first": number, "second": other, "psnr": psnr})
                meter.advance()
        content = base64.b64encode(video.read_bytes()).decode("ascii")
    data = {"width": width, "height": height, "rows": rows, "rate": float(leader.rate), "shown": shown}
    text = _html(first, second, data, content, alike, crf)
    with whole_file(page) as temporary:
        temporary.write_text(text, "utf-8")
    return len(shown)


def _pair_frames(first: ComparedVideo, second: ComparedVideo) -> Iterator[tuple[int, int, Array, Array]]:
    """Numbers and pictures of both that are seen at a time, at the times of the one with more frames."""
    if second.count > first.count:
        for number, other, one, two in _follow(second, first):
            yield other, number, two, one
    else:
        yield from _follow(first, second)


def _follow(leader: ComparedVideo, follower: ComparedVideo) -> Iterator[tuple[int, int, Array, Array]]:
    """Each frame of the leader, with the one of the follower that is shown then; ends with the shorter one."""
    others = follower.frames()
    later = next(others, None)
    tolerance, ends = 1 / (4 * leader.rate), 3 / (2 * follower.rate)
    current, other = later, -1
    for number, (time, picture) in enumerate(leader.frames()):
        while later is not None and later[0] <= time + tolerance:
            current, other = later, other + 1
            later = next(others, None)
        if current is None or (later is None and time > current[0] + ends):
            return
        yield number, max(other, 0), picture, current[1]


def _fit(picture: Array, height: int, width: int) -> Array:
    return picture if picture.shape[1:] == (height, width) else resize_picture(picture, height, width)


def _html(
    first: ComparedVideo, second: ComparedVideo, data: dict[str, Any], content: str, alike: bool, crf: float
) -> str:
    shown = data["shown"]
    rates = [
        Series(name, [(n, one.sizes[at[key]], f"frame {n}: {one.sizes[at[key]]:,} bytes") for n, at in told])
        for name, key, one in ((first.path.name, "first", first), (second.path.name, "second", second))
        for told in [[(n, at) for n, at in enumerate(shown) if at[key] < len(one.sizes)]]
    ]
    quality = [(n, at["psnr"], f"frame {n}: {at['psnr']:.2f} dB") for n, at in enumerate(shown) if alike]
    return page(
        "compare",
        first=first.facts,
        second=second.facts,
        alike=alike,
        crf=f"{crf:g}",
        data=data,
        content=content,
        charts=[
            chart([Series("PSNR", quality)], "frame", "RGB PSNR, dB"),
            chart(rates, "frame", "bytes"),
        ],
    )
