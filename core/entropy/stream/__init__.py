"""The stream container ``.mdv``, versions 1 and 2: a header, checked packets, an end (docs/stream-format.md)."""

from core.entropy.stream.extension import bounded
from core.entropy.stream.header import StreamHeader
from core.entropy.stream.reader import PacketSummary, StreamReader
from core.entropy.stream.writer import StreamWriter

__all__ = ["PacketSummary", "StreamHeader", "StreamReader", "StreamWriter", "bounded"]
