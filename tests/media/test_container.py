"""What may be opened, and that nothing of it stays open."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from core.errors import MediaError
from core.media.concatenate import concatenate
from core.media.container import open_container
from core.media.index import FrameIndex
from core.media.reader import open_video
from core.media.tracks import TrackSource
from tests.media.clips_in import make_clip

LISTS = {
    "concat": "ffconcat version 1.0\nfile neighbour.ts\n",
    "HLS": "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nneighbour.ts\n#EXT-X-ENDLIST\n",
    "SDP": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=a\nc=IN IP4 127.0.0.1\nt=0 0\n"
    "m=video 9 RTP/AVP 96\na=rtpmap:96 H264/90000\n",
    "DASH": '<?xml version="1.0"?>\n<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" '
    'profiles="urn:mpeg:dash:profile:full:2011" type="static"><Period><AdaptationSet><Representation id="0">'
    "<BaseURL>neighbour.ts</BaseURL></Representation></AdaptationSet></Period></MPD>\n",
}


@pytest.mark.parametrize("kind", LISTS)
@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.m3u8"])
def test_lists_of_other_files_are_refused(tmp_path: Path, kind: str, name: str) -> None:
    make_clip(tmp_path / "neighbour.ts")
    path = tmp_path / name
    path.write_text(LISTS[kind])
    for opened in (open_container, open_video, FrameIndex):
        with pytest.raises(MediaError, match="is not a video, or not of a kind that is read") as caught:
            opened(path)
        assert name in str(caught.value) and "\n" not in str(caught.value)


def test_parts_and_sound_are_no_lists(tmp_path: Path) -> None:
    part = make_clip(tmp_path / "part.mp4")
    path = tmp_path / "list.mp4"
    path.write_text("ffconcat version 1.0\nfile part.mp4\n")
    with pytest.raises(MediaError, match="is not a video"):
        concatenate([path], tmp_path / "a.mp4")
    with pytest.raises(MediaError, match="is not a video"):
        concatenate([part], tmp_path / "a.mp4", tracks=TrackSource(path))
    assert not (tmp_path / "a.mp4").exists()


def test_a_list_among_pictures_is_no_picture(tmp_path: Path) -> None:
    Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(tmp_path / "0.png")
    (tmp_path / "1.png").write_text("ffconcat version 1.0\nfile 0.png\n")
    with open_video(tmp_path) as reader, pytest.raises(MediaError, match=r"1\.png cannot be read"):
        list(reader)


def test_a_pattern_in_a_name_is_no_pattern(tmp_path: Path) -> None:
    Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(tmp_path / "a001.jpg")
    Image.fromarray(np.full((8, 8, 3), 255, np.uint8)).save(tmp_path / "a%03d.jpg")
    with open_video(tmp_path / "a%03d.jpg") as reader:
        assert [frame.rgb.mean() > 0.9 for frame in reader] == [True]


def test_animated_webp_is_called_by_its_name(tmp_path: Path) -> None:
    pictures = [Image.fromarray(np.full((8, 8, 3), code, np.uint8)) for code in (0, 255)]
    for suffix in ("webp", "gif", "png"):
        pictures[0].save(tmp_path / f"a.{suffix}", save_all=True, append_images=pictures[1:], duration=100)
    with pytest.raises(MediaError, match=r"a\.webp is an animated WebP"):
        open_video(tmp_path / "a.webp")
    for suffix in ("gif", "png"):
        with open_video(tmp_path / f"a.{suffix}") as reader:
            frames = list(reader)
        assert [float(frame.pts) for frame in frames] == [0, 0.1]
        assert [float(frame.duration or 0) for frame in frames] == [0.1, 0.1]
    with pytest.raises(MediaError, match=r"a\.png is an animation"):
        open_video(tmp_path)


def threads() -> int:
    return len(list(Path("/proc/self/task").iterdir()))


def test_decoders_end_with_their_reader(footage: SimpleNamespace) -> None:
    path = footage.embedded / "box_handheld.mp4"
    before = threads()
    readers = []
    for _ in range(10):
        reader = open_video(path)
        next(iter(reader))
        reader.close()
        readers.append(reader)
    assert threads() <= before + 1
    reader.close()
