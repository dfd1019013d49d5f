"""Single pictures: what comes back, at which sizes and depths, and what becomes of damage."""

import numpy as np
import pytest

from core.errors import StreamError
from core.hooks import PictureFormat
from core.media.intra import IntraCodec, decode_intra, encode_intra

SIZES = [(1, 1), (7, 3), (16, 16), (33, 70), (129, 64)]


def smooth(width, height):
    y, x = np.mgrid[:height, :width]
    waves = (np.sin(x / 9), np.cos(y / 11), np.sin((x + y) / 13))
    return (0.5 + 0.4 * np.stack(waves)).astype(np.float32)


def psnr(a, b):
    return -10 * np.log10(((a.astype(np.float64) - b) ** 2).mean())


def levels(picture, depth):
    return np.rint(np.clip(picture, 0, 1) * (2**depth - 1)).astype(int)


@pytest.mark.parametrize(("width", "height"), SIZES)
@pytest.mark.parametrize("depth", [8, 10])
def test_hevc(width, height, depth):
    format, frame = PictureFormat(width, height, depth), smooth(width, height)
    payload = encode_intra(IntraCodec.hevc, frame, format, 12)
    picture = decode_intra(payload, format)
    assert picture.dtype == np.float32 and picture.shape == (3, height, width)
    assert psnr(picture, frame) > 34
    assert payload == encode_intra(IntraCodec.hevc, frame, format, 12)


@pytest.mark.parametrize(("width", "height"), SIZES)
@pytest.mark.parametrize("depth", [8, 9, 16])
def test_png_loses_nothing(width, height, depth):
    format, frame = PictureFormat(width, height, depth), smooth(width, height) * 1.3 - 0.1
    picture = decode_intra(encode_intra(IntraCodec.png, frame, format, 0), format)
    np.testing.assert_array_equal(levels(picture, depth), levels(frame, depth))


def test_the_rate_factor_trades_bytes_for_quality():
    rng = np.random.default_rng(0)
    format = PictureFormat(96, 64)
    frame = smooth(96, 64) + rng.normal(0, 0.05, (64, 96)).astype(np.float32)
    coded = [encode_intra(IntraCodec.hevc, frame, format, crf) for crf in (20, 23, 26, 29)]
    qualities = [psnr(decode_intra(payload, format), frame) for payload in coded]
    assert sorted(map(len, coded), reverse=True) == [*map(len, coded)]
    assert sorted(qualities, reverse=True) == qualities and qualities[0] > qualities[3] + 2


def test_the_payload_names_its_codec():
    format = PictureFormat(20, 20)
    for codec in IntraCodec:
        payload = encode_intra(codec, smooth(20, 20), format, 20)
        assert payload[: 1 + len(codec.value)] == bytes([len(codec.value)]) + codec.value.encode()
    with pytest.raises(StreamError, match="not known here \\('jxl'\\)"):
        decode_intra(b"\x03jxl" + bytes(40), format)


@pytest.mark.parametrize("codec", IntraCodec)
def test_damage_is_a_stream_error_or_a_picture(codec):
    """The container's checks find damage before; whoever forges them gets a picture or an error, never a crash."""
    format = PictureFormat(24, 40)
    payload = encode_intra(codec, smooth(24, 40), format, 20)
    start = 1 + len(codec.value)
    rng = np.random.default_rng(1)
    tried = [b"", payload[:3], payload[:start], payload[: start + 10], payload[: len(payload) // 2]]
    tried += [payload[:start] + rng.bytes(200), payload + payload[start:]]
    for _ in range(100):
        damaged = bytearray(payload)
        for at in rng.integers(0, len(payload), 3):
            damaged[at] ^= 1 << rng.integers(8)
        tried.append(bytes(damaged))
    refused = 0
    for data in tried:
        try:
            picture = decode_intra(data, format)
        except StreamError:
            refused += 1
            continue
        assert picture.shape == (3, 40, 24) and np.isfinite(picture).all()
    assert refused >= 5


@pytest.mark.parametrize("codec", IntraCodec)
def test_pictures_of_another_size_are_refused(codec):
    """A picture that says it is large is not even decoded."""
    payload = encode_intra(codec, smooth(640, 480), PictureFormat(640, 480), 40)
    with pytest.raises(StreamError):
        decode_intra(payload, PictureFormat(64, 48))
