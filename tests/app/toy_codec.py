"""A plugin with a codec that is quick: coarse levels packed by zlib. Its network has one weight, the step."""

import zlib
from dataclasses import dataclass

import numpy as np

from core.hooks import (
    CodecConfig,
    CodecEntry,
    CodedFrame,
    Coding,
    DecodedFrame,
    ModelEntry,
    Packet,
    PacketType,
    Supervision,
    hookimpl,
)

HOOK_API = 2


@dataclass
class ToyConfig:
    """The network."""

    step: float = 8.0


@dataclass
class ToyCodecConfig(CodecConfig):
    """The codec."""


def network(config):
    import mindspore as ms
    from mindspore import nn

    class Toy(nn.Cell):
        def __init__(self):
            super().__init__()
            self.step = ms.Parameter(ms.Tensor([config.step], ms.float32), name="step")

        def construct(self, x):
            return x

    return Toy()


def tables(network):
    return {"toy": np.arange(3, dtype=np.int32)}


class ToyCodec:
    def __init__(self, network):
        self.step = float(network.step.asnumpy()[0])

    def encoder(self, format, estimate=False):
        return Endpoint(self, format, estimate)

    def decoder(self, format):
        return Endpoint(self, format)


class Endpoint:
    def __init__(self, codec, format, estimate=False):
        self.step, self.format, self.estimate = codec.step, format, estimate
        self.last = None

    def picture(self, codes):
        peak = (1 << self.format.depth) - 1
        return np.minimum(codes * self.step, peak).astype(np.uint8 if peak == 255 else np.uint16)

    def encode(self, frame, time, intra):
        codes = np.rint(frame * ((1 << self.format.depth) - 1) / self.step).astype("<i4")
        symbols = codes if intra else codes - self.last
        self.last = codes
        kind = PacketType.INTRA if intra else PacketType.INTER
        payload = zlib.compress(symbols.astype("<i2").tobytes())
        picture = self.picture(codes)
        packet = Packet(kind, time, payload, zlib.crc32(symbols.tobytes()), zlib.crc32(picture.tobytes()))
        return [CodedFrame(packet, picture, 8.0 * len(payload) if self.estimate else None)]

    def decode(self, packet):
        shape = (3, self.format.height, self.format.width)
        symbols = np.frombuffer(zlib.decompress(packet.payload), "<i2").astype("<i4").reshape(shape)
        self.last = symbols if packet.type is PacketType.INTRA else symbols + self.last
        return [DecodedFrame(packet.time, self.picture(self.last))]

    def flush(self):
        return []


MODEL = ModelEntry("toy", ToyConfig, network)
CODEC = CodecEntry(
    "toy",
    ToyCodecConfig,
    lambda config, network, tables: ToyCodec(network),
    tables,
    coding=Coding.RESIDUAL,
    supervision=Supervision.OBJECTIVE,
)


@hookimpl
def models():
    return [MODEL]


@hookimpl
def codecs():
    return [CODEC]
