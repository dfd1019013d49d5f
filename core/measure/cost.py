"""Multiply-adds of codecs and upscalers: counted on pictures of a stated size, and told for each pixel."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from core.coding.clips import decode_packets, encode_frames
from core.data.pattern import moving_frames
from core.hooks import Codec, Output, PictureFormat, Upscaler

if TYPE_CHECKING:
    from core.nn.counting import Counter

SIZE = 256
"""Height and width of the pictures that codecs are given: a multiple of what any of them pads to."""
LOW_SIZE = 64
"""Height and width of the low-resolution pictures that upscalers are given."""
ENCODE_INTRA, ENCODE_INTER = "encode intra", "encode inter"
DECODE_INTRA, DECODE_INTER = "decode intra", "decode inter"
UPSCALE = "upscale"
_FURTHER = 2
"""Inter frames that are coded, so that a codec that leaves some out counts as it does on a long video."""


def codec_cost(codec: Codec) -> dict[str, float]:
    """Multiply-adds for each pixel of a frame: of an intra frame, and of each further one, to encode and to decode."""
    encode, decode = zip(_group_cost(codec, 1), _group_cost(codec, 1 + _FURTHER), strict=True)
    return {
        ENCODE_INTRA: encode[0],
        ENCODE_INTER: (encode[1] - encode[0]) / _FURTHER,
        DECODE_INTRA: decode[0],
        DECODE_INTER: (decode[1] - decode[0]) / _FURTHER,
    }


def upscaler_cost(upscaler: Upscaler) -> dict[str, float]:
    """Multiply-adds for each pixel of the three high-resolution frames, the low-resolution one made as well."""
    first, last = moving_frames(2, LOW_SIZE, LOW_SIZE)
    with _counting() as counter:
        upscaler(first[None], last[None], tuple(Output))
    return {UPSCALE: counter.multiply_adds / (3 * (LOW_SIZE * upscaler.scale) ** 2)}


def _group_cost(codec: Codec, count: int) -> tuple[float, float]:
    """Multiply-adds to encode and to decode a group of frames."""
    format = PictureFormat(SIZE, SIZE)
    with _counting() as encoding:
        coded = list(encode_frames(codec, moving_frames(count, SIZE, SIZE), format))
    with _counting() as decoding:
        decode_packets(codec, format, [frame.packet for frame in coded])
    return encoding.multiply_adds / SIZE**2, decoding.multiply_adds / SIZE**2


@contextmanager
def _counting() -> Iterator[Counter]:
    """Counts what is computed meanwhile, in MindSpore's PyNative mode."""
    import mindspore as ms

    from core.nn.counting import counting

    before = ms.get_context("mode")
    ms.set_context(mode=ms.PYNATIVE_MODE)
    try:
        with counting() as counter:
            yield counter
    finally:
        ms.set_context(mode=before)
