"""Cells of networks, with PyTorch's conventions: what networks of plugins are made of.

Plugins import cells from here, and from `core.nn.init` the weights that a training starts from.
"""

from core.kernels.channel_norm import Normalise as Normalise
from core.kernels.motion import DisplaceBlocks as DisplaceBlocks
from core.kernels.motion import SearchBlocks as SearchBlocks
from core.nn import init as init
from core.nn.activation import LEAKY_SLOPE as LEAKY_SLOPE
from core.nn.activation import LeakyReLU as LeakyReLU
from core.nn.blocks import LeakyBlock as LeakyBlock
from core.nn.blocks import PreActivationBlock as PreActivationBlock
from core.nn.blocks import ResidualTrunk as ResidualTrunk
from core.nn.chain import ConvChain as ConvChain
from core.nn.conv import ConcatConv1x1 as ConcatConv1x1
from core.nn.conv import Conv2d as Conv2d
from core.nn.conv import ConvTranspose2d as ConvTranspose2d
from core.nn.conv import LeakyConv2d as LeakyConv2d
from core.nn.conv import Size as Size
from core.nn.deform import DeformableConv2d as DeformableConv2d
from core.nn.gdn import GDN as GDN
from core.nn.gdn import InverseGDN as InverseGDN
from core.nn.lower_bound import LowerBound as LowerBound
from core.nn.middle_motion import MiddleMotion as MiddleMotion
from core.nn.nearest import NearestConv2d as NearestConv2d
from core.nn.pad import crop as crop
from core.nn.pad import crop_like as crop_like
from core.nn.pad import replicate_margin as replicate_margin
from core.nn.pad import replicate_to_multiple as replicate_to_multiple
from core.nn.pad import require_sides as require_sides
from core.nn.precision import full_precision as full_precision
from core.nn.refinement import RefinementNetwork as RefinementNetwork
from core.nn.resize import Downsample as Downsample
from core.nn.resize import Upsample as Upsample
from core.nn.resize import upsample_bicubic as upsample_bicubic
from core.nn.rows import rows_of as rows_of
from core.nn.separable import SeparableBlock as SeparableBlock
from core.nn.separable import WSiLU as WSiLU
from core.nn.separable import WSiLU4 as WSiLU4
from core.nn.spynet import SPYNET_LEVELS as SPYNET_LEVELS
from core.nn.spynet import SPyNet as SPyNet
from core.nn.stage import Stage as Stage
from core.nn.subpixel import PixelShuffle as PixelShuffle
from core.nn.subpixel import PixelUnshuffle as PixelUnshuffle
from core.nn.subpixel import pixel_unshuffle as pixel_unshuffle
from core.nn.warp import Warp as Warp
from core.nn.warp import WarpVolume as WarpVolume
