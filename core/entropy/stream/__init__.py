"""The stream container ``.mdv``, version 1: a header, checked packets, an end (docs/stream-format.md)."""

from core.entropy.stream.header import StreamHeader
from core.entropy.stream.reader import PacketSummary, StreamReader
from core.entropy.stream.writer import StreamWriter

__all__ = ["PacketSummary", "StreamHeader", "StreamReader", "StreamWriter"]
