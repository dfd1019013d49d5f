"""An upscaling that was interrupted: when it goes on, when it begins anew, and whose folder it works in."""

from __future__ import annotations

import errno
import os
from collections.abc import Collection
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.errors import BusyError, ForeignError, MediaError
from core.hooks import Array, Output
from core.media import claim
from core.media.colour import Chroma, Matrix, Range
from core.media.reader import RawFormat, open_video
from core.media.work_folder import folder_of
from core.upscaling import target, video
from core.upscaling.options import UpscaleOptions
from core.upscaling.video import upscale_video
from tests.upscaling.test_video import Repeat, ramp, read, run, write


class Failing(Repeat):
    """Stops at the pair after the first part."""

    def __call__(self, first: Array, last: Array, outputs: Collection[Output]) -> dict[Output, Array]:
        if self.calls == 2:
            raise KeyboardInterrupt
        return super().__call__(first, last, outputs)


@pytest.fixture(autouse=True)
def short_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(video, "SEGMENT_FRAMES", 2)


def interrupted(source: Path, output: Path, **options: object) -> None:
    with pytest.raises(KeyboardInterrupt):
        run(source, output, Failing(), **options)


def calls(source: Path, output: Path, identity: object = "repeat", **options: object) -> int:
    again = Repeat()
    run(source, output, again, identity, **options)  # type: ignore[arg-type]
    return again.calls


@pytest.mark.parametrize("option", [{"crf": 20}, {"tile": 12, "overlap": 4}, {"scene_cuts": False}])
def test_other_options_begin_anew_and_say_so(
    tmp_path: Path, option: dict[str, object], caplog: pytest.LogCaptureFixture
) -> None:
    source = write(tmp_path / "in.y4m", ramp(4))
    interrupted(source, tmp_path / "out.y4m")
    with caplog.at_level("INFO"):
        assert calls(source, tmp_path / "out.y4m", **option) >= 4
    assert f"out.y4m was begun otherwise (task.{next(iter(option))} was" in caplog.text


