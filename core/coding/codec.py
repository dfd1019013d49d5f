"""A trained codec that is ready to code, with what a stream's header says of it."""

from __future__ import annotations

from dataclasses import dataclass

from core.hooks import Codec


@dataclass(frozen=True)
class LoadedCodec:
    """A codec with the weights and tables of one checkpoint, on one device."""

    name: str
    codec: Codec
    fingerprint: bytes
    """16 bytes that tell these options, weights and tables from all others."""
    gop: int
    """Distance of intra frames; 0 has one at the beginning alone."""
    scene_cut: bool
    """Whether each new scene begins with an intra frame as well."""
    arithmetic: str
    """How this machine computes: under the same words, decoded pictures are equal to the last bit."""
