"""Options of DCVC-UF."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from core.hooks import Options, option

QUALITIES = 64
"""Settings of one network, from 0, the coarsest."""
CHUNK = 8
"""Frames that the networks ``hts`` and ``htl`` code together."""


class Structure(Enum):
    """Which of the published video networks."""

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
    """Channels of the features at an eighth of the picture's sides."""
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


@dataclass
class DcvcUfConfig(Options):
    """The video network; the defaults are those of the published one of low delay (9,650,176 parameters)."""

    structure: Structure = Structure.ld
    """Which of the published networks it is built like."""
    features: int = option(256, at_least=2, multiple_of=2)
    """Channels of features, memory and context, at an eighth of the picture's sides."""
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

    @property
    def chunk(self) -> int:
        """Frames that are coded together."""
        return 1 if self.structure is Structure.ld else CHUNK
