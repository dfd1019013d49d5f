"""Pages of two videos as a user asks for them: by a verb, or beside what an encode or an upscaling makes."""

import re
from pathlib import Path

import pytest

from core.errors import CheckpointError, MediaError

from .test_codec_commands import other_model, short_video
from .test_implied import checkpoint, executed


def shown(page):
    """Pairs of frames on a page, and what it says of both files."""
    text = Path(page).read_text()
    facts = re.findall(r'<tr><th scope="row">(.*?)</th><td>(.*?)</td><td>(.*?)</td></tr>', text)
    return text.count('"psnr"'), {name: (first, second) for name, first, second in facts}


@pytest.fixture
def coded(toy):
    toy()
    Path("runs/one/checkpoints").mkdir(parents=True)
    file = checkpoint("runs/one/checkpoints/best.safetensors")
    short_video(Path("in.y4m"), 4)
    executed("encode", "in.y4m", f"task.checkpoint={file}", "task.page=true")


def test_an_encode_shows_what_it_made(coded):
    count, facts = shown("in.html")
    size = Path("in.mdv").stat().st_size
    assert count == 4
    assert facts["file"] == ("in.y4m", "in.mdv")
    assert facts["bytes"][1] == f"{size:,}"


def test_a_stream_is_compared_by_the_codec_that_it_names(coded):
    executed("compare", "in.y4m", "in.mdv")
    executed("compare", "in.mdv", "in.mdv", "two streams.html", "task.frames=2")
    assert shown("in-compared.html")[0] == 4
    assert shown("two streams.html")[0] == 2
    other_model(Path("in.mdv"), Path("other.mdv"))
    with pytest.raises(CheckpointError, match=r"other\.mdv needs weights that are not here"):
        executed("compare", "in.y4m", "other.mdv")


def test_nothing_is_overwritten(coded):
    with pytest.raises(MediaError, match=r"in\.html exists: give another task\.output"):
        executed("compare", "in.y4m", "in.mdv", "in.html")
    with pytest.raises(MediaError, match=r"x\.mp4 has an unknown ending: write \.html\."):
        executed("compare", "in.y4m", "in.mdv", "x.mp4")
    with pytest.raises(MediaError, match=r"none\.mp4 does not exist"):
        executed("compare", "none.mp4", "in.mdv")


def test_an_upscaling_shows_what_it_made(within):
    short_video(Path("in.y4m"), 3)
    executed("upscale", "in.y4m", "upscaler=floor", "experiment=none", "task.page=true")
    count, facts = shown("in-upscaled.html")
    assert count == 6
    assert facts["pictures"] == ("320x240", "640x480")
    assert facts["frames"] == ("3", "6")
