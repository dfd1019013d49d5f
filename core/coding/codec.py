"""A trained codec that is ready to code, with what a stream's header says of it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from core.hooks import Codec


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
    """How this machine computes: under the same words, decoded pictures are equal to the last bit."""
    intra: str | None = None
    """The picture codec of intra frames, where the network codes none."""


def joined(model: bytes, intra: bytes) -> bytes:
    """Fingerprint of a model whose intra frames are those of a picture codec: the model's, where that has none."""
    return hashlib.sha256(model + intra).digest()[:16] if intra else model
