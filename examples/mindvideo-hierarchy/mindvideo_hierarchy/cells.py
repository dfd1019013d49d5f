"""The network: a frame is predicted from two decoded neighbours by coded motion, and what is missing is coded.

A frame that is to be predicted from the past alone has the same neighbour on both sides, so one network codes both.
"""

from __future__ import annotations

from mindspore import Tensor, nn, ops
from mindspore.ops import constexpr

from core.codec import FactorizedPrior, bits
from core.nn import GDN, Conv2d, ConvChain, ConvTranspose2d, InverseGDN, SPyNet, Warp

from .config import HierarchyConfig

MULTIPLE = 16
"""A picture's height and width must be divisible by it, for the flow's pyramid."""
LATENT = 8
"""How many times smaller the latents are: each of three layers halves height and width."""
STEPS = 8.0
"""Rounding steps in a latent of 1."""


class Autoencoder(nn.Cell):
    """The transforms around one latent, N,inputs,H,W to N,latent,H/8,W/8 to N,outputs,H,W, and its prior."""

    def __init__(self, inputs: int, hidden: int, latent: int, outputs: int) -> None:
        super().__init__()
        down = [Conv2d(inputs, hidden, 5, 2), GDN(hidden), Conv2d(hidden, hidden, 5, 2), GDN(hidden)]
        up = [ConvTranspose2d(latent, hidden, 5), InverseGDN(hidden), ConvTranspose2d(hidden, hidden, 5)]
        self.analysis = ConvChain([*down, Conv2d(hidden, latent, 5, 2)])
        self.synthesis = ConvChain([*up, InverseGDN(hidden), ConvTranspose2d(hidden, outputs, 5)])
        self.prior = FactorizedPrior(latent)

    def analyse(self, x: Tensor) -> Tensor:
        """The latent, not quantised."""
        return self.analysis(x) * STEPS

    def synthesise(self, latent: Tensor) -> Tensor:
        """What is made of a quantised latent."""
        return self.synthesis(latent / STEPS)

    def symbols(self, x: Tensor) -> Tensor:
        """Whole numbers that stand for the latent."""
        return self.prior.symbols(self.analyse(x))

    def restore(self, symbols: Tensor) -> Tensor:
        """What is made of symbols."""
        return self.synthesise(self.prior.restore(symbols))


class Hierarchy(nn.Cell):
    """The whole network.

    ``construct(frames)``: N,3,3,H,W in [0,1], axis 1 is time, height and width divisible by 16. The first frame is
    taken as it is; the last is coded under it alone; the one between under both, as they were decoded. Returns the
    three, likewise, not clamped, and the bits of all latents (scalar). In training, noise stands in for rounding.
    Raises ValueError for other sizes.
    """

    def __init__(self, config: HierarchyConfig) -> None:
        super().__init__()
        self.config = config
        self.spynet = SPyNet(config.flow)
        self.motion = Autoencoder(4, config.hidden, config.latent, 5)
        self.residual = Autoencoder(3, config.hidden, config.latent, 3)
        self.warp = Warp()

    def construct(self, frames: Tensor) -> tuple[Tensor, Tensor]:
        _check_shape(frames.shape)
        first, middle, last = ops.unstack(frames, 1)
        key, key_bits = self.code(last, first, first)
        after = ops.stop_gradient(ops.clamp(key, 0.0, 1.0))
        between, between_bits = self.code(middle, first, after)
        return ops.stack((first, between, key), 1), key_bits + between_bits

    def code(self, frame: Tensor, before: Tensor, after: Tensor) -> tuple[Tensor, Tensor]:
        """A frame under two neighbours, all N,3,H,W: its reconstruction and bits."""
        motion, motion_likelihood = self.motion.prior(self.motion.analyse(self.flows(frame, before, after)))
        prediction = self.blend(self.motion.synthesise(motion), before, after)
        residual, residual_likelihood = self.residual.prior(self.residual.analyse(frame - prediction))
        reconstruction = prediction + self.residual.synthesise(residual)
        return reconstruction, bits(motion_likelihood) + bits(residual_likelihood)

    def flows(self, frame: Tensor, before: Tensor, after: Tensor) -> Tensor:
        """Where the frame's pixels come from in both neighbours, N,4,H,W."""
        return ops.concat((self.spynet(frame, before), self.spynet(frame, after)), 1)

    def blend(self, motion: Tensor, before: Tensor, after: Tensor) -> Tensor:
        """The prediction, N,3,H,W: both neighbours warped, in shares that the motion, N,5,H,W, tells as well."""
        to_before, to_after, share = ops.split(motion, (2, 2, 1), 1)
        share = ops.sigmoid(share)
        return share * self.warp(before, to_before) + (1.0 - share) * self.warp(after, to_after)


@constexpr
def _check_shape(shape: tuple[int, ...]) -> None:
    if shape[1] != 3:
        raise ValueError(f"A clip of {shape[1]} frames does not fit: give dataset.frames=3.")
    if shape[3] % MULTIPLE or shape[4] % MULTIPLE:
        raise ValueError(
            f"Frames of {shape[4]}x{shape[3]} do not fit: both sides must be multiples of {MULTIPLE}."
        )
