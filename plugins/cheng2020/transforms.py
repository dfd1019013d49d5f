"""The transforms of cheng2020-anchor: residual blocks of 3x3 convolutions (Cheng et al., CVPR 2020, figure 4)."""

from __future__ import annotations

from mindspore import Tensor, nn

from core.nn import GDN, Conv2d, ConvChain, InverseGDN, LeakyBlock, LeakyReLU, PixelShuffle

SLOPE = 0.01
"""Slope of LeakyReLU everywhere."""
_HALVINGS = 4
"""Latents are a sixteenth of the picture's height and width."""


class ReducingBlock(nn.Cell):
    """GDN(conv(LeakyReLU(conv(x)))) + conv1x1(x), both branches of stride 2: N,in,H,W, or N,H,W,in after `fuse`."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv1 = Conv2d(inputs, outputs, 3, 2)
        self.leaky = LeakyReLU(SLOPE)
        self.conv2 = Conv2d(outputs, outputs)
        self.norm = GDN(outputs)
        self.skip = Conv2d(inputs, outputs, 1, 2)
        self.is_fused = False

    def fuse(self) -> None:
        """Take and give N,H,W,C from now on; needs our kernels."""
        self.is_fused = True
        self.conv1.fuse(SLOPE, channels_last=True)
        self.conv2.fuse(None, channels_last=True)
        self.norm.fuse()
        self.skip.fuse(None, channels_last=True)

    def construct(self, x: Tensor) -> Tensor:
        inner = self.conv1(x) if self.is_fused else self.leaky(self.conv1(x))
        return self.norm(self.conv2(inner)) + self.skip(x)


class EnlargingBlock(nn.Cell):
    """IGDN(conv(LeakyReLU(enlarge(x)))) + enlarge(x), to twice the height and width; formats as in `ReducingBlock`.

    An ``enlarge`` is a convolution whose results are laid side by side.
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.enlarge = Conv2d(inputs, 4 * outputs)
        self.leaky = LeakyReLU(SLOPE)
        self.conv = Conv2d(outputs, outputs)
        self.norm = InverseGDN(outputs)
        self.skip = Conv2d(inputs, 4 * outputs)
        self.shuffle = PixelShuffle(2)
        self.is_fused = False

    def fuse(self) -> None:
        """Take and give N,H,W,C from now on; needs our kernels."""
        self.is_fused = True
        self.enlarge.fuse(SLOPE, channels_last=True)
        self.conv.fuse(None, channels_last=True)
        self.norm.fuse()
        self.skip.fuse(None, channels_last=True)
        self.shuffle.fuse()

    def construct(self, x: Tensor) -> Tensor:
        enlarged = self.enlarge(x) if self.is_fused else self.leaky(self.enlarge(x))
        return self.norm(self.conv(self.shuffle(enlarged))) + self.shuffle(self.skip(x))


def analysis(channels: int) -> ConvChain:
    """Picture N,3,H,W -> N,C,H/16,W/16."""
    cells: list[nn.Cell] = []
    for inputs in (3, *[channels] * (_HALVINGS - 2)):
        cells += [ReducingBlock(inputs, channels), LeakyBlock(channels, SLOPE)]
    return ConvChain([*cells, Conv2d(channels, channels, 3, 2)])


def synthesis(channels: int) -> ConvChain:
    """N,C,h,w -> picture N,3,16h,16w."""
    cells: list[nn.Cell] = []
    for _ in range(_HALVINGS - 1):
        cells += [LeakyBlock(channels, SLOPE), EnlargingBlock(channels, channels)]
    return ConvChain([*cells, LeakyBlock(channels, SLOPE), Conv2d(channels, 12), PixelShuffle(2)])


def hyper_analysis(channels: int) -> ConvChain:
    """N,C,h,w -> N,C,h/4,w/4."""
    cells: list[nn.Cell] = []
    for stride in (1, 1, 2, 1):
        cells += [Conv2d(channels, channels, 3, stride), LeakyReLU(SLOPE)]
    return ConvChain([*cells, Conv2d(channels, channels, 3, 2)])


def hyper_synthesis(channels: int) -> ConvChain:
    """N,C,h,w -> N,2C,4h,4w."""
    wide = channels * 3 // 2
    return ConvChain(
        [
            Conv2d(channels, channels),
            LeakyReLU(SLOPE),
            Conv2d(channels, 4 * channels),
            LeakyReLU(SLOPE),
            PixelShuffle(2),
            Conv2d(channels, wide),
            LeakyReLU(SLOPE),
            Conv2d(wide, 4 * wide),
            LeakyReLU(SLOPE),
            PixelShuffle(2),
            Conv2d(wide, 2 * channels),
        ]
    )


def parameter_network(channels: int) -> ConvChain:
    """Side information and context, N,4C,h,w -> means, then scales, N,2C,h,w."""
    first, second = channels * 10 // 3, channels * 8 // 3
    return ConvChain(
        [
            Conv2d(4 * channels, first, 1),
            LeakyReLU(SLOPE),
            Conv2d(first, second, 1),
            LeakyReLU(SLOPE),
            Conv2d(second, 2 * channels, 1),
        ]
    )
