"""Single pictures: what comes back, at which sizes and depths, and what becomes of damage."""

import numpy as np
import pytest

from core.codec.intra import NamedIntraCodec
from core.errors import ConfigError, StreamError
from core.hooks import PictureFormat
from core.media.entries import INTRA_CODECS, HevcConfig
from core.media.hevc import Hevc
from core.media.png import Png

SIZES = [(1, 1), (7, 3), (16, 16), (33, 70), (129, 64)]


each_codec = pytest.mark.parametrize("entry", INTRA_CODECS, ids=lambda entry: entry.name)


def named(entry):
    return NamedIntraCodec(entry.name, entry.build(entry.config()), {})


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
    payload = Hevc().encode(frame, format, 12)
    picture = Hevc().decode(payload, format)
    assert picture.dtype == np.float32 and picture.shape == (3, height, width)
    assert psnr(picture, frame) > 34
    assert payload == Hevc().encode(frame, format, 12) == Hevc(crf=12).encode(frame, format, 51)


@pytest.mark.parametrize(("width", "height"), SIZES)
@pytest.mark.parametrize("depth", [8, 9, 16])
def test_png_loses_nothing(width, height, depth):
    format, frame = PictureFormat(width, height, depth), smooth(width, height) * 1.3 - 0.1
    picture = Png().decode(Png().encode(frame, format, 0), format)
    np.testing.assert_array_equal(levels(picture, depth), levels(frame, depth))


def test_the_rate_factor_trades_bytes_for_quality():
    rng = np.random.default_rng(0)
    format = PictureFormat(96, 64)
    frame = smooth(96, 64) + rng.normal(0, 0.05, (64, 96)).astype(np.float32)
    coded = [Hevc().encode(frame, format, crf) for crf in (20, 23, 26, 29)]
    qualities = [psnr(Hevc().decode(payload, format), frame) for payload in coded]
    assert sorted(map(len, coded), reverse=True) == [*map(len, coded)]
    assert sorted(qualities, reverse=True) == qualities and qualities[0] > qualities[3] + 2


@each_codec
def test_the_payload_names_its_codec(entry):
    format = PictureFormat(20, 20)
    payload = named(entry).encode(smooth(20, 20), format, 20)
    assert payload[: 1 + len(entry.name)] == bytes([len(entry.name)]) + entry.name.encode()
    assert payload[1 + len(entry.name) :] == entry.build(entry.config()).encode(smooth(20, 20), format, 20)


def test_a_codec_that_was_not_chosen_decodes_too():
    format, frame = PictureFormat(20, 20), smooth(20, 20)
    chosen = NamedIntraCodec("hevc", Hevc(), {"png": Png})
    picture = chosen.decode(NamedIntraCodec("png", Png(), {}).encode(frame, format, 0), format)
    np.testing.assert_array_equal(levels(picture, 8), levels(frame, 8))


def test_codecs_that_are_not_here_are_named():
    def lacking():
        raise ConfigError("give intra=learned intra.checkpoint=…, as for encoding.")

    codec = NamedIntraCodec("png", Png(), {"learned": lacking})
    with pytest.raises(StreamError, match="not known here \\('jxl'\\)"):
        codec.decode(b"\x03jxl" + bytes(40), PictureFormat(20, 20))
    with pytest.raises(StreamError, match="picture codec 'learned': give intra=learned"):
        codec.decode(b"\x07learned" + bytes(40), PictureFormat(20, 20))


@pytest.mark.parametrize("crf", [-1.0, 52.0])
def test_rate_factors_have_bounds(crf):
    with pytest.raises(ValueError, match=r"crf is .*; it must be between 0 and 51"):
        HevcConfig(crf)


@each_codec
def test_damage_is_a_stream_error_or_a_picture(entry):
    """The container's checks find damage before; whoever forges them gets a picture or an error, never a crash."""
    format, codec = PictureFormat(24, 40), named(entry)
    payload = codec.encode(smooth(24, 40), format, 20)
    start = 1 + len(entry.name)
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
            picture = codec.decode(data, format)
        except StreamError:
            refused += 1
            continue
        assert picture.shape == (3, 40, 24) and np.isfinite(picture).all()
    assert refused >= 5


@each_codec
def test_pictures_of_another_size_are_refused(entry):
    """A picture that says it is large is not even decoded."""
    payload = named(entry).encode(smooth(640, 480), PictureFormat(640, 480), 40)
    with pytest.raises(StreamError):
        named(entry).decode(payload, PictureFormat(64, 48))
