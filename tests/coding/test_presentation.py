"""What a source says of itself goes through a stream into the decoded video; what does not is told at the start."""

from __future__ import annotations

import logging
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest
from toy import Levels, load

from core.coding.decode import decode, decode_video
from core.coding.encode import encode
from core.errors import MediaError
from core.media.presentation import TrackKind
from core.media.reader import open_video
from core.stream import StreamReader
from tests.media.clips import DISPLAY, HDR, Film, Seen, look, make

PLAIN = Film()
LAST_LONG = replace(PLAIN, times=(0, 1000, 2000), last=4000)
VARIABLE = replace(PLAIN, times=(0, 40, 120, 200, 320, 440, 600, 760, 960, 1160), last=40)


def encoded(folder: Path, film: Film, name: str = "in.mkv") -> Path:
    encode(make(folder / name, film), folder / "out.mdv", load(Levels(1)))
    return folder / "out.mdv"


def back(stream: Path, suffix: str) -> Seen:
    decode(stream, stream.parent / f"back.{suffix}", load(Levels(1)))
    return look(stream.parent / f"back.{suffix}")


@pytest.fixture
def told(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.WARNING)
    return caplog


def test_a_plain_source_makes_a_stream_of_version_1(tmp_path: Path) -> None:
    assert encoded(tmp_path, PLAIN).read_bytes()[4] == 1


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "y4m"])
def test_the_shape_of_samples(tmp_path: Path, suffix: str) -> None:
    stream = encoded(tmp_path, replace(PLAIN, aspect=Fraction(32, 27)), "in.mp4")
    assert back(stream, suffix).aspect == Fraction(32, 27)


@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
def test_high_dynamic_range(tmp_path: Path, suffix: str) -> None:
    film = Film(
        codec="libx265",
        pixel_format="yuv420p10le",
        colour=HDR,
        options={"x265-params": f"log-level=none:bframes=0:master-display={DISPLAY}:max-cll=1000,400"},
    )
    seen = back(encoded(tmp_path, film, "in.mp4"), suffix)
    assert (seen.colour, seen.pixel_format) == ((9, 9, 16, 1), "yuv420p10le")
    with open_video(tmp_path / "in.mp4") as before, open_video(tmp_path / f"back.{suffix}") as after:
        old, new = before.info.presentation, after.info.presentation
    assert old.mastering is not None and (new.mastering, new.light) == (old.mastering, old.light)


@pytest.mark.parametrize("tags", [(6, 6, 6, 1), (5, 5, 6, 2), (1, 1, 13, 1)])
def test_tags_of_colour(tmp_path: Path, tags: tuple[int, int, int, int]) -> None:
    names = ("colorspace", "color_primaries", "color_trc", "color_range")
    stream = encoded(tmp_path, replace(PLAIN, colour=dict(zip(names, tags, strict=True))), "in.mp4")
    assert back(stream, "mp4").colour == tags


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "y4m"])
def test_the_last_frame_is_shown_as_long(tmp_path: Path, suffix: str) -> None:
    seen = back(encoded(tmp_path, LAST_LONG, "in.mp4"), suffix)
    assert seen.duration == pytest.approx(6, abs=0.001)
    assert seen.times == (list(range(6)) if suffix == "y4m" else [0, 1, 2])


@pytest.mark.parametrize(("suffix", "count"), [("mp4", 10), ("y4m", 30)])
def test_a_varying_rate(tmp_path: Path, suffix: str, count: int, told: pytest.LogCaptureFixture) -> None:
    seen = back(encoded(tmp_path, VARIABLE, "in.mp4"), suffix)
    assert len(seen.times) == count
    assert seen.duration == pytest.approx(1.2, abs=0.001)
    assert ("has a varying frame rate" in told.text) == (suffix == "y4m")


@pytest.mark.parametrize(("start", "frames", "length"), [(2, 3, 0.32), (8, None, 0.24), (0, 1, 0.04)])
def test_a_part_lasts_as_long_as_its_frames(
    tmp_path: Path, start: int, frames: int | None, length: float
) -> None:
    stream = encoded(tmp_path, VARIABLE, "in.mp4")
    decode_video(stream, tmp_path / "back.mp4", load(Levels(1)), start=start, frames=frames)
    assert look(tmp_path / "back.mp4").duration == pytest.approx(length, abs=0.001)


def test_an_interval_of_hours_is_refused_where_frames_would_be_repeated(tmp_path: Path) -> None:
    stream = encoded(tmp_path, replace(PLAIN, times=(0, 40, 7_200_000)), "in.mp4")
    with pytest.raises(MediaError, match="a frame that is shown for 7200 s"):
        decode(stream, tmp_path / "back", load(Levels(1)))


def test_sound_and_subtitles_are_told_on_both_sides(tmp_path: Path, told: pytest.LogCaptureFixture) -> None:
    film = replace(
        PLAIN,
        sounds=(("aac", "fltp", "ger"),),
        subtitles=((40, 200, "Hello"),),
        chapters=((0, 200, "One"), (200, 400, "Two")),
        metadata={"title": "My Film"},
    )
    stream = encoded(tmp_path, film)
    seen = back(stream, "mkv")
    assert told.messages == [
        f"Left out of {stream}: sound (aac, ger), subtitles (srt).",
        f"Left out of {tmp_path / 'back.mkv'}: sound (aac, ger), subtitles (srt).",
    ]
    assert seen.metadata["title"] == "My Film"
    assert [title for *_, title in seen.chapters] == ["One", "Two"]
    with StreamReader(stream) as reader:
        assert [track.kind for track in reader.header.presentation.tracks] == [
            TrackKind.SOUND,
            TrackKind.SUBTITLES,
        ]
        assert len(list(reader)) == 10


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "y4m"])
def test_the_same_stream_gives_the_same_bytes(tmp_path: Path, suffix: str) -> None:
    stream = encoded(tmp_path, PLAIN)
    made = []
    for name in ("a", "b"):
        decode(stream, tmp_path / f"{name}.{suffix}", load(Levels(1)))
        made.append((tmp_path / f"{name}.{suffix}").read_bytes())
    assert made[0] == made[1]


def test_the_same_source_gives_the_same_stream(tmp_path: Path) -> None:
    first = encoded(tmp_path, replace(PLAIN, aspect=Fraction(32, 27), title="Main")).read_bytes()
    encode(tmp_path / "in.mkv", tmp_path / "again.mdv", load(Levels(1)))
    assert (tmp_path / "again.mdv").read_bytes() == first
