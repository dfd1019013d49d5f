"""Interrupted encodes: they end as undisturbed ones, and nothing is taken up that was made otherwise."""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from material import moving, script, write
from toy import Levels, Pairs, load, records_of

from core.coding.codec import LoadedCodec
from core.coding.encode import encode
from core.errors import ForeignError
from core.hooks import Array, CodedFrame, FrameEncoder, PictureFormat


class Failing(Pairs):
    """Stops when it is given a certain frame, as by the keyboard."""

    def __init__(self, at: int) -> None:
        super().__init__()
        self.at = at

    def codes(self, frame: Array, format: PictureFormat) -> np.ndarray:
        if len(self.frames) > self.at:
            raise KeyboardInterrupt
        return super().codes(frame, format)


@pytest.mark.parametrize("gop", [1, 4, 0])
@pytest.mark.parametrize("at", [0, 1, 4, 7, 10])
@pytest.mark.parametrize("lost", [0, 5])
def test_an_interrupted_encode_ends_like_an_undisturbed_one(
    tmp_path: Path, gop: int, at: int, lost: int
) -> None:
    source = write(tmp_path / "in.y4m", moving(11))
    straight = encode(source, tmp_path / "straight.mdv", load(Pairs(), gop))
    with pytest.raises(KeyboardInterrupt):
        encode(source, tmp_path / "out.mdv", load(Failing(at), gop))
    assert not (tmp_path / "out.mdv").exists()
    part = tmp_path / ".out.mdv.part"
    assert part.exists() is (at > 0)
    if at and lost:
        os.truncate(part, part.stat().st_size - lost)
    again = Pairs()
    resumed = encode(source, tmp_path / "out.mdv", load(again, gop))
    assert (tmp_path / "out.mdv").read_bytes() == (tmp_path / "straight.mdv").read_bytes()
    assert replace(resumed, seconds=0) == replace(straight, seconds=0)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.y4m", "out.mdv", "straight.mdv"]
    if gop == 1 and at and not lost:
        assert again.frames == list(
            range(at - 1, 11)
        )  # the last intra packet is coded again, and what follows


class Placing(Levels):
    """Places intra frames itself, every fourth, and codes by what came before, as conventional encoders do."""

    def encoder(self, format: PictureFormat, estimate: bool = False) -> FrameEncoder:
        inner, seen = super().encoder(format, estimate), []

        class Encoder:
            def encode(self, frame: Array, time: int, intra: bool) -> Sequence[CodedFrame]:
                seen.append(frame)
                return inner.encode(np.mean(seen, 0, dtype=np.float32), time, len(seen) % 4 == 1)

            def flush(self) -> Sequence[CodedFrame]:
                return inner.flush()

        return Encoder()


class Stopping(Placing):
    """The same, interrupted at the seventh frame."""

    def codes(self, frame: Array, format: PictureFormat) -> np.ndarray:
        if len(self.frames) > 6:
            raise KeyboardInterrupt
        return super().codes(frame, format)


def test_a_codec_that_places_intra_frames_itself_codes_all_again(tmp_path: Path) -> None:
    """What its encoder knew of earlier frames is gone, and no stream is of two encoders."""
    source = write(tmp_path / "in.y4m", moving(11))
    straight = encode(source, tmp_path / "straight.mdv", replace(load(Placing()), places_intra=True))
    with pytest.raises(KeyboardInterrupt):
        encode(source, tmp_path / "out.mdv", replace(load(Stopping()), places_intra=True))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.y4m", "straight.mdv"]
    encode(source, tmp_path / "killed.mdv", load(Levels()))
    (tmp_path / "killed.mdv").rename(tmp_path / ".out.mdv.part")
    again = encode(source, tmp_path / "out.mdv", replace(load(Placing()), places_intra=True))
    assert replace(again, seconds=0) == replace(straight, seconds=0)
    assert (tmp_path / "out.mdv").read_bytes() == (tmp_path / "straight.mdv").read_bytes()


def test_records_of_an_interrupted_encode_are_whole(tmp_path: Path) -> None:
    source = write(tmp_path / "in.y4m", moving(11))
    straight = records_of(source, tmp_path / "straight.mdv", Pairs())
    with pytest.raises(KeyboardInterrupt):
        records_of(source, tmp_path / "out.mdv", Failing(7))
    assert records_of(source, tmp_path / "out.mdv", Pairs()) == straight


@pytest.mark.parametrize("change", ["source", "codec", "gop", "scene cuts", "journal", "part"])
def test_what_was_made_by_another_plan_is_not_taken_up(tmp_path: Path, change: str) -> None:
    source = write(tmp_path / "in.y4m", moving(11))
    with pytest.raises(KeyboardInterrupt):
        encode(source, tmp_path / "out.mdv", load(Failing(7), gop=2))
    loaded = load(Pairs(), gop=3 if change == "gop" else 2, mark=8 if change == "codec" else 7)
    if change == "source":
        write(source, moving(11, seed=1))
    if change == "scene cuts":
        loaded = replace(loaded, scene_cut=True)
    if change == "journal":
        (tmp_path / ".out.mdv.frames").unlink()
    if change == "part":
        (tmp_path / ".out.mdv.part").write_bytes(b"junk")
    encode(source, tmp_path / "straight.mdv", loaded)
    again = Pairs()
    encode(source, tmp_path / "out.mdv", replace(loaded, codec=again))
    assert again.frames == list(range(11))
    assert (tmp_path / "out.mdv").read_bytes() == (tmp_path / "straight.mdv").read_bytes()


