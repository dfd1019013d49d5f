"""Upscaling of whole video files, with an upscaler that can be checked by hand: repetition and averaging."""

from __future__ import annotations

from collections.abc import Collection
from fractions import Fraction
from itertools import islice
from pathlib import Path

import av
import numpy as np
import pytest

from core.errors import MediaError
from core.hooks import Array, Output
from core.media.output import check_output
from core.media.reader import open_video
from core.media.writer import open_writer
from core.upscaling import video
from core.upscaling.video import Upscaled, UpscaleOptions, upscale

EMBEDDED = Path(__file__).parents[2] / "core" / "data" / "embedded"
RATE = Fraction(25)


class Repeat:
    """Doubles the size by repeating pixels; the middle is the mean."""

    scale = 2
    alignment = 4
    calls = 0

    def __call__(self, first: Array, last: Array, outputs: Collection[Output]) -> dict[Output, Array]:
        self.calls += 1
        middle = (first + last) / 2
        sources = {Output.FIRST: first, Output.MIDDLE: middle, Output.LAST: last}
        large = {o: s.repeat(2, axis=-1).repeat(2, axis=-2) for o, s in sources.items()}
        return {o: {**large, Output.LOW_MIDDLE: middle}[o] for o in outputs}


def ramp(count: int, height: int = 24, width: int = 36) -> list[Array]:
    """Frames of one grey each, brighter by four steps of 8 bits from frame to frame."""
    return [np.full((3, height, width), (40 + 4 * i) / 255, np.float32) for i in range(count)]


def write(path: Path, frames: list[Array]) -> Path:
    _, height, width = frames[0].shape
    with open_writer(path, width=width, height=height, frame_rate=RATE, crf=4) as writer:
        for frame in frames:
            writer.write(frame)
    return path


def run(
    source: Path, output: Path, upscaler: Repeat | None = None, identity: str = "repeat", **options: object
) -> Upscaled:
    return upscale(source, output, upscaler or Repeat(), UpscaleOptions(**options), identity=identity)  # type: ignore[arg-type]


def read(path: Path) -> tuple[list[Array], list[Fraction]]:
    with open_video(path) as reader:
        frames = list(reader)
    return [f.rgb for f in frames], [f.pts for f in frames]


@pytest.mark.parametrize("suffix", [".mp4", ".MP4", ".mkv", ".y4m", ""])
def test_twice_the_frames_twice_the_size(tmp_path: Path, suffix: str) -> None:
    source = write(tmp_path / "in.y4m", ramp(5))
    result = run(source, tmp_path / f"out{suffix}")
    frames, times = read(tmp_path / f"out{suffix}")
    assert (result.frames, result.width, result.height) == (10, 72, 48)
    assert len(frames) == 10
    assert frames[0].shape == (3, 48, 72)
    grey = [float(f.mean()) * 255 for f in frames]
    expected = [40, 42, 44, 46, 48, 50, 52, 54, 56, 56]
    np.testing.assert_allclose(grey, expected, atol=1.0)
    if suffix:
        assert [round(t * 50) for t in times] == list(range(10))


def test_only_smoother(tmp_path: Path) -> None:
    source = write(tmp_path / "in.y4m", ramp(3))
    run(source, tmp_path / "out.y4m", spatial=False)
    frames, _ = read(tmp_path / "out.y4m")
    assert len(frames) == 6
    assert frames[0].shape == (3, 24, 36)
    np.testing.assert_allclose([f.mean() * 255 for f in frames], [40, 42, 44, 46, 48, 48], atol=0.6)


def test_only_larger(tmp_path: Path) -> None:
    source = write(tmp_path / "in.y4m", ramp(3))
    run(source, tmp_path / "out.y4m", temporal=False)
    frames, times = read(tmp_path / "out.y4m")
    assert [f.shape for f in frames] == [(3, 48, 72)] * 3
    assert times == [0, Fraction(1, 25), Fraction(2, 25)]


def test_no_blended_frame_across_a_cut(tmp_path: Path) -> None:
    shots = []
    for name in ("box_handheld", "city_night"):
        with open_video(EMBEDDED / f"{name}.mp4") as reader:
            shots.append([np.ascontiguousarray(frame.rgb[:, :96, :96]) for frame in islice(reader, 4)])
    source = write(tmp_path / "in.mp4", shots[0] + shots[1])
    result = run(source, tmp_path / "out.y4m")
    frames, _ = read(tmp_path / "out.y4m")
    assert result.cuts == 1
    np.testing.assert_array_equal(frames[7], frames[6])
    assert np.abs(frames[5] - frames[4]).max() > 0


