"""Places in a video as users say them, and parts of videos as videos of their own."""

from __future__ import annotations

from fractions import Fraction
from itertools import islice
from pathlib import Path
from types import SimpleNamespace

import av
import numpy as np
import pytest

from core.errors import MediaError
from core.media.excerpt import ExcerptReader
from core.media.index import FrameIndex
from core.media.place import place
from core.media.presentation import Chapter, Presentation
from core.media.reader import open_video
from core.media.tracks import TrackSource
from core.media.writer import open_writer


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("60", 60),
        ("2.5s", Fraction(5, 2)),
        ("0s", Fraction(0)),
        ("1:30", Fraction(90)),
        ("1:02:03.25", Fraction(14893, 4)),
    ],
)
def test_places(text: str, meant: int | Fraction) -> None:
    assert place(text) == meant and type(place(text)) is type(meant)


@pytest.mark.parametrize("text", ["", "-1", "2.5", "1:2:3:4", "s", "1e3s", "nan", "60 s"])
def test_words_that_are_no_places(text: str) -> None:
    with pytest.raises(ValueError, match="no place in a video"):
        place(text)


@pytest.mark.parametrize(
    ("start", "end"), [("0", "5"), ("50", "61"), ("1.5s", "2s"), ("2s", None), ("119", None)]
)
def test_a_part_is_what_reading_gives(footage: SimpleNamespace, start: str, end: str | None) -> None:
    path = footage.embedded / "box_handheld.mp4"
    with open_video(path) as reader:
        whole = list(reader)
        first, stop = (
            len(whole) if text is None else next(n for n, f in enumerate(whole) if _is_at(text, n, f.pts))
            for text in (start, end)
        )
    with ExcerptReader(FrameIndex(path), place(start), end and place(end)) as part:
        frames = list(part)
        assert part.has_constant_rate() and part.info.frame_count == stop - first
    for frame, wanted in zip(frames, whole[first:stop], strict=True):
        np.testing.assert_array_equal(frame.rgb, wanted.rgb)
        assert (frame.pts, frame.duration) == (wanted.pts - whole[first].pts, wanted.duration)


def _is_at(text: str, number: int, pts: Fraction) -> bool:
    wanted = place(text)
    return number == wanted if isinstance(wanted, int) else pts >= wanted


@pytest.mark.parametrize(("start", "end"), [(120, None), (5, 5), (Fraction(9), None)])
def test_a_part_without_frames(footage: SimpleNamespace, start: int, end: int | None) -> None:
    with pytest.raises(MediaError, match=r"has no frame from .* it has 120 frames"):
        ExcerptReader(FrameIndex(footage.embedded / "box_handheld.mp4"), start, end)


def test_chapters_and_times_of_a_part(footage: SimpleNamespace, tmp_path: Path) -> None:
    chapters = tuple(Chapter(Fraction(n), Fraction(n + 1), f"chapter {n}") for n in range(4))
    with open_video(footage.embedded / "box_handheld.mp4") as reader:
        frames, rate = list(islice(reader, 90)), reader.info.frame_rate
    height, width = frames[0].rgb.shape[1:]
    path = tmp_path / "chapters.mp4"
    with open_writer(
        path, width=width, height=height, frame_rate=rate, presentation=Presentation(chapters=chapters)
    ) as writer:
        for frame in frames:
            writer.write(frame.rgb)
    with ExcerptReader(FrameIndex(path), Fraction(1, 2), Fraction(2)) as part:
        begin = part.info.start
        told = part.info.presentation.chapters
    assert [chapter.title for chapter in told] == ["chapter 0", "chapter 1"]
    assert told[0].start == 0 and told[1].end == part.info.duration
    assert part.info.end == begin + part.info.duration == 2


def test_sound_is_cut_to_the_part(tmp_path: Path, tone: Path) -> None:
    rate = Fraction(25)
    picture = np.zeros((3, 32, 32), np.float32)
    path = tmp_path / "part.mp4"
    source = TrackSource(tone, Fraction(1, 2), end=Fraction(1))
    with open_writer(path, width=32, height=32, frame_rate=rate, tracks=source) as writer:
        for _ in range(12):
            writer.write(picture)
    with av.open(str(path)) as container:
        sound = container.streams.audio[0]
        times = [packet.pts * sound.time_base for packet in container.demux(sound) if packet.size]
    assert 0 <= times[0] < Fraction(1, 20) and Fraction(4, 10) < times[-1] < Fraction(1, 2)
