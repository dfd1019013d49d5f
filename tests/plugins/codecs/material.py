"""What the tests of all codecs share: moving frames, and frames to packets and back."""

from collections.abc import Callable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import mindspore as ms
import numpy as np

from core.codec.intra import NamedIntraCodec
from core.media.hevc import Hevc
from core.media.png import Png
from core.testing.material import moving_frames

build_frames = moving_frames


@dataclass(frozen=True)
class NetworkCase:
    """How a codec's network is tried."""

    inputs: Sequence[ms.Tensor]
    """A batch of two."""
    short: Sequence[ms.Tensor]
    """What is enough for gradients."""
    flat: Callable
    """What the network gives, as a list of tensors: pictures and flows, then costs."""
    pictures: int
    """How many of them are pictures and flows."""
    shapes: Sequence[tuple[int, ...]]
    """Of what comes out."""
    certain: set[int]
    """What in training does not depend on noise."""
    rtol: float
    atol: float
    """Of pictures, between modes; ``atol`` also between a batch and its members."""
    rel: float
    """Of costs."""

    def run(self, network, *inputs):
        """What a network makes of inputs, as arrays."""
        return [tensor.asnumpy() for tensor in self.flat(network(*inputs))]


def moved_pair(block):
    """A batch of two frames N,3,64,128 of square blocks, and their references, moved by a few pixels."""
    rng, shape = np.random.default_rng(8), (2, 3, 96 // block, 160 // block)
    large = np.kron(rng.random(shape, dtype=np.float32), np.ones((block, block), np.float32))
    return ms.Tensor(large[:, :, 3:67, 2:130]), ms.Tensor(large[:, :, :64, :128])


def moved_by(objective, network):
    """Parameters of a network with a gradient, by name; raises where one is no number."""
    parameters = network.trainable_params()
    gradients = ms.grad(objective, None, ms.ParameterTuple(parameters))()
    arrays = {p.name: g.asnumpy() for p, g in zip(parameters, gradients, strict=True)}
    assert all(np.isfinite(array).all() for array in arrays.values())
    return {name: array for name, array in arrays.items() if np.abs(array).max() > 0}


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
