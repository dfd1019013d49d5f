"""Closed groups: the same streams by any number of encoders; and real encoders kept to a bitrate and a size."""

from __future__ import annotations

import zlib
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

import core.data
from core.coding.clips import encode_frames
from core.coding.codec import LoadedCodec
from core.coding.encode import encode_video
from core.coding.frames import StreamDecoder
from core.coding.rate import Goal, RateControl
from core.hooks import Array, PictureFormat
from core.media.reader import open_video
from core.media.writer import open_writer
from plugins.anchors.codec import AnchorCodec
from plugins.anchors.config import AnchorConfig, SvtAv1Config, Vp9Config, X264Config, X265Config

EMBEDDED = Path(core.data.__file__).parent / "embedded"
CLOSED = [
    X264Config(gop=4, closed=True),
    X264Config(gop=4, closed=True, bframes=2),
    X265Config(gop=4, closed=True),
    SvtAv1Config(gop=4, closed=True),
    Vp9Config(gop=4, closed=True),
]


def frames_of(clip: str, count: int, side: int = 96) -> list[Array]:
    with open_video(EMBEDDED / f"{clip}.mp4") as reader:
        return [np.ascontiguousarray(frame.rgb[:, :side, :side]) for frame in islice(reader, count)]


@pytest.mark.parametrize("config", CLOSED, ids=lambda config: f"{type(config).__name__}-{config.gop}")
def test_groups_of_fresh_encoders_make_one_stream(config: AnchorConfig) -> None:
    frames, format = frames_of("box_handheld", 8), PictureFormat(96, 96)
    codec = AnchorCodec(config)
    whole = [frame.packet for frame in encode_frames(codec, frames, format, group=4)]
    apart = [
        frame.packet.payload
        for begin in (0, 4)
        for frame in encode_frames(AnchorCodec(config), frames[begin : begin + 4], format, group=4)
    ]
    assert [packet.payload for packet in whole] == apart
    assert [packet.type for packet in whole].count(1) == 2 and whole[4].type == 1
    decoder = codec.decoder(format)
    shown = [frame for packet in whole for frame in decoder.decode(packet)] + [*decoder.flush()]
    checks = {packet.time: packet.picture for packet in whole}
    assert [frame.time for frame in shown] == list(range(8))
    assert all(zlib.crc32(frame.picture.tobytes()) == checks[frame.time] for frame in shown)


@pytest.fixture(scope="module")
def ten_seconds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Shots of two scenes in turn."""
    path = tmp_path_factory.mktemp("film") / "in.mp4"
    shots = [frames_of("box_handheld", 50), frames_of("city_night", 50)]
    with open_writer(path, width=96, height=96, frame_rate=25, crf=12) as writer:  # type: ignore[arg-type]
        for number in range(5):
            for frame in shots[number % 2]:
                writer.write(frame)
    return path


@pytest.mark.parametrize("goal", [Goal(bitrate=60e3), Goal(size=75e3)], ids=["bitrate", "size"])
@pytest.mark.parametrize(
    "config", [X264Config(closed=True), X264Config(), X265Config(closed=True)], ids=["x264", "open", "x265"]
)
def test_ten_seconds_come_within_five_percent(
    ten_seconds: Path, tmp_path: Path, config: AnchorConfig, goal: Goal
) -> None:
    codec = AnchorCodec(config)
    loaded = LoadedCodec(
        "x", codec, codec.fingerprint, config.gop, False, "exact", places_intra=not config.closed
    )
    control = RateControl(loaded, goal, lambda: open_video(ten_seconds), False, lambda parts: None)
    with open_video(ten_seconds) as reader:
        encode_video(reader, tmp_path / "out.mdv", loaded, source=ten_seconds, coder=control)
    assert (tmp_path / "out.mdv").stat().st_size == pytest.approx(75e3, rel=0.05)
    with StreamDecoder(tmp_path / "out.mdv", loaded) as stream:
        assert sum(1 for _ in stream.frames()) == 250
