"""What the tests of all codecs share: moving frames, and frames to packets and back."""

from contextlib import contextmanager

import mindspore as ms
import numpy as np

from core.codec.intra import NamedIntraCodec
from core.media.hevc import Hevc
from core.media.png import Png
from core.testing.material import moving_frames as build_frames

__all__ = ["build_frames", "decoded", "encoded", "extreme_symbols", "intra_codec", "mode", "psnr"]


def intra_codec(name="hevc", codec=None):
    """The picture codec of intra frames; by default one of core's."""
    own = {"hevc": Hevc, "png": Png}
    return NamedIntraCodec(name, codec or own[name](), own)


@contextmanager
def mode(chosen):
    """MindSpore's mode, and after it the one before."""
    before = ms.get_context("mode")
    ms.set_context(mode=chosen)
    try:
        yield
    finally:
        ms.set_context(mode=before)


def encoded(codec, format, frames, gop=0, **options):
    """The coded frames, three units of time apart."""
    encoder = codec.encoder(format, **options)
    coded = []
    for time, frame in enumerate(frames):
        intra = time == 0 or (gop > 0 and time % gop == 0)
        coded += encoder.encode(frame, 3 * time, intra)
    return [*coded, *encoder.flush()]


def decoded(codec, format, packets):
    """The shown frames."""
    decoder = codec.decoder(format)
    shown = [frame for packet in packets for frame in decoder.decode(packet)]
    return [*shown, *decoder.flush()]


def extreme_symbols(rng, shape, largest):
    """Most of them zero, some as large as can be: float32, below 2^31."""
    values = np.trunc(rng.choice([0, 1, largest, -largest], shape) * rng.random(shape))
    return np.clip(values, -(2.0**31) + 128, 2.0**31 - 128).astype(np.float32)


def psnr(a, b):
    """Of 8-bit pictures, dB."""
    error = ((a.astype(np.float64) - b) ** 2).mean()
    return np.inf if error == 0 else 10 * np.log10(255**2 / error)