def test_a_video_of_one_frame(tmp_path: Path) -> None:
    source = write(tmp_path / "in.y4m", ramp(1))
    assert run(source, tmp_path / "out.mp4").frames == 2
    assert len(read(tmp_path / "out.mp4")[0]) == 2


def test_a_killed_job_goes_on_after_its_last_whole_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(video, "SEGMENT_FRAMES", 2)
    source = write(tmp_path / "in.y4m", ramp(7))
    run(source, tmp_path / "whole.mp4")

    class Failing(Repeat):
        def __call__(self, first: Array, last: Array, outputs: Collection[Output]) -> dict[Output, Array]:
            if self.calls == 5:
                raise KeyboardInterrupt
            return super().__call__(first, last, outputs)

    with pytest.raises(KeyboardInterrupt):
        run(source, tmp_path / "out.mp4", Failing())
    assert not (tmp_path / "out.mp4").exists()
    again = Repeat()
    run(source, tmp_path / "out.mp4", again)
    assert again.calls == 3  # frames 4, 5 and 6; the parts of frames 0 to 3 were whole
    for resumed, straight in zip(read(tmp_path / "out.mp4")[0], read(tmp_path / "whole.mp4")[0], strict=True):
        np.testing.assert_array_equal(resumed, straight)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["in.y4m", "out.mp4", "whole.mp4"]


@pytest.mark.parametrize(("identity", "calls"), [("repeat", 2), ("", 4), ("other", 4)])
def test_parts_are_taken_up_only_from_the_same_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, identity: str, calls: int
) -> None:
    monkeypatch.setattr(video, "SEGMENT_FRAMES", 2)
    source = write(tmp_path / "in.y4m", ramp(4))

    class Failing(Repeat):
        def __call__(self, first: Array, last: Array, outputs: Collection[Output]) -> dict[Output, Array]:
            if self.calls == 2:
                raise KeyboardInterrupt
            return super().__call__(first, last, outputs)

    with pytest.raises(KeyboardInterrupt):
        run(source, tmp_path / "out.y4m", Failing())
    again = Repeat()
    run(source, tmp_path / "out.y4m", again, identity)
    assert again.calls == calls


def test_sound_is_kept_as_it_is(tmp_path: Path) -> None:
    silent = write(tmp_path / "silent.mp4", ramp(25))
    source = add_sound(silent, tmp_path / "in.mp4")
    run(source, tmp_path / "out.mp4")
    with av.open(str(source)) as before, av.open(str(tmp_path / "out.mp4")) as after:
        packets = [[bytes(p) for p in c.demux(audio=0) if p.size] for c in (before, after)]
    assert len(packets[0]) > 10
    assert packets[0] == packets[1]


def add_sound(silent: Path, path: Path) -> Path:
    """The same video with a second of a tone."""
    tone = (np.sin(np.arange(44_100) * 2 * np.pi * 440 / 44_100) * 8000).astype(np.int16)[None]
    with av.open(str(silent)) as source, av.open(str(path), "w") as target:
        pictures = target.add_stream_from_template(source.streams.video[0])
        sound = target.add_stream("aac", rate=44_100, layout="mono")
        for packet in source.demux(video=0):
            if packet.dts is not None:
                packet.stream = pictures
                target.mux(packet)
        frame = av.AudioFrame.from_ndarray(tone, format="s16", layout="mono")
        frame.sample_rate = 44_100
        for packet in [*sound.encode(frame), *sound.encode(None)]:
            target.mux(packet)
    return path


@pytest.mark.parametrize(
    ("output", "sentence"),
    [("out.gif", "unknown ending"), ("none/out.mp4", "is not a folder"), ("in.mp4", "is the input itself")],
)
def test_an_output_that_cannot_be(tmp_path: Path, output: str, sentence: str) -> None:
    (tmp_path / "in.mp4").touch()
    with pytest.raises(MediaError, match=sentence):
        check_output(tmp_path / "in.mp4", tmp_path / output, overwrite=False)


def test_an_output_that_exists_is_not_lost(tmp_path: Path) -> None:
    (tmp_path / "out.mp4").touch()
    with pytest.raises(MediaError, match=r"task\.overwrite=true"):
        check_output(tmp_path / "in.mp4", tmp_path / "out.mp4", overwrite=False)
    check_output(tmp_path / "in.mp4", tmp_path / "out.mp4", overwrite=True)
