"""The video networks: frames, or chunks of eight, under a memory of what was coded before (section 3 of the paper)."""

from __future__ import annotations

from collections.abc import Callable

from mindspore import Tensor, nn, ops

from core.codec import QualityBitEstimator
from core.nn import (
    Conv2d,
    LowerBound,
    PixelShuffle,
    crop_like,
    full_precision,
    pixel_unshuffle,
    replicate_to_multiple,
    require_sides,
)

from .blocks import (
    PATCH,
    SOURCE,
    Chain,
    Down,
    Enlarge,
    Named,
    Up,
    block,
    blocks,
    hyper_scales,
    row,
    table,
)
from .config import QUALITIES, DcvcUfConfig, Structure
from .image import MULTIPLE, Costs
from .init import init_video
from .spatial import FourSteps, TwoSteps

MIN_STEP = 0.5
"""The smallest step of quantisation."""
State = tuple[Tensor, Tensor]
"""Memory and features, N,features,H/8,W/8, that the next frame is coded under."""


class Encoder(nn.Cell):
    """Frames and their context to the latent y."""

    def __init__(self, config: DcvcUfConfig) -> None:
        super().__init__()
        features, narrow = config.features, config.structure is not Structure.htl
        inputs = config.chunk * SOURCE + features
        is_ld = config.structure is Structure.ld
        self.conv1 = nn.SequentialCell(blocks(inputs, features, config.encoder - is_ld, narrow))
        self.conv2 = block(features, features, narrow) if is_ld else None
        self.down = Conv2d(features, config.latent, 3, 2)

    def construct(self, frames: Tensor, context: Tensor, factors: Tensor) -> Tensor:
        x = self.conv1(ops.concat((pixel_unshuffle(frames, PATCH), context), 1))
        if self.conv2 is not None:
            x = self.conv2(x)
        return self.down(x * factors)


class Decoder(nn.Cell):
    """A quantised latent and the context to features."""

    def __init__(self, config: DcvcUfConfig) -> None:
        super().__init__()
        features, narrow = config.features, config.structure is not Structure.htl
        self.up = (
            Enlarge(config.latent, features) if narrow else Enlarge(config.latent, features, 3, bias=True)
        )
        self.conv1 = nn.SequentialCell(blocks(2 * features, features, config.decoder, narrow))
        self.conv2 = Conv2d(features, features, 1) if config.structure is Structure.ld else None

    def construct(self, y_hat: Tensor, context: Tensor, factors: Tensor) -> Tensor:
        x = self.conv1(ops.concat((self.up(y_hat), context), 1))
        if self.conv2 is not None:
            x = self.conv2(x)
        return x * factors


class Head(nn.Cell):
    """Features to frames laid out like features, N,chunk*192,h,w: of low delay."""

    def __init__(self, config: DcvcUfConfig) -> None:
        super().__init__()
        features = config.features
        self.conv = nn.SequentialCell(blocks(features, features, config.head, narrow=True))
        self.head = Conv2d(features, SOURCE, 1)

    def construct(self, features: Tensor) -> Tensor:
        return self.head(self.conv(features))


