"""Options of DCVC-UF."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from omegaconf import MISSING

from core.hooks import CodecConfig, FilePath, GopConfig, Options, option

QUALITIES = 64
"""Settings of one network, from 0, the coarsest."""
CHUNK = 8
"""Frames that the networks ``hts`` and ``htl`` code together."""


class Structure(Enum):
    """Names of the published video networks."""

    ld = "ld"
    """Low delay: frame by frame."""
    hts = "hts"
    """Chunks of eight frames, the smaller network."""
    htl = "htl"
    """Chunks of eight frames, the larger network."""


@dataclass
class DcvcUfIntraConfig(Options):
    """The picture network; the defaults are those of the published checkpoint (42,179,328 parameters)."""

    features: int = option(384, at_least=1)
    """Channels of the features at an eighth of the picture's height and width."""
    latent: int = option(256, at_least=4, multiple_of=4)
    """Channels of the latent y, at a sixteenth."""
    hyper: int = option(128, at_least=1)
    """Channels of the hyper-latent z, at a sixty-fourth."""
    encoder: int = option(6, at_least=1)
    """Blocks of the encoder, after its first."""
    decoder: int = option(12, at_least=1)
    """Blocks of the decoder, before its last."""
    portable: bool = True
    """Expect scales from z alone, in integers, so that streams decode on every machine; published: false."""
    quality_scales: bool = False
    """Multiply scales that z alone tells by a factor of each quality and channel, which is learned."""


@dataclass
class DcvcUfConfig(Options):
    """The video network; the defaults are those of the published one of low delay (9,650,176 parameters)."""

    structure: Structure = Structure.ld
    """The published network that it is built like."""
    features: int = option(256, at_least=2, multiple_of=2)
    """Channels of features, memory and context, at an eighth of the picture's height and width."""
    latent: int = option(128, at_least=4, multiple_of=4)
    """Channels of the latent y, at a sixteenth."""
    hyper: int = option(128, at_least=1)
    """Channels of the hyper-latent z, at a sixty-fourth."""
    first: int = option(4, at_least=1)
    """Blocks that make the memory of an intra picture."""
    later: int = option(4, at_least=1)
    """Blocks that make it of the memory before and the last features."""
    extractor: int = option(5, at_least=1)
    """Blocks from memory to context."""
    encoder: int = option(3, at_least=2)
    """Blocks of the encoder."""
    decoder: int = option(3, at_least=1)
    """Blocks of the decoder."""
    head: int = option(3, at_least=1)
    """Blocks from features to a picture."""
    portable: bool = True
    """Expect scales from z alone, in integers, so that streams decode on every machine; published: false."""
    quality_scales: bool = False
    """Multiply scales that z alone tells by a factor of each quality and channel, which is learned."""

    @property
    def chunk(self) -> int:
        """Frames that are coded together."""
        return 1 if self.structure is Structure.ld else CHUNK


_FINEST_CRF, _CRF_RANGE = 19.5, 28.75
"""HEVC's constant rate factor that suits quality 63, and how much further that of quality 0 is: three for each halving
of the weight of the distortion, as of all codecs here, of the published weights from 768 down to 1."""
_BEST = QUALITIES - 1
MAX_SKIP = 1.0
"""Scales above are always coded."""


def crf_of(quality: int) -> float:
    """The constant rate factor of intra frames of other codecs that suits a quality."""
    return _FINEST_CRF + _CRF_RANGE * (1 - quality / _BEST)


def quality_of(crf: float) -> int:
    """The quality of intra frames that suits a constant rate factor."""
    return round(_BEST * min(max(1 - (crf - _FINEST_CRF) / _CRF_RANGE, 0.0), 1.0))


@dataclass
class DcvcUfCodecConfig(CodecConfig):
    """Coding with a trained network. Intra frames are coded by a picture codec (``intra=``)."""

    gop: int = option(33, at_least=0)
    """Distance of intra frames; 0 has one at the beginning alone. Chunks fit best one after a multiple of eight."""
    quality: int = option(42, at_least=0, at_most=_BEST)
    """Quality from 0, the coarsest, to 63; the rates that are published are those of 0, 21, 42 and 63."""
    reset: int = option(32, at_least=0)
    """Frames after which the memory begins anew from the last picture; 0: never."""
    skip: float = option(0.15, at_least=0, at_most=MAX_SKIP)
    """Elements whose expected scale is at most this are not coded; in hundredths."""

    @property
    def crf(self) -> float:
        """Constant rate factor of intra frames by other picture codecs."""
        return crf_of(self.quality)


@dataclass
class DcvcUfIntraCodecConfig(GopConfig):
    """Coding with a trained picture network: every frame by itself."""

    gop: int = 1
    """Every frame is an intra frame."""
    quality: int = option(42, at_least=0, at_most=_BEST)
    """Quality from 0, the coarsest, to 63."""
    skip: float = option(0.15, at_least=0, at_most=MAX_SKIP)
    """Elements whose expected scale is at most this are not coded; in hundredths."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.gop != 1:
            raise ValueError(
                f"codec.gop is {self.gop}; codec=dcvcuf_intra codes intra frames alone: leave it at 1."
            )


@dataclass
class DcvcUfPicturesConfig(Options):
    """The picture network as the picture codec of others."""

    checkpoint: FilePath = MISSING
    """The network, a checkpoint with tables; its options are those that it was trained with."""
    quality: int = option(-1, at_least=-1, at_most=_BEST)
    """Quality from 0, the coarsest, to 63; -1: what suits the video codec's own."""


@dataclass
class DcvcUfLossConfig(Options):
    """lambda * distortion + bits per pixel, where lambda grows from quality to quality in equal ratios."""

    coarsest: float = option(1.0, above=0)
    """Weight of the distortion at quality 0."""
    finest: float = option(768.0, above=0)
    """The same at quality 63."""
    balance: float = option(0.0, at_least=0, at_most=1)
    """A sample's loss is divided by this power of its lambda, lest fine qualities outweigh others; published: 0."""


@dataclass
class DcvcUfIntraLossConfig(Options):
    """The same of pictures."""

    coarsest: float = option(10.0, above=0)
    """Weight of the distortion at quality 0."""
    finest: float = option(2048.0, above=0)
    """The same at quality 63."""
    balance: float = option(0.0, at_least=0, at_most=1)
    """A sample's loss is divided by this power of its lambda, lest fine qualities outweigh others; published: 0."""


@dataclass
class DcvcUfStepConfig(Options):
    """One training step of a video network on clips of 1 + n frames, or 1 + 8n of chunks."""

    cascaded: bool = False
    """Move the network once for each clip, by gradients through all its frames; else once for each frame or chunk."""
    pictures: FilePath | None = None
    """A checkpoint of model=dcvcuf_intra, whose reconstruction the first frame stands for; null: it is itself."""
    clip_norm: float = option(0.2, at_least=0)
    """Bound on the gradients' global norm; 0 leaves them as they are."""
    quality: int = option(-1, at_least=-1, at_most=_BEST)
    """Train this quality alone; -1: each clip draws one."""


@dataclass
class DcvcUfIntraStepConfig(Options):
    """One training step of the picture network, on all frames of a batch."""

    clip_norm: float = option(0.1, at_least=0)
    """Bound on the gradients' global norm; 0 leaves them as they are."""
