"""Decodes a stream without writing anything, and says what is wrong with it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from core.coding.codec import LoadedCodec
from core.coding.decode import Shared
from core.coding.frames import StreamDecoder, StreamFault
from core.media.limits import STANDARD, Limits
from core.progress import Meter


@dataclass(frozen=True)
class Verified:
    """Result of a verification."""

    frames: int
    """Frames that decoded as they should."""
    fault: StreamFault | None
    """The first thing that is wrong."""
    drift: str
    """A sentence on frames that differ from the encoder's by its arithmetic, which is no fault; else empty."""

    @property
    def description(self) -> str:
        """One line for the user."""
        if self.fault is None:
            return f"{self.frames} frames decode as they were coded. {self.drift}".rstrip()
        told = f"{self.fault.kind.value}: {self.fault} {self.frames} frames before it decode. {self.drift}"
        return told.rstrip()


def verify(
    source: Path,
    loaded: LoadedCodec,
    seen: Meter | None = None,
    limits: Limits = STANDARD,
    shared: Shared | None = None,
) -> Verified:
    """Decode a whole stream and compare every checksum; with ``shared``, by other processes.

    Raises `StreamError` only where the file is no stream.
    """
    count, drift = 0, ""
    try:
        with StreamDecoder(source, loaded, limits) as stream:
            for _ in shared(stream, 0, None) if shared else stream.frames():
                count, drift = count + 1, stream.drift
                if seen and not shared:
                    seen.advance()
    except StreamFault as fault:
        return Verified(count, fault, drift)
    return Verified(count, None, drift)