class SharedHeads(nn.Cell):
    """The same of ``hts``: frames are made two by two at first."""

    def __init__(self, config: DcvcUfConfig) -> None:
        super().__init__()
        features = config.features
        self.conv1 = nn.CellList(
            [nn.SequentialCell([block(features, features)]) for _ in range(config.chunk // 2)]
        )
        self.conv2 = nn.CellList([_frame_head(config) for _ in range(config.chunk)])

    def construct(self, features: Tensor) -> Tensor:
        frames: tuple[Tensor, ...] = ()
        for pair, shared in enumerate(self.conv1):
            both = shared(features)
            frames = frames + (self.conv2[2 * pair](both), self.conv2[2 * pair + 1](both))
        return ops.concat(frames, 1)


class Heads(nn.Cell):
    """The same of ``htl``: every frame by itself."""

    def __init__(self, config: DcvcUfConfig) -> None:
        super().__init__()
        self.conv = nn.CellList([_frame_head(config) for _ in range(config.chunk)])

    def construct(self, features: Tensor) -> Tensor:
        frames: tuple[Tensor, ...] = ()
        for head in self.conv:
            frames = frames + (head(features),)
        return ops.concat(frames, 1)


def _frame_head(config: DcvcUfConfig) -> nn.SequentialCell:
    width = config.features // 2
    return nn.SequentialCell([*blocks(config.features, width, config.head), Conv2d(width, SOURCE, 1)])


_HEADS: dict[Structure, Callable[[DcvcUfConfig], nn.Cell]] = {
    Structure.ld: Head,
    Structure.hts: SharedHeads,
    Structure.htl: Heads,
}


class VideoNetwork(nn.Cell):
    """The whole network.

    ``construct(frames, features, memory, quality)``: YCbCr N,3*chunk,H,W in [-0.5,0.5], height and width divisible
    by 16; what `start` makes of a picture and no memory (None), or the state that a frame before it left; N whole
    numbers from 0 to 63. Returns the reconstruction, not clamped, the state (memory, features), and the bits of y
    and of z of each sample. Raises ValueError for other sizes.
    """

    def __init__(self, config: DcvcUfConfig) -> None:
        super().__init__()
        self.config = config
        structure, features, latent, hyper = config.structure, config.features, config.latent, config.hyper
        is_ld, is_htl = structure is Structure.ld, structure is Structure.htl
        self.tells_of_memory = is_ld
        narrow = not is_htl
        self.feature_adaptor_i = Chain(blocks(SOURCE, features, config.first, narrow))
        self.feature_adaptor_m = Chain(blocks(2 * features, features, config.later, narrow))
        self.feature_extractor = Chain(blocks(features, features, config.extractor, narrow))
        self.encoder, self.decoder = Encoder(config), Decoder(config)
        self.recon_head: nn.Cell = _HEADS[structure](config)
        self.shuffle = PixelShuffle(PATCH)
        self.hyper_encoder = Chain(
            [
                block(latent, latent, is_ld),
                Down(latent, latent, is_ld, shortcut=is_htl),
                Down(latent, hyper, is_ld, shortcut=is_htl),
            ]
        )
        with full_precision():
            shape = {"narrow": is_ld, "shortcut": is_htl, "bias": is_htl}
            self.hyper_decoder = Chain(
                [Up(hyper, latent, **shape), Up(latent, latent, **shape), block(latent, latent, is_ld)]
            )
            self.temporal_prior_encoder = Named(Down(features, features, is_ld, shortcut=is_htl))
            told = 2 * latent if config.portable else 3 * latent
            fused = blocks(latent + features, 3 * latent, 3, is_ld)
            self.y_prior_fusion = Chain([*fused, Conv2d(3 * latent, told, 1)])
            scales = hyper_scales(config)
            self.spatial: TwoSteps | FourSteps = (
                TwoSteps(latent, told, scales)
                if is_ld
                else FourSteps(latent, told, scales, is_htl and not config.portable)
            )
            self.latent = scales
        self.bit_estimator_z = QualityBitEstimator(hyper, QUALITIES)
        self.bound_step = LowerBound(MIN_STEP)
        self.q_encoder = table(QUALITIES, features, "q_encoder")
        self.q_decoder = table(QUALITIES, features, "q_decoder")
        self.q_feature = table(QUALITIES, features, "q_feature")
        init_video(self)

    def construct(
        self, frames: Tensor, features: Tensor, memory: Tensor | None, quality: Tensor
    ) -> tuple[Tensor, State, Costs]:
        require_sides(frames.shape[2], frames.shape[3], MULTIPLE)
        memory, context = self.recall(features, memory)
        y, z = self.analyse(frames, context, row(self.q_encoder, quality))
        z_hat, z_bits = self.bit_estimator_z(z, quality)
        known = self.expect(z_hat, self.temporal(memory, row(self.q_feature, quality)))
        expected, step, means = known[0], known[1], known[2]
        scales = known[3] if self.latent is None else crop_like(self.latent(z_hat, quality), y)
        y_hat, y_bits = self.spatial.in_parts(y / step, self.spatial.hint(expected), means, scales)
        features = self.synthesise(y_hat * step, context, row(self.q_decoder, quality))
        return self.show(features), (memory, features), (y_bits, z_bits)

    def start(self, picture: Tensor) -> Tensor:
        """A picture, N,3,H,W, as the features that the first frame is coded under, N,192,H/8,W/8."""
        return pixel_unshuffle(picture, PATCH)

    def recall(self, features: Tensor, memory: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """The new memory, and the context that a frame is coded under, N,features,H/8,W/8 both."""
        if memory is None:
            memory = self.feature_adaptor_i(features)
        else:
            memory = self.feature_adaptor_m(ops.concat((memory, features), 1))
        return memory, self.feature_extractor(memory)

    def temporal(self, memory: Tensor, factors: Tensor) -> Tensor:
        """What the memory tells of y, N,features,H/16,W/16; factors, N,features,1,1, are those of ``q_feature``."""
        if self.tells_of_memory:
            return self.temporal_prior_encoder(memory) * factors
        return self.temporal_prior_encoder(memory * factors)

    def analyse(self, frames: Tensor, context: Tensor, factors: Tensor) -> tuple[Tensor, Tensor]:
        """The latents y, N,latent,H/16,W/16, and z, a quarter of its height and width; factors are those of
        ``q_encoder``."""
        y = self.encoder(frames, context, factors)
        return y, self.hyper_encoder(replicate_to_multiple(y, 4))

    def expect(self, z_hat: Tensor, temporal: Tensor) -> tuple[Tensor, ...]:
        """What is known of y: all that the spatial prior sees, steps of quantisation, the first means, and scales
        unless z alone tells them."""
        hyper = crop_like(self.hyper_decoder(z_hat), temporal)
        expected = self.y_prior_fusion(ops.concat((hyper, temporal), 1))
        if self.latent is not None:
            step, means = ops.chunk(expected, 2, 1)
            return expected, self.bound_step(step), means
        step, scales, means = ops.chunk(expected, 3, 1)
        return expected, self.bound_step(step), means, scales

    def synthesise(self, y_hat: Tensor, context: Tensor, factors: Tensor) -> Tensor:
        """Features of the frames, N,features,H/8,W/8, of the quantised latent; factors are those of ``q_decoder``."""
        return self.decoder(y_hat, context, factors)

    def show(self, features: Tensor) -> Tensor:
        """The frames, N,3*chunk,H,W, not clamped."""
        return self.shuffle(self.recon_head(features))

    def restart(self, features: Tensor) -> Tensor:
        """The last frame as `start` lays a picture out."""
        return self.recon_head(features)[:, -SOURCE:]
