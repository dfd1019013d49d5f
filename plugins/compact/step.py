"""What the compact codec is trained on: clips, each at a rate of its own, none of which outweighs the others."""

from __future__ import annotations

import numpy as np
from mindspore import Tensor, nn, ops

from core.codec import add_noise
from core.errors import ConfigError
from core.training import CodecStep, step_counter

from .cells import Compact, State, lmbda_of, to_yuv
from .config import LEVELS, QUALITIES, CompactStepConfig, Learns, lmbda

_MIDDLE = lmbda((LEVELS - 1) / 2)
_YUV = np.array([6, 1, 1]) / 8
OUTPUTS = ("loss", "mse", "bpp")


class CompactObjective(nn.Cell):
    """``construct(frames)``, N,T,3,H,W, gives loss, squared error of RGB in [0,1] and bits a pixel: means over frames.

    Every clip has a level of its own, drawn evenly; in evaluation they are spread evenly over the batch. The loss of
    a frame is bits a pixel + lambda * 255² * distortion, times lambda^-0.5, so that no rate outweighs the others; the
    distortion is half squared error of RGB, half that of YCbCr with luma six times as heavy. Vectors count for
    nothing."""

    def __init__(self, config: CompactStepConfig, network: Compact) -> None:
        super().__init__(auto_prefix=False)
        self.network = network
        self.intra_learns, self.inter_learns = (
            config.learns is not Learns.inter,
            config.learns is not Learns.intra,
        )
        self.added = [quality * (LEVELS - 1) / (QUALITIES - 1) for quality in config.cascade] or [0.0]

    def construct(self, frames: Tensor) -> tuple[Tensor, ...]:
        count = frames.shape[1] if self.inter_learns else 1
        level = self.levels(frames.shape[0])
        picture, bits, state = self.network.code_intra(frames[:, 0], level)
        totals, counted = self.judge(frames[:, 0], picture, bits, level), 1
        if not self.intra_learns:
            state = ops.stop_gradient(state[0]), ops.stop_gradient(state[1])
            totals, counted = 0.0 * ops.stop_gradient(totals), 0
        for place in range(1, count):
            values, state = self.inter(frames[:, place], state, level, place)
            totals, counted = totals + values, counted + 1
        return ops.unstack(totals / counted)

    def inter(self, frame: Tensor, state: State, level: Tensor, place: int) -> tuple[Tensor, State]:
        """A frame at its place in the group: what it adds to the totals, and the state after it."""
        own = ops.clamp(level + self.added[place % len(self.added)], 0.0, float(LEVELS - 1))
        picture, bits, state = self.network.code_inter(frame, state, own)
        return self.judge(frame, picture, bits, own), state

    def levels(self, count: int) -> Tensor:
        """N,1"""
        if not self.training:
            return (LEVELS - 1) * (_numbers(count) + 0.5) / count
        return (LEVELS - 1) * (add_noise(ops.zeros_like(_numbers(count))) + 0.5)

    def judge(self, frame: Tensor, picture: Tensor, bits: Tensor, level: Tensor) -> Tensor:
        """The outputs for a frame, (3)."""
        error = picture - frame
        rgb = ops.square(error).mean((1, 2, 3))
        yuv = ops.matmul(ops.square(to_yuv(error + 0.5)).mean((2, 3)), Tensor(_YUV.astype(np.float32)))
        weight = lmbda_of(level).reshape(-1)
        bpp = bits / (frame.shape[2] * frame.shape[3])
        loss = bpp + weight * 255**2 * 0.5 * (rgb + yuv)
        loss = loss * ops.sqrt(_MIDDLE / weight)
        return ops.stack((loss.mean(), rgb.mean(), bpp.mean()))


@ops.constexpr
def _numbers(count: int) -> Tensor:
    return Tensor(np.arange(count, dtype=np.float32)[:, None])


class CompactStep(CodecStep):
    """One step; its noise, which draws the levels too, depends on seed and step alone."""

    def __init__(self, config: CompactStepConfig, network: Compact, optimizer: nn.Optimizer) -> None:
        super().__init__(
            CompactObjective(config, network), optimizer, OUTPUTS, step_counter(), config.clip_norm
        )


def build(
    config: CompactStepConfig, network: nn.Cell, loss: nn.Cell | None, optimizer: nn.Optimizer
) -> CompactStep:
    """The step; raises `ConfigError` for another network, or with a loss."""
    if not isinstance(network, Compact) or loss is not None:
        raise ConfigError(
            "step=compact trains model=compact and brings its own loss: give these, or another step."
        )
    return CompactStep(config, network, optimizer)
