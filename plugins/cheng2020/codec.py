"""cheng2020-anchor's way to packets and back: a packet holds z, then y, in one range-coded payload.

The context model, which gives every symbol of y its distribution, runs in fixed point (`core.symbols.autoregressive`),
which a float network cannot stand in for; all else between pictures and symbols is in the stages.
"""

from __future__ import annotations

from mindspore import Tensor

from core.codec import Latents, LearnedIntra, Made, PacketReader, PacketWriter, PictureCodec, stage
from core.hooks import Plane
from core.nn import Stage
from core.training import learned_intra

from .cells import MULTIPLE, Cheng2020
from .config import Cheng2020Config, Cheng2020IntraConfig


class Analysis(Stage):
    """A picture, N,3,H,W, to its latent y, N,C,H/16,W/16, and the symbols of z, N,C,H/64,W/64."""

    inputs, outputs = (Plane("picture", 3),), ("y", "z")

    def construct(self, picture: Tensor) -> tuple[Tensor, Tensor]:
        y = self.network.analysis(picture)
        return y, self.network.prior.hyper_symbols(y)


class Side(Stage):
    """The symbols of z to what they tell of y."""

    inputs, outputs = (Plane("z", "channels", MULTIPLE),), ("side_information",)

    def construct(self, z_symbols: Tensor) -> Tensor:
        return self.network.prior.side(z_symbols)


class Synthesis(Stage):
    """The decoded latent to the picture."""

    inputs, outputs = (Plane("latent", "channels", 16),), ("picture",)

    def construct(self, y_hat: Tensor) -> Tensor:
        return self.network.synthesis(y_hat)


class Cheng2020Codec(PictureCodec):
    """The codec of a trained `Cheng2020`, of frames, and of other codecs' intra frames."""

    multiple = MULTIPLE
    inputs = (Plane("frames", 3, leading=(1, 1)),)
    outputs = ("reconstructions", "bits")

    analysis = stage(Analysis)
    side = stage(Side)
    synthesis = stage(Synthesis)

    @staticmethod
    def latents(network: Cheng2020) -> Latents:
        return {"prior": (network.prior.prior, MULTIPLE), "y": (network.prior, 16)}

    def encode_intra(self, frame: Tensor, packet: PacketWriter) -> Made:
        y, z = self.analysis(frame)
        side = self.side(packet.write("prior", z))
        return self.synthesis(packet.write("y", y, side))

    def decode_intra(self, packet: PacketReader) -> Made:
        side = self.side(packet.read("prior"))
        return self.synthesis(packet.read("y", side))


def intra(config: Cheng2020IntraConfig) -> LearnedIntra:
    """The picture codec cheng2020-anchor."""
    return learned_intra(config.checkpoint, "cheng2020", Cheng2020Config, Cheng2020, Cheng2020Codec)