def test_facts_of_an_upscaler_are_compared_one_by_one(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    source = write(tmp_path / "in.y4m", ramp(4))
    with pytest.raises(KeyboardInterrupt):
        run(source, tmp_path / "out.y4m", Failing(), {"upscaler.scale": 2, "runtime": "mindspore"})  # type: ignore[arg-type]
    with caplog.at_level("INFO"):
        assert calls(source, tmp_path / "out.y4m", {"upscaler.scale": 2, "runtime": "onnxruntime"}) == 4
    assert '(runtime was "mindspore" and is "onnxruntime")' in caplog.text


def pictures(folder: Path, grey: int, count: int = 4) -> Path:
    folder.mkdir(exist_ok=True)
    for number in range(count):
        Image.new("RGB", (36, 24), (grey,) * 3).save(folder / f"{number}.png")
    return folder


def test_pictures_that_were_rendered_again_are_upscaled_again(tmp_path: Path) -> None:
    source = pictures(tmp_path / "in", 50)
    interrupted(source, tmp_path / "out.y4m")
    status = source.stat()
    pictures(source, 200)
    assert (source.stat().st_mtime_ns, source.stat().st_size) == (status.st_mtime_ns, status.st_size)
    assert calls(source, tmp_path / "out.y4m") == 4
    for frame in read(tmp_path / "out.y4m")[0]:
        assert abs(frame.mean() * 255 - 200) < 1


@pytest.mark.parametrize(
    "how",
    [
        {"range": Range.FULL},
        {"matrix": Matrix.BT709},
        {"chroma": Chroma.NEAREST},
        {"raw": RawFormat(36, 24, frame_rate=Fraction(30))},
    ],
)
def test_another_way_to_read_the_source_is_another_job(tmp_path: Path, how: dict[str, object]) -> None:
    source = tmp_path / "in.yuv"
    source.write_bytes(np.random.default_rng(0).integers(30, 200, 36 * 24 * 3 // 2 * 4, np.uint8).tobytes())

    def made(upscaler: Repeat, **how: object) -> None:
        with open_video(source, **{"raw": RawFormat(36, 24), **how}) as reader:  # type: ignore[arg-type]
            upscale_video(
                reader, tmp_path / "out.y4m", upscaler, UpscaleOptions(), source=source, identity="repeat"
            )

    with pytest.raises(KeyboardInterrupt):
        made(Failing())
    again = Repeat()
    made(again, **how)
    assert again.calls == 4


@pytest.mark.parametrize("harm", ["cut short", "unlisted"])
@pytest.mark.parametrize("suffix", [".mp4", ""])
def test_a_part_counts_only_as_it_was_when_it_was_whole(tmp_path: Path, suffix: str, harm: str) -> None:
    source, output = write(tmp_path / "in.y4m", ramp(4)), tmp_path / f"out{suffix}"
    interrupted(source, output)
    part = folder_of(output) / f"000000{suffix}"
    if harm == "unlisted":  # as a power cut would leave it, or anybody
        junk = folder_of(output) / f"000001{suffix}"
        if suffix:
            junk.write_bytes(b"")
        else:
            junk.mkdir()
    else:
        os.truncate(part / "00000.png" if suffix == "" else part, 10)
    assert calls(source, output) == (2 if harm == "unlisted" else 4)
    assert len(read(output)[0]) == 8
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.y4m", output.name]


def test_a_user_s_folder_of_that_name_is_not_touched(tmp_path: Path) -> None:
    source, theirs = write(tmp_path / "in.y4m", ramp(2)), tmp_path / "out.mp4.parts"
    theirs.mkdir()
    (theirs / "000000.mp4").write_bytes(b"mine")
    (theirs / "plan.json").write_text('{"my": "plan"}')
    with pytest.raises(ForeignError, match=r"out\.mp4\.parts is not a folder of ours.*move it away"):
        run(source, tmp_path / "out.mp4")
    assert (theirs / "000000.mp4").read_bytes() == b"mine"
    assert not (tmp_path / "out.mp4").exists()


@pytest.mark.parametrize("kind", ["file", "link"])
def test_a_file_or_link_of_that_name(tmp_path: Path, kind: str) -> None:
    source, theirs = write(tmp_path / "in.y4m", ramp(2)), tmp_path / "out.mp4.parts"
    (tmp_path / "elsewhere").mkdir()
    theirs.write_text("mine") if kind == "file" else theirs.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ForeignError, match="is not a folder of ours"):
        run(source, tmp_path / "out.mp4")
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_what_a_user_put_into_our_folder_stays(tmp_path: Path) -> None:
    source = write(tmp_path / "in.y4m", ramp(4))
    interrupted(source, tmp_path / "out.y4m")
    notes = tmp_path / "out.y4m.parts" / "notes.txt"
    notes.write_text("mine")
    run(source, tmp_path / "out.y4m")
    assert list(notes.parent.iterdir()) == [notes]


def test_the_same_output_given_to_two(tmp_path: Path) -> None:
    source, output = write(tmp_path / "in.y4m", ramp(4)), tmp_path / "out.mp4"

    class Nested(Repeat):
        refused = 0

        def __call__(self, first: Array, last: Array, outputs: Collection[Output]) -> dict[Output, Array]:
            for other in (source, write(tmp_path / "other.y4m", ramp(3))):
                with pytest.raises(BusyError, match=r"out\.mp4 is in use: another process is making it"):
                    run(other, output)
                Nested.refused += 1
            return super().__call__(first, last, outputs)

    assert run(source, output, Nested()).frames == 8 and Nested.refused == 8
    assert len(read(output)[0]) == 8


@pytest.mark.parametrize("suffix", [".mp4", ".y4m", ""])
def test_a_name_as_long_as_a_name_can_be(tmp_path: Path, suffix: str) -> None:
    source = write(tmp_path / "in.y4m", ramp(4))
    output = tmp_path / ("x" * (255 - len(suffix)) + suffix)
    interrupted(source, output)
    assert calls(source, output) == 2
    assert len(read(output)[0]) == 8
    assert sorted(tmp_path.iterdir()) == [source, output]
    with pytest.raises(MediaError, match="has 256 bytes, of 255 that a file can have: shorten it"):
        run(source, output.with_name("x" + output.name))


def test_no_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = write(tmp_path / "in.y4m", ramp(4))
    usage = type("Usage", (), {"free": 40_000})
    monkeypatch.setattr(claim.shutil, "disk_usage", lambda path: usage)
    with pytest.raises(
        MediaError, match=r"out\.y4m will take at least 0\.08 MB, and .* has 0\.04 MB free: make room"
    ):
        run(source, tmp_path / "out.y4m")
    assert list(tmp_path.iterdir()) == [source]
    run(source, tmp_path / "out.mp4")


def test_a_disk_that_is_full_before_the_first_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = write(tmp_path / "in.y4m", ramp(4))

    def full(*arguments: object, **options: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(Path, "mkdir", full)
        with pytest.raises(
            MediaError, match=r"out\.y4m cannot be written: No space left on device; the parts"
        ):
            run(source, tmp_path / "out.y4m")
    with monkeypatch.context() as patch:
        patch.setattr(target, "open_writer", full)
        with pytest.raises(MediaError, match=r"No space left on device; the parts made so far stay"):
            run(source, tmp_path / "out.y4m")
    assert calls(source, tmp_path / "out.y4m") == 4


def test_a_file_system_without_second_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = write(tmp_path / "in.y4m", ramp(4))

    def refuse(*arguments: object) -> None:
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(os, "link", refuse)
    run(source, tmp_path / "out")
    assert len(list((tmp_path / "out").iterdir())) == 8


def test_what_a_killed_run_left_is_taken_away(tmp_path: Path) -> None:
    source = write(tmp_path / "in.y4m", ramp(4))
    interrupted(source, tmp_path / "out.mp4")
    (tmp_path / ".out.mp4.abcdefgh.part.mp4").write_bytes(b"half")
    (tmp_path / "out.mp4.parts" / ".000001.mp4.abcdefgh.part.mp4").write_bytes(b"half")
    (tmp_path / ".out.mp4.lock").touch()
    assert calls(source, tmp_path / "out.mp4") == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.y4m", "out.mp4"]
