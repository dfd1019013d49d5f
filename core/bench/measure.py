"""Measures a codec on clips: real streams, decoded by a fresh decoder, one record for each clip in the cache.

The rate of a learned codec counts all bytes of the stream's file. Conventional codecs bring streams of their own,
whose containers are others; of them the packets alone are counted, which favours them by some twenty bytes a frame.
"""

from __future__ import annotations

import hashlib
import resource
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from core.bench.cache import Cache, key_of, pixels_of
from core.bench.records import ClipRecord, mean
from core.coding.clips import decode_clip, encode_clip
from core.coding.codec import LoadedCodec
from core.errors import ConfigError
from core.files import whole_file
from core.hooks import Array, ClipSource
from core.media.colour import Matrix, Range, rgb_to_yuv
from core.metrics.quality import PSNR_CAP, Values, as_stored, ms_ssim, psnr, ssim
from core.stream import StreamReader
from core.symbols.coder import DECODING, ENCODING

if TYPE_CHECKING:
    from mindspore.train import Metric

MATRIX, RANGE = Matrix.BT709, Range.FULL
"""Of the 4:2:0 planes whose PSNR is taken."""
SMALLEST_SSIM, SMALLEST_MS_SSIM = 11, 161
"""Sides that pictures must have, in pixels."""


@dataclass(frozen=True)
class Measuring:
    """How clips are measured."""

    cache: Cache
    conditions: Mapping[str, Any]
    """All but the clip that decides a result."""
    packets_alone: bool
    """Whether the rate counts the packets alone (a conventional codec)."""
    metrics: Mapping[str, Metric]
    """Measures beside those that are always taken."""
    pictures: int
    """Clips whose last frame is kept."""
    seed: int


def measure(
    source: ClipSource,
    load: Callable[[], LoadedCodec],
    how: Measuring,
    seen: Callable[[str], None] | None = None,
) -> tuple[list[ClipRecord], int]:
    """The records of all clips of a source, and how many were there already.

    The codec is loaded when the first clip is missing. Each record is kept as soon as it is made, so that what is
    interrupted loses one clip. Raises `ConfigError` when the source has no clips, `StreamError` when a stream does
    not decode.
    """
    if len(source) == 0:
        raise ConfigError("the data set has no clips in this split.")
    clips, found = [], 0
    loaded: LoadedCodec | None = None
    for number, (label, frames) in enumerate(_clips(source, how.seed)):
        pixels = pixels_of(frames)
        key = key_of({**how.conditions, "clip": pixels})
        clip = how.cache.find(ClipRecord, key, label) if _drawn(how, number, key, pixels) else None
        if clip is None:
            cold = loaded is None
            loaded = loaded or load()
            clip = _measured(loaded, frames, label, key, pixels, cold, number < how.pictures, how)
            how.cache.add(clip)
        else:
            found += 1
        clips.append(clip)
        if seen:
            seen(f"{clip.bpp:.4f} bpp, {clip.values['psnr_rgb']:.2f} dB")
    return clips, found


def _clips(source: ClipSource, seed: int) -> Iterator[tuple[str, Array]]:
    """Name and pictures of each clip."""
    label = getattr(source, "label", "clip {}".format)
    for index in range(len(source)):
        yield label(index), source.clip(index, np.random.default_rng([seed, index]))[0]


def _drawn(how: Measuring, number: int, key: str, pixels: str) -> bool:
    """Whether the pictures of a clip are there, where they are wanted."""
    wanted = (how.cache.picture(key), how.cache.source(pixels)) if number < how.pictures else ()
    return all(path.is_file() for path in wanted)


def _measured(
    loaded: LoadedCodec,
    frames: Array,
    label: str,
    key: str,
    pixels: str,
    cold: bool,
    draw: bool,
    how: Measuring,
) -> ClipRecord:
    path = how.cache.stream(key)
    spent = ENCODING.seconds, DECODING.seconds
    with whole_file(path) as made:
        started = time.perf_counter()
        encode_clip(loaded, frames, made)
        between = time.perf_counter()
        decoded = decode_clip(loaded, made)
        ended = time.perf_counter()
    count, _, height, width = frames.shape
    file, packets = path.stat().st_size, _packet_bytes(path)
    clip = ClipRecord(
        label=label,
        frames=count,
        width=width,
        height=height,
        counted_bytes=packets if how.packets_alone else file,
        file_bytes=file,
        packet_bytes=packets,
        encode_seconds=(between - started) / count,
        decode_seconds=(ended - between) / count,
        encode_entropy_seconds=_spent(ENCODING.seconds - spent[0], count),
        decode_entropy_seconds=_spent(DECODING.seconds - spent[1], count),
        cold=cold,
        peak_memory=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        values=qualities(decoded, frames, how.metrics),
        source=pixels,
        stream=hashlib.sha256(path.read_bytes()).hexdigest(),
        key=key,
    )
    if draw:
        how.cache.draw(how.cache.picture(key), decoded[-1])
        how.cache.draw(how.cache.source(pixels), frames[-1])
    return clip


def _spent(seconds: float, frames: int) -> float | None:
    """Seconds of our coder for each frame; none where another one codes."""
    return seconds / frames if seconds else None


def _packet_bytes(path: Path) -> int:
    with StreamReader(path) as reader:
        return sum(len(packet.payload) for packet in reader)


def qualities(decoded: Array, truth: Array, metrics: Mapping[str, Metric]) -> dict[str, float | None]:
    """Means over frames (T,3,H,W) of every measure, of pictures rounded to 8 bits."""
    pairs = [(as_stored(first), as_stored(second)) for first, second in zip(decoded, truth, strict=True)]
    height, width = truth.shape[-2:]
    smallest = min(height, width)
    planes = [_plane_psnr(first, second) for first, second in pairs]
    values: dict[str, float | None] = {
        "psnr_rgb": mean([_capped(float(psnr(*pair))) for pair in pairs]),
        "psnr_y": mean([y for y, _ in planes]),
        "psnr_yuv": mean([yuv for _, yuv in planes]),
        "ssim": mean([float(ssim(*pair)) for pair in pairs]) if smallest >= SMALLEST_SSIM else None,
        "ms_ssim": mean([float(ms_ssim(*pair)) for pair in pairs]) if smallest >= SMALLEST_MS_SSIM else None,
    }
    for name, metric in metrics.items():
        metric.clear()
        for first, second in zip(decoded, truth, strict=True):
            metric.update(first[None], second[None])
        values[name] = float(metric.eval())
    return values


def _plane_psnr(first: Values, second: Values) -> tuple[float, float]:
    """PSNR of luma, and of luma and both chroma planes weighted 6:1:1, dB."""
    planes = [rgb_to_yuv(picture, matrix=MATRIX, range=RANGE) for picture in (first, second)]
    y, u, v = (_codes_psnr(a, b) for a, b in zip(*planes, strict=True))
    return y, (6 * y + u + v) / 8


def _codes_psnr(first: np.ndarray, second: np.ndarray) -> float:
    error = float(np.mean(np.square(first.astype(np.float64) - second)))
    return _capped(-10 * float(np.log10(error / 255**2)) if error else np.inf)


def _capped(value: float) -> float:
    return min(value, PSNR_CAP)
