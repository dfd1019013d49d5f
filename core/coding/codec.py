"""A trained codec that is ready to code, with what a stream's header says of it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, cast

from core.hooks import Codec

EXACT = "exact"
"""The arithmetic of codecs whose pictures are the same on every machine."""


@dataclass(frozen=True)
class LoadedCodec:
    """A codec with the weights and tables of one checkpoint, on one device."""

    name: str
    codec: Codec
    fingerprint: bytes
    """16 bytes that tell these options, weights and tables, and those of a learned picture codec, from all others."""
    gop: int
    """Distance of intra frames; 0 has one at the beginning alone."""
    scene_cut: bool
    """Whether each new scene begins with an intra frame as well."""
    arithmetic: str
    """Names how this machine computes: under the same name, decoded pictures are equal to the last bit."""
    intra: str | None = None
    """The picture codec of intra frames, where the network codes none."""
    places_intra: bool = False
    """Whether the codec decides itself where intra frames stand, and wants a video as one group."""
    parts: tuple[str, ...] = ()
    """The options that name what works within it, as ``codec.inner``."""
    identity: Mapping[str, Any] = field(default_factory=dict)
    """`core.facts` of all that decides how it *encodes*, of which the fingerprint tells what decodes."""

    @property
    def without_codec(self) -> LoadedCodec:
        """The same without the codec, for processes that do not code."""
        return replace(self, codec=cast(Codec, None))

    @property
    def group(self) -> int:
        """Frames that an encoder gets before a fresh one takes over; 0 is all."""
        return 0 if self.places_intra else self.gop


def join_fingerprints(model: bytes, intra: bytes) -> bytes:
    """Fingerprint of a model whose intra frames are those of a picture codec: the model's, where that has none."""
    return hashlib.sha256(model + intra).digest()[:16] if intra else model
