"""Encoding a part of a video, and naming a part of a stream by times."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from material import expected, moving, write, write_timed
from toy import Levels, load

from core.coding.encode import encode, encode_video
from core.coding.frames import StreamDecoder
from core.coding.shown import frames_between
from core.errors import MediaError
from core.media.excerpt import ExcerptReader
from core.media.index import FrameIndex
from core.media.place import place


@pytest.mark.parametrize("suffix", [".mp4", ".y4m", ""])
def test_a_part_is_coded_as_a_video_of_its_own(tmp_path: Path, suffix: str) -> None:
    source = write(tmp_path / f"in{suffix}", moving(20))
    codec = Levels()
    with ExcerptReader(FrameIndex(source), place("5"), place("0.56s")) as reader:
        encode_video(reader, tmp_path / "part.mdv", load(codec, 4), source=source)
    assert codec.frames == list(range(9))
    with StreamDecoder(tmp_path / "part.mdv", load(gop=4)) as stream:
        frames = list(stream.frames())
        assert stream.header.frames == 9
    for frame, picture in zip(frames, expected(source)[5:14], strict=True):
        np.testing.assert_array_equal(frame.picture, picture)


def test_times_in_a_stream(tmp_path: Path) -> None:
    source = write_timed(tmp_path / "in.mkv", moving(7), [0, 40, 70, 200, 215, 300, 500])
    encode(source, tmp_path / "out.mdv", load())
    stream = tmp_path / "out.mdv"
    assert frames_between(stream, 2, None) == (2, None)
    assert frames_between(stream, Fraction(2, 10), None) == (3, None)
    assert frames_between(stream, Fraction("0.041"), Fraction("0.215")) == (2, 2)
    with pytest.raises(MediaError, match=r"no frame at or after 0.6 s"):
        frames_between(stream, Fraction(6, 10), None)
    with pytest.raises(MediaError, match=r"no frame from frame 3 up to 0.2 s"):
        frames_between(stream, 3, Fraction(2, 10))