@pytest.mark.parametrize("harm", ["nulls", "other keys", "other types", "deep", "cut short", "no first line"])
def test_a_damaged_journal_is_gone_on_from_its_last_sound_record(tmp_path: Path, harm: str) -> None:
    source = write(tmp_path / "in.y4m", moving(11))
    encode(source, tmp_path / "straight.mdv", load(Pairs(), gop=2))
    with pytest.raises(KeyboardInterrupt):
        encode(source, tmp_path / "out.mdv", load(Failing(7), gop=2))
    journal = tmp_path / ".out.mdv.frames"
    lines = journal.read_bytes().splitlines(keepends=True)
    assert len(lines) >= 7
    number = 0 if harm == "no first line" else 4
    lines[number] = {
        "other keys": b'{"type": "intra"}\n',
        "other types": lines[4].replace(b'"bytes": ', b'"bytes": -'),
        "deep": b"[" * 100_000 + b"\n",
        "cut short": lines[4][:9],
    }.get(harm, bytes(40) + b"\n")
    journal.write_bytes(b"".join(lines[: 5 if harm == "cut short" else None]))
    again = Pairs()
    encode(source, tmp_path / "out.mdv", load(again, gop=2))
    assert (tmp_path / "out.mdv").read_bytes() == (tmp_path / "straight.mdv").read_bytes()
    assert again.frames == list(
        range(0 if number == 0 else 2, 11)
    )  # three records are sound: from the intra frame 2
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.y4m", "out.mdv", "straight.mdv"]


def test_other_options_of_the_encoder_begin_anew_and_say_so(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The fingerprint tells what decodes; the rate factor, say, is not in it."""
    source = write(tmp_path / "in.y4m", moving(11))

    def at(crf: int, codec: Levels) -> LoadedCodec:
        return replace(load(codec, gop=2), identity={"codec.crf": crf})

    with pytest.raises(KeyboardInterrupt):
        encode(source, tmp_path / "out.mdv", at(10, Failing(7)))
    again = Pairs()
    with caplog.at_level("INFO"):
        encode(source, tmp_path / "out.mdv", at(45, again))
    assert again.frames == list(range(11))
    assert "out.mdv was begun otherwise (codec.crf was 10 and is 45): beginning anew." in caplog.text


def test_pictures_that_were_rendered_again_are_coded_again(tmp_path: Path) -> None:
    source = write(tmp_path / "in", moving(11))
    with pytest.raises(KeyboardInterrupt):
        encode(source, tmp_path / "out.mdv", load(Failing(7), gop=2))
    before = source.stat()
    other = write(tmp_path / "other", moving(11, seed=1))
    for picture in source.iterdir():
        picture.write_bytes((other / picture.name).read_bytes())
    assert source.stat().st_mtime_ns == before.st_mtime_ns
    again = Pairs()
    encode(source, tmp_path / "out.mdv", load(again, gop=2))
    assert again.frames == list(range(11))


@pytest.mark.parametrize("ending", [".part", ".frames", ".lock"])
def test_a_link_under_a_hidden_name_is_not_followed(tmp_path: Path, ending: str) -> None:
    source, theirs = write(tmp_path / "in.y4m", moving(2)), tmp_path / "letter.txt"
    theirs.write_text("dear")
    (tmp_path / f".out.mdv{ending}").symlink_to(theirs)
    with pytest.raises(ForeignError, match="is not a file of ours"):
        encode(source, tmp_path / "out.mdv", load())
    assert theirs.read_text() == "dear" and not (tmp_path / "out.mdv").exists()


KILLED = """
    import os, signal
    from toy import Levels, load
    from core.coding.encode import encode

    class Killed(Levels):
        def codes(self, frame, format):
            if len(self.frames) > 8:
                os.kill(os.getpid(), signal.SIGKILL)
            return super().codes(frame, format)

    encode("in.y4m", "out.mdv", load(Killed(), gop=3))
"""


@pytest.mark.heavy
def test_a_killed_encode_goes_on(tmp_path: Path) -> None:
    source = write(tmp_path / "in.y4m", moving(11))
    encode(source, tmp_path / "straight.mdv", load(gop=3))
    killed = script(tmp_path, KILLED)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    again = Levels()
    encode(Path(source), tmp_path / "out.mdv", load(again, gop=3))
    assert again.frames == [6, 7, 8, 9, 10]
    assert (tmp_path / "out.mdv").read_bytes() == (tmp_path / "straight.mdv").read_bytes()


FULL = """
    import resource, signal
    from toy import load
    from core.coding.encode import encode
    from core.errors import MediaError

    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (6000, 6000))
    try:
        encode("in.y4m", "out.mdv", load(gop=2))
    except MediaError as error:
        print(error)
"""


def test_a_long_name(tmp_path: Path) -> None:
    source, output = write(tmp_path / "in.y4m", moving(11)), tmp_path / ("x" * 251 + ".mdv")
    with pytest.raises(KeyboardInterrupt):
        encode(source, output, load(Failing(7), gop=2))
    again = Pairs()
    encode(source, output, load(again, gop=2))
    assert len(again.frames) < 11
    assert sorted(tmp_path.iterdir()) == [source, output]


@pytest.mark.heavy
def test_a_full_disk(tmp_path: Path) -> None:
    source = write(tmp_path / "in.y4m", moving(11))
    told = script(tmp_path, FULL)
    assert "out.mdv cannot be written: File too large; what was coded is kept" in told.stdout, told.stderr
    assert not (tmp_path / "out.mdv").exists()
    encode(source, tmp_path / "straight.mdv", load(gop=2))
    again = Levels()
    encode(source, tmp_path / "out.mdv", load(again, gop=2))
    assert 0 < again.frames[0] < 11
    assert (tmp_path / "out.mdv").read_bytes() == (tmp_path / "straight.mdv").read_bytes()
