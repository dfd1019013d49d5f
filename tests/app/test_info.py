"""What a file is: a stream, a checkpoint or a video."""

from pathlib import Path

import pytest

from core.errors import CheckpointError, MediaError, StreamError
from core.tasks import info

from .test_codec_commands import other_model, short_video, spoil
from .test_implied import checkpoint, executed


@pytest.fixture
def told(monkeypatch):
    """What a command shows of a file, as a dict."""
    seen = {}
    monkeypatch.setattr(info, "print_facts", lambda title, facts: seen.update(dict(facts), title=title))

    def show(*words):
        seen.clear()
        executed("info", *words)
        return dict(seen)

    show.seen = seen
    return show


@pytest.fixture
def coded(toy):
    toy()
    Path("runs/one/checkpoints").mkdir(parents=True)
    file = checkpoint("runs/one/checkpoints/best.safetensors", 4.0, "codec.gop=4", "dataset=clips")
    short_video(Path("in.y4m"), 10)
    executed("encode", "in.y4m", f"task.checkpoint={file}")
    return file


def test_a_stream(coded, told):
    facts = told("in.mdv")
    size = Path("in.mdv").stat().st_size
    assert facts["title"] == "Stream in.mdv"
    assert facts["pictures"] == "320x240, 8 bits"
    assert (facts["frames"], facts["codec"]) == ("10", "toy")
    assert facts["packets"] == "3 intra, 7 inter"
    assert facts["bytes"] == f"{size:,}"
    seconds = float(facts["length"].split()[0])
    assert float(facts["bytes a second"].replace(",", "")) == pytest.approx(size / seconds, rel=0.05)
    assert float(facts["rate"].split()[0]) == pytest.approx(size * 8 / (320 * 240 * 10), abs=1e-4)
    assert facts["weights"] == f"here: {coded}"


def test_a_stream_whose_weights_are_not_here(coded, told):
    other_model(Path("in.mdv"), Path("other.mdv"))
    facts = told("other.mdv")
    assert facts["weights"].startswith(
        "NOT HERE: other.mdv needs weights that are not here: those of codec=toy"
    )
    assert facts["fingerprint"] == "00" * 16


def test_a_damaged_stream_is_told_as_far_as_it_goes(coded, told):
    spoil(Path("in.mdv"), Path("damaged.mdv"), 0)
    with pytest.raises(StreamError, match=r"damaged\.mdv is no stream"):
        told("damaged.mdv")
    Path("short.mdv").write_bytes(Path("in.mdv").read_bytes()[:-30_000])
    with pytest.raises(StreamError, match="ends"):
        told("short.mdv")
    assert 0 < int(told.seen["frames"]) < 10


def test_a_conventional_stream(within, told):
    short_video(Path("in.y4m"), 3)
    executed("encode", "in.y4m", "codec=x264", "experiment=none")
    assert told("in.mdv")["weights"] == "none are needed"


def test_a_checkpoint(coded, told):
    facts = told(coded)
    assert facts["model"] == "toy step=4.0"
    assert facts["codec"] == "toy gop=4 scene_cut=False"
    assert facts["dataset"].startswith("clips ")
    assert (facts["parameters"], facts["coding tables"]) == ("1", "yes")
    assert facts["offered by"] == "toy 1.0"
    assert len(facts["fingerprint"]) == 32
    Path("bad.safetensors").write_bytes(Path(coded).read_bytes()[:-1] + b"\xff")
    with pytest.raises(CheckpointError, match="does not match its checksum"):
        told("bad.safetensors")


def test_a_video(within, told):
    short_video(Path("in.y4m"), 3)
    facts = told("in.y4m")
    assert facts["title"] == "Video in.y4m"
    assert facts["pictures"] == "320x240, 8 bits"
    assert facts["sound"] == "no"
    Path("words.txt").write_text("words")
    with pytest.raises(MediaError, match=r"words\.txt is not a video"):
        told("words.txt")
