"""The stream container ``.mdv``, versions 1 and 2: a header, checked packets, an end (docs/stream-format.md)."""

from core.stream.extension import limit_presentation
from core.stream.header import StreamHeader
from core.stream.reader import PacketSummary, Section, StreamReader
from core.stream.writer import StreamWriter

__all__ = ["PacketSummary", "Section", "StreamHeader", "StreamReader", "StreamWriter", "limit_presentation"]
