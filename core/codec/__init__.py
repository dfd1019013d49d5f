"""The parts of a video codec: from frames to packets and back, latents included.

Plugins import all of it from here.
"""

from typing import TYPE_CHECKING

from core.codec.options import InterCodecConfig as InterCodecConfig
from core.facade import lazily
from core.symbols.context import ContextOrder as ContextOrder
from core.symbols.context import visible as visible

if TYPE_CHECKING:
    from core.codec.conventional import ConventionalDecoder as ConventionalDecoder
    from core.codec.conventional import ConventionalEncoder as ConventionalEncoder
    from core.codec.conventional import Encoder as Encoder
    from core.codec.decoded_pictures import DecodedPictures as DecodedPictures
    from core.codec.decoded_pictures import checksum as checksum
    from core.codec.frame_code import FrameCode as FrameCode
    from core.codec.frame_code import IntraPictures as IntraPictures
    from core.codec.frame_code import Made as Made
    from core.codec.learned import LearnedIntra as LearnedIntra
    from core.codec.network import Latents as Latents
    from core.codec.network import NetworkCodec as NetworkCodec
    from core.codec.network import stage as stage
    from core.codec.packets import PacketReader as PacketReader
    from core.codec.packets import PacketWriter as PacketWriter
    from core.codec.predictive import PictureCodec as PictureCodec
    from core.codec.predictive import PredictiveCodec as PredictiveCodec
    from core.entropy.conditional import FineGaussianConditional as FineGaussianConditional
    from core.entropy.conditional import GaussianConditional as GaussianConditional
    from core.entropy.conditional import LaplaceConditional as LaplaceConditional
    from core.entropy.conditional import bits as bits
    from core.entropy.factorized import BitEstimator as BitEstimator
    from core.entropy.factorized import FactorizedPrior as FactorizedPrior
    from core.entropy.factorized import QualityBitEstimator as QualityBitEstimator
    from core.entropy.latents import ContextLatent as ContextLatent
    from core.entropy.latents import MeanScaleHyperprior as MeanScaleHyperprior
    from core.entropy.latents import ScaleHyperprior as ScaleHyperprior
    from core.entropy.levels import LevelLatent as LevelLatent
    from core.entropy.levels import LevelTable as LevelTable
    from core.entropy.masked import MaskedConv2d as MaskedConv2d
    from core.entropy.parted import HALVES as HALVES
    from core.entropy.parted import Order as Order
    from core.entropy.parted import PartedLatent as PartedLatent
    from core.entropy.parted import Places as Places
    from core.entropy.quantize import add_noise as add_noise
    from core.entropy.quantize import round_straight_through as round_straight_through
    from core.entropy.vectors import BlockVectors as BlockVectors

# Loaded on first use: they import MindSpore, which options must not.
__getattr__ = lazily(
    __name__,
    {
        "core.codec.frame_code": ["FrameCode", "IntraPictures", "Made"],
        "core.codec.conventional": ["ConventionalDecoder", "ConventionalEncoder", "Encoder"],
        "core.codec.decoded_pictures": ["DecodedPictures", "checksum"],
        "core.codec.learned": ["LearnedIntra"],
        "core.codec.network": ["Latents", "NetworkCodec", "stage"],
        "core.codec.packets": ["PacketReader", "PacketWriter"],
        "core.codec.predictive": ["PictureCodec", "PredictiveCodec"],
        "core.entropy.conditional": [
            "FineGaussianConditional",
            "GaussianConditional",
            "LaplaceConditional",
            "bits",
        ],
        "core.entropy.factorized": ["BitEstimator", "FactorizedPrior", "QualityBitEstimator"],
        "core.entropy.latents": ["ContextLatent", "MeanScaleHyperprior", "ScaleHyperprior"],
        "core.entropy.levels": ["LevelLatent", "LevelTable"],
        "core.entropy.masked": ["MaskedConv2d"],
        "core.entropy.parted": ["HALVES", "Order", "PartedLatent", "Places"],
        "core.entropy.quantize": ["add_noise", "round_straight_through"],
        "core.entropy.vectors": ["BlockVectors"],
    },
)
