"""``task=info``: says what a file is, be it a stream, a checkpoint or a video."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core import weights
from core.console import Fact, print_facts
from core.errors import CheckpointError, PluginError, StreamError
from core.hooks import TaskEntry
from core.tasks.source import SourceConfig
from core.words import values

if TYPE_CHECKING:
    from core.registry import Registry
    from core.run import Run
    from core.stream import PacketSummary, StreamHeader


@dataclass
class InfoConfig(SourceConfig):
    """Say what a file is: a stream and the weights that it needs, a checkpoint, or a video."""


def _info(config: InfoConfig, run: Run) -> None:
    from core.training.checkpoint import is_ours

    path = config.path
    if _is_stream(path):
        _print_stream(path, run.registry)
    elif path.is_file() and path.suffix == ".safetensors" and is_ours(path):
        print_facts(f"Checkpoint {path}", _checkpoint(path, run.registry))
    else:
        with config.open(run.limits) as reader:
            info = reader.info
        facts: list[Fact] = [
            *_pictures(info.width, info.height, info.depth, info.frame_rate, info.frame_count),
            ("codec", f"{info.codec}, {info.pixel_format}"),
            ("colour", f"{info.matrix.name}, {info.range.value} range"),
            ("sound", "yes" if info.has_audio else "no"),
            *_size(path, float(info.duration) if info.duration else None),
        ]
        print_facts(f"Video {path}", facts)


def _is_stream(path: Path) -> bool:
    from core.stream.header import MAGIC

    if not path.is_file():
        return path.suffix == ".mdv"
    with path.open("rb") as file:
        return path.suffix == ".mdv" or file.read(len(MAGIC)) == MAGIC


def _print_stream(path: Path, registry: Registry) -> None:
    """Print what a stream says, as far as it can be read; raises `StreamError` at the end where it is damaged."""
    from core.stream import StreamReader

    fault: StreamError | None = None
    packets: list[PacketSummary] = []
    with StreamReader(path) as reader:
        header = reader.header
        try:
            packets.extend(reader.scan())
        except StreamError as error:
            fault = error
    packets = [packet for packet in packets if packet.position + packet.size <= path.stat().st_size]
    print_facts(f"Stream {path}", _stream(path, header, packets, registry))
    if fault:
        raise fault


def _stream(path: Path, header: StreamHeader, packets: list[PacketSummary], registry: Registry) -> list[Fact]:
    count = len(packets)
    kinds = Counter(packet.type.name.lower() for packet in packets)
    seconds = float(count / header.frame_rate)
    pixels = header.width * header.height * count
    told: list[Fact] = [
        *_pictures(header.width, header.height, header.depth, header.frame_rate, count),
        ("codec", header.codec),
        ("source's samples", f"{header.pixel_format}, {header.matrix.name}, {header.range.value} range"),
        ("packets", ", ".join(f"{number} {kind}" for kind, number in kinds.items()) or "none"),
        ("intra frames", f"{header.gop} apart" if header.gop else "the first alone"),
        *_size(path, seconds),
    ]
    if pixels:
        told.append(("rate", f"{path.stat().st_size * 8 / pixels:.4f} bits per pixel"))
    return [
        *told,
        ("computed by", header.arithmetic),
        ("fingerprint", header.fingerprint.hex()),
        ("weights", _needed(path, header, registry)),
    ]


def _needed(path: Path, header: StreamHeader, registry: Registry) -> str:
    """Whether what decodes a stream is here."""
    try:
        words = weights.deciding(path, header.codec, header.fingerprint, registry)
    except (CheckpointError, PluginError) as error:
        return f"NOT HERE: {error}"
    files = [f"{value}" for word in words if "checkpoint=" in word for value in values(word)]
    entry = weights.name_of(header.fingerprint, registry)
    return f"here: {', '.join([*([entry.name] if entry else []), *files])}" if files else "none are needed"


def _checkpoint(path: Path, registry: Registry) -> list[Fact]:
    from core.training.checkpoint import TABLES, Checkpoint

    checkpoint = Checkpoint.open(path)
    entry = weights.name_of(checkpoint.fingerprint, registry)
    plugin = " ".join(checkpoint.plugin.get(key, "") for key in ("distribution", "version"))
    step = checkpoint.training.get("step")
    return [
        ("model", _section("model", checkpoint.model_section)),
        *((kind, _section(kind, section)) for kind, section in checkpoint.made_for.items()),
        ("offered by", plugin.strip() or "unknown"),
        ("parameters", f"{checkpoint.parameters:,}"),
        ("coding tables", "yes" if checkpoint.part(TABLES) else "no"),
        ("training", f"{step} steps" if step is not None else "none of ours"),
        ("name", entry.name if entry else "none"),
        ("fingerprint", checkpoint.fingerprint.hex()),
        *_size(path, None),
    ]


def _section(kind: str, section: dict[str, Any]) -> str:
    options = " ".join(
        f"{name}={value}" for name, value in section.items() if name != kind and value is not None
    )
    return f"{section[kind]} {options}".rstrip()


def _pictures(width: int, height: int, depth: int, rate: Fraction, count: int | None) -> list[Fact]:
    facts = [("pictures", f"{width}x{height}, {depth} bits"), ("frames a second", f"{float(rate):g}")]
    return [*facts, ("frames", "not told" if count is None else str(count))]


def _size(path: Path, seconds: float | None) -> list[Fact]:
    """Bytes of a file, all and a second."""
    from core.files import size_of

    size = size_of(path)
    facts = [("bytes", f"{size:,}")]
    if seconds:
        facts += [("length", f"{seconds:.2f} s"), ("bytes a second", f"{size / seconds:,.0f}")]
    return facts


INFO = TaskEntry("info", InfoConfig, _info, has_output=True, positional=("task.input",))
