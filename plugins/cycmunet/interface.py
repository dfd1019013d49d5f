"""CycMuNet+ for RGB video: colour, borders and the optional floor around the network of planes."""

from __future__ import annotations

from mindspore import Tensor, nn, ops

from core.nn import MiddleMotion, crop, crop_like, replicate_to_multiple, upsample_bicubic

from .cells import CycMuNet
from .colour import ToPlanes, ToRgb
from .config import CycMuNetConfig, Format
from .motion import MiddleGuess, Motion
from .projection import pick


class VideoCycMuNet(nn.Cell):
    """Two neighbouring RGB frames, N,3,H,W in [0,1], of any size, to larger ones and the one between.

    ``construct(first, last)`` returns the high-resolution first, middle and last frame (N,3,scale*H,scale*W)
    and the low-resolution middle one (N,3,H,W), or the first two of these where the configuration says so.
    Nothing is clamped. With ``floor`` the network's output is a change of the bicubically enlarged inputs, of
    their mean for the middle; with ``motion``, of a guess that moves them (`plugins.cycmunet.motion`). ``encode``,
    ``reconstruct_high`` and ``reconstruct_low`` are its parts, for inference that makes one output after another.
    """

    def __init__(self, config: CycMuNetConfig) -> None:
        super().__init__()
        self.config = config
        self.scale = config.scale
        self.all_frames = config.all_frames
        self.has_floor = config.floor
        self.network = CycMuNet(config)
        self.to_planes = ToPlanes(config.format)
        self.to_rgb = ToRgb(config.format, residual=config.floor)
        self.has_motion = config.motion
        self.feature_multiple = _chroma(config.format)
        if config.motion:
            self.motion = Motion()
            self.middle = MiddleGuess()

    def construct(self, first: Tensor, last: Tensor) -> tuple[Tensor, ...]:
        if not self.all_frames:
            low, high, _, middle = self.encode(first, last, (0, 1), False)
            pair = ops.concat((first, middle), 0)
            return tuple(ops.chunk(self.reconstruct_high(high, pick(low, (0, 1)), pair), 2, 0))
        low, high, low_middle, middle = self.encode(first, last, (0, 1, 2), True)
        triple = ops.concat((first, middle, last), 0)
        frames = ops.chunk(self.reconstruct_high(high, low, triple), 3, 0)
        return frames[0], frames[1], frames[2], self.reconstruct_low(low_middle, middle)

    def encode(
        self, first: Tensor, last: Tensor, high_frames: tuple[int, ...], wants_low: bool
    ) -> tuple[Tensor, Tensor | None, Tensor | None, Tensor]:
        """Features before the trunk, see `CycMuNet.encode`; and a guess of the middle frame at low resolution."""
        flow, middle = None, (first + last) / 2
        if self.has_motion:
            flow = self.motion(first, last)
            middle = self.middle(first, last, flow)
            flow = replicate_to_multiple(flow, self.feature_multiple)
        planes = self.to_planes(first), self.to_planes(last)
        low, high, low_middle = self.network.encode(*planes, flow, high_frames, wants_low)
        return low, high, low_middle, middle

    def reconstruct_high(self, high: Tensor, low: Tensor, source: Tensor) -> Tensor:
        """High-resolution RGB from features; ``source`` is the same frame at low resolution (or a guess of it)."""
        rgb = self.to_rgb(self.network.reconstruct_high(high, low))
        rgb = crop(rgb, source.shape[2] * self.scale, source.shape[3] * self.scale)
        return rgb + upsample_bicubic(source, self.scale) if self.has_floor else rgb

    def reconstruct_low(self, features: Tensor, source: Tensor) -> Tensor:
        """Low-resolution RGB of the middle frame from its features; ``source`` is a guess of it."""
        rgb = self.to_rgb(self.network.reconstruct_low(features))
        rgb = crop_like(rgb, source)
        return rgb + source if self.has_floor else rgb


def alignment(config: CycMuNetConfig) -> int:
    """Tiles of a picture begin at multiples of it, so that pyramids and chroma fall on the same pixels."""
    search = 2 ** (MiddleMotion.LEVELS - 1) if config.motion else 1
    return max(2 ** (config.levels - 1), search, _chroma(config.format))


def _chroma(format: Format) -> int:
    """Height and width of the network's planes are padded to a multiple of it."""
    return 2 if format in (Format.yuv420, Format.yuv422) else 1
