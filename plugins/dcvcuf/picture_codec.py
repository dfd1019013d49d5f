"""The picture network's way to packets and back: settings, z, then y part by part; as others' intra frames too."""

from __future__ import annotations

import numpy as np
from mindspore import Tensor

from core.codec import LearnedIntra, Made, PacketReader, PacketWriter, stage
from core.hooks import Array, Plane
from core.nn import Stage
from core.training import learned_intra

from .colour import clamp_to_rgb, to_ycbcr
from .config import DcvcUfIntraCodecConfig, DcvcUfIntraConfig, DcvcUfPicturesConfig, quality_of
from .image import PictureNetwork
from .parted import HYPER, LATENT, PartedCodec


class PictureAnalysis(Stage):
    """A picture, 1,3,H,W in [0,1], and factors of its quality to the latent y and the symbols of z."""

    inputs = Plane("picture", 3), Plane("factors", "features", 0), Plane("of_y", "latent", 0)
    outputs = "y", "z"

    def construct(self, picture: Tensor, factors: Tensor, of_y: Tensor) -> tuple[Tensor, Tensor]:
        y, z = self.network.analyse(to_ycbcr(picture), factors, of_y)
        return y, self.network.bit_estimator_z.symbols(z)


class PictureExpectation(Stage):
    """The symbols of z to what they tell of y, beyond its right and lower ends as well."""

    inputs, outputs = (Plane("z", "hyper", HYPER),), ("expected",)

    def construct(self, z: Tensor) -> Tensor:
        return self.network.expect(z)


class PictureSynthesis(Stage):
    """The quantised latent and factors of the quality to the picture."""

    inputs = Plane("y_hat", "latent", LATENT), Plane("of_y", "latent", 0), Plane("factors", "features", 0)
    outputs = ("picture",)

    def construct(self, y_hat: Tensor, of_y: Tensor, factors: Tensor) -> Tensor:
        return clamp_to_rgb(self.network.synthesise(y_hat, of_y, factors))


class DcvcUfPictures(PartedCodec):
    """The codec of a trained `PictureNetwork`, of frames, and of other codecs' intra frames."""

    analysis = stage(PictureAnalysis)
    expectation = stage(PictureExpectation)
    synthesis = stage(PictureSynthesis)
    factor_tables = "q_scale_enc", "q_scale_dec", "q_scale_y_enc", "q_scale_y_dec"

    def encode_intra(self, frame: Tensor, packet: PacketWriter) -> Made:
        quality, skip = self.write_settings(packet)
        factors = self.factors("q_scale_enc", quality), self.factors("q_scale_y_enc", quality)
        y, z = self.analysis(frame, *factors)
        known = self.expect(packet.write("z", z, quality), quality, *y.shape[2:])
        y_hat = self.write_latent(packet, y, skip, *known)
        return self.synthesise(y_hat, quality)

    def decode_intra(self, packet: PacketReader) -> Made:
        quality, skip = self.read_settings(packet)
        size = packet.height // LATENT, packet.width // LATENT
        known = self.expect(packet.read("z", quality), quality, *size)
        y_hat = self.read_latent(packet, skip, *known)
        return self.synthesise(y_hat, quality)

    def synthesise(self, y_hat: Tensor, quality: int) -> Tensor:
        """The picture."""
        factors = self.factors("q_scale_y_dec", quality), self.factors("q_scale_dec", quality)
        return self.synthesis(y_hat, *factors)

    def expect(self, z: Tensor, quality: int, height: int, width: int) -> tuple[Tensor, Array, Array]:
        """What z tells of y, which has this size, and its first step's means and scales."""
        expected = self.expectation(z).asnumpy()[:, :, :height, :width]
        scales, means = self.exact_scales(z, quality, height, width), expected
        if scales is None:
            scales, means = (part.copy() for part in np.split(expected, 2, 1))
        return Tensor(expected.copy()), means.copy(), scales


class SuitedPictures(DcvcUfPictures):
    """The same at the quality that suits a video codec's own."""

    def suited_to(self, crf: float) -> DcvcUfPictures:
        return self.at(quality_of(crf))


def intra(config: DcvcUfPicturesConfig) -> LearnedIntra:
    """The picture network as a picture codec."""
    kind: type[DcvcUfPictures] = SuitedPictures
    coding = DcvcUfIntraCodecConfig()
    if config.quality >= 0:
        kind, coding = DcvcUfPictures, DcvcUfIntraCodecConfig(quality=config.quality)
    return learned_intra(config.checkpoint, "dcvcuf_intra", DcvcUfIntraConfig, PictureNetwork, kind, coding)
