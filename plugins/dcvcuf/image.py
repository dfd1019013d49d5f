"""The picture network: what codes intra frames."""

from __future__ import annotations

from mindspore import Tensor, nn, ops

from core.codec import QualityBitEstimator
from core.nn import (
    Conv2d,
    PixelShuffle,
    crop_like,
    full_precision,
    pixel_unshuffle,
    replicate_to_multiple,
    require_sides,
)

from .blocks import PATCH, SOURCE, Chain, Down, Up, block, blocks, hyper_scales, row, table
from .config import QUALITIES, DcvcUfIntraConfig
from .init import init_pictures
from .spatial import FourSteps

MULTIPLE = 16
"""A picture's height and width must be divisible by it."""
Costs = tuple[Tensor, Tensor]
"""Bits of y and of z of each picture, (N)."""


class Analysis(nn.Cell):
    """A picture, N,3,H,W, to its latent y, N,latent,H/16,W/16."""

    def __init__(self, config: DcvcUfIntraConfig) -> None:
        super().__init__()
        features = config.features
        self.enc_1 = block(SOURCE, features)
        cells = [*blocks(features, features, config.encoder), Conv2d(features, config.latent, 3, 2)]
        self.enc_2 = nn.SequentialCell(cells)

    def construct(self, picture: Tensor, factors: Tensor) -> Tensor:
        return self.enc_2(self.enc_1(pixel_unshuffle(picture, PATCH)) * factors)


class Synthesis(nn.Cell):
    """A quantised latent to the picture, not clamped."""

    def __init__(self, config: DcvcUfIntraConfig) -> None:
        super().__init__()
        features = config.features
        up = Up(config.latent, features, shortcut=True)
        self.dec_1 = nn.SequentialCell([up, *blocks(features, features, config.decoder)])
        self.dec_2 = block(features, SOURCE)
        self.shuffle = PixelShuffle(PATCH)

    def construct(self, y_hat: Tensor, factors: Tensor) -> Tensor:
        return self.shuffle(self.dec_2(self.dec_1(y_hat) * factors))


class PictureNetwork(nn.Cell):
    """The whole network.

    ``construct(picture, quality)``: YCbCr N,3,H,W in [-0.5,0.5], height and width divisible by 16, and N whole
    numbers from 0 to 63; returns the reconstruction, not clamped, and the bits of y and of z of each picture. Raises
    ValueError for other sizes.
    """

    def __init__(self, config: DcvcUfIntraConfig) -> None:
        super().__init__()
        self.config = config
        features, latent, hyper = config.features, config.latent, config.hyper
        self.enc, self.dec = Analysis(config), Synthesis(config)
        self.hyper_enc = Chain(
            [block(latent, hyper), Down(hyper, hyper, shortcut=True), Down(hyper, hyper, shortcut=True)]
        )
        with full_precision():
            self.hyper_dec = Chain(
                [Up(hyper, hyper, shortcut=True), Up(hyper, hyper, shortcut=True), block(hyper, latent)]
            )
            told = latent if config.portable else 2 * latent
            self.y_prior_fusion = Chain([*blocks(latent, 2 * latent, 3), Conv2d(2 * latent, told, 1)])
            scales = hyper_scales(config)
            self.spatial = FourSteps(latent, told, scales, not config.portable)
            self.latent = scales
        self.bit_estimator_z = QualityBitEstimator(hyper, QUALITIES)
        self.q_scale_enc = table(QUALITIES, features, "q_scale_enc")
        self.q_scale_dec = table(QUALITIES, features, "q_scale_dec")
        self.q_scale_y_enc = table(QUALITIES, latent, "q_scale_y_enc")
        self.q_scale_y_dec = table(QUALITIES, latent, "q_scale_y_dec")
        init_pictures(self)

    def construct(self, picture: Tensor, quality: Tensor) -> tuple[Tensor, Costs]:
        require_sides(picture.shape[2], picture.shape[3], MULTIPLE)
        y, z = self.analyse(picture, row(self.q_scale_enc, quality), row(self.q_scale_y_enc, quality))
        z_hat, z_bits = self.bit_estimator_z(z, quality)
        expected = crop_like(self.expect(z_hat), y)
        if self.latent is None:
            scales, means = ops.chunk(expected, 2, 1)
        else:
            scales, means = crop_like(self.latent(z_hat, quality), y), expected
        y_hat, y_bits = self.spatial.in_parts(y, self.spatial.hint(expected), means, scales)
        factors = row(self.q_scale_y_dec, quality), row(self.q_scale_dec, quality)
        return self.synthesise(y_hat, *factors), (y_bits, z_bits)

    def analyse(self, picture: Tensor, factors: Tensor, of_y: Tensor) -> tuple[Tensor, Tensor]:
        """The latent y as it is quantised, N,latent,H/16,W/16, and z, a quarter of its height and width; factors,
        N,C,1,1, are those of ``q_scale_enc`` and ``q_scale_y_enc``."""
        y = self.enc(picture, factors)
        z = self.hyper_enc(replicate_to_multiple(y, 4))
        return y * of_y, z

    def expect(self, z_hat: Tensor) -> Tensor:
        """What z tells of y, N,latent or 2*latent,4h,4w for z of h x w."""
        return self.y_prior_fusion(self.hyper_dec(z_hat))

    def synthesise(self, y_hat: Tensor, of_y: Tensor, factors: Tensor) -> Tensor:
        """The picture, not clamped, from the quantised latent; factors are those of ``q_scale_y_dec`` and
        ``q_scale_dec``."""
        return self.dec(y_hat * of_y, factors)
