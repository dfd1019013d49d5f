"""An upscaled file says of itself what its source says, lasts as long, and what it cannot hold is told first."""

from __future__ import annotations

import logging
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest

from core.errors import MediaError
from core.hooks import Array
from core.media.presentation import TrackKind
from core.media.reader import open_video
from core.upscaling import video
from core.upscaling.baselines import Baseline
from core.upscaling.options import UpscaleOptions
from core.upscaling.video import upscale
from tests.media.clips import DISPLAY, HDR, Film, Seen, look, make

PLAIN = Film()
TEN_BITS = Film(
    codec="libx265",
    pixel_format="yuv420p10le",
    colour=HDR,
    options={"x265-params": f"log-level=none:bframes=0:master-display={DISPLAY}:max-cll=1000,400"},
)
FULL = Film(
    sounds=(("aac", "fltp", "ger"), ("aac", "fltp", "eng")),
    subtitles=((40, 200, "Hello"),),
    attachments={"f.ttf": bytes(range(256)) * 4},
    chapters=((0, 200, "One"), (200, 400, "Two")),
    metadata={"title": "My Film", "artist": "Me"},
    title="Main",
    language="fre",
)


class Untouched(Baseline):
    """Fails where a frame is made."""

    def __call__(self, *arguments: object) -> dict[object, Array]:  # type: ignore[override]
        raise AssertionError("a frame was made")


def run(source: Path, output: Path, **options: object) -> Seen:
    upscale(source, output, Baseline(2), UpscaleOptions(**options))  # type: ignore[arg-type]
    return look(output)


@pytest.fixture
def told(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.WARNING)
    return caplog


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "y4m"])
def test_the_shape_of_samples(tmp_path: Path, suffix: str) -> None:
    source = make(tmp_path / "in.mp4", replace(PLAIN, aspect=Fraction(32, 27)))
    assert run(source, tmp_path / f"out.{suffix}").aspect == Fraction(32, 27)


@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
@pytest.mark.parametrize(
    "tags",
    [(6, 6, 6, 1), (5, 5, 6, 2), (1, 1, 1, 1), (1, 1, 13, 2), (9, 9, 14, 1)],
    ids=["smpte170m", "bt470bg full", "bt709", "srgb", "bt2020"],
)
def test_tags_of_colour_stay(tmp_path: Path, suffix: str, tags: tuple[int, int, int, int]) -> None:
    names = ("colorspace", "color_primaries", "color_trc", "color_range")
    film = replace(PLAIN, colour=dict(zip(names, tags, strict=True)), options={"bf": "0", "qp": "4"})
    source = make(tmp_path / "in.mp4", film)
    assert look(source).colour == tags
    assert run(source, tmp_path / f"out.{suffix}", crf=4).colour == tags
    with open_video(source) as before, open_video(tmp_path / f"out.{suffix}") as after:
        old, new = next(iter(before)).rgb, next(iter(after)).rgb
    np.testing.assert_allclose(new.mean((1, 2)), old.mean((1, 2)), atol=0.005)


def test_untagged_video_gets_the_matrix_that_was_assumed_and_no_more(tmp_path: Path) -> None:
    assert run(make(tmp_path / "in.mp4", PLAIN), tmp_path / "out.mp4").colour == (6, 2, 2, 1)


@pytest.mark.parametrize(
    ("suffix", "pixel_format", "codec"),
    [("mp4", "yuv420p10le", "hevc"), ("mkv", "yuv420p10le", "hevc"), ("mkv", "yuv420p", "h264")],
)
def test_high_dynamic_range(
    tmp_path: Path, suffix: str, pixel_format: str, codec: str, told: pytest.LogCaptureFixture
) -> None:
    source = make(tmp_path / "in.mp4", replace(TEN_BITS, pixel_format=pixel_format))
    seen = run(source, tmp_path / f"out.{suffix}")
    assert (seen.colour, seen.pixel_format, seen.codec) == ((9, 9, 16, 1), pixel_format, codec)
    assert {"MASTERING_DISPLAY_METADATA", "CONTENT_LIGHT_LEVEL"} <= seen.side_data
    with open_video(tmp_path / "in.mp4") as before, open_video(tmp_path / f"out.{suffix}") as after:
        old, new = before.info.presentation, after.info.presentation
        assert old.mastering is not None and old.mastering.red == (34000, 16000)
        assert (new.mastering, new.light) == (old.mastering, old.light)
    assert len(told.messages) == 1
    assert "high dynamic range (PQ): networks see its values as they stand" in told.messages[0]


def test_ten_bits_in_other_targets(tmp_path: Path, told: pytest.LogCaptureFixture) -> None:
    source = make(tmp_path / "in.mp4", TEN_BITS)
    assert run(source, tmp_path / "out.y4m").pixel_format == "yuv444p10le"
    assert "out.y4m: primaries and transfer function of the colours, mastering display" in told.messages[0]
    upscale(source, tmp_path / "out", Baseline(2))
    with open_video(tmp_path / "out") as reader, open_video(source) as original:
        assert reader.info.depth == 16
        np.testing.assert_allclose(
            next(iter(reader)).rgb.mean((1, 2)), next(iter(original)).rgb.mean((1, 2)), atol=0.003
        )


def test_all_tracks_of_a_film_in_mkv(tmp_path: Path, told: pytest.LogCaptureFixture) -> None:
    source = make(tmp_path / "in.mkv", FULL)
    seen = run(source, tmp_path / "out.mkv")
    assert seen.others == [
        ("audio", "aac", "ger"),
        ("audio", "aac", "eng"),
        ("subtitle", "srt", ""),
        ("attachment", "f.ttf", ""),
    ]
    start = seen.times[0]
    assert seen.chapters == look(source).chapters == [(0, 0.2, "One"), (0.2, 0.4, "Two")]
    assert seen.metadata["title"] == "My Film" and seen.metadata["artist"] == "Me"
    assert (seen.title, seen.language) == ("Main", "fre")
    assert start < 0.1
    with av.open(str(source)) as before, av.open(str(tmp_path / "out.mkv")) as after:
        for kind in ("audio", "subtitles"):
            copied, original = (
                [
                    (round(float(p.pts * p.time_base), 3), bytes(p))
                    for p in c.demux(getattr(c.streams, kind))
                    if p.size
                ]
                for c in (after, before)
            )
            assert copied == original
        assert [one.data for one in after.streams.attachments] == [FULL.attachments["f.ttf"]]
    assert told.messages == []


@pytest.mark.parametrize(
    ("suffix", "words"),
    [
        ("mp4", ["attachment (f.ttf)"]),
        (
            "y4m",
            [
                "sound (aac, ger)",
                "sound (aac, eng)",
                "subtitles (srt)",
                "attachment (f.ttf)",
                "chapters",
                "tags (",
            ],
        ),
        ("", ["sound (aac, ger)", "subtitles (srt)", "chapters"]),
    ],
)
def test_what_is_left_out_is_told_in_one_line(
    tmp_path: Path, told: pytest.LogCaptureFixture, suffix: str, words: list[str]
) -> None:
    output = tmp_path / ("out" + (f".{suffix}" if suffix else ""))
    with pytest.raises(AssertionError, match="a frame was made"):
        upscale(make(tmp_path / "in.mkv", FULL), output, Untouched(2))
    (sentence,) = told.messages
    assert sentence.startswith(f"Left out of {output}: ")
    assert all(word in sentence for word in words)
    if suffix == "mp4":
        assert "subtitles" not in sentence
        assert "sound" not in sentence and "chapters" not in sentence and "tags" not in sentence


def test_subtitles_become_text_of_the_targets_own_kind(
    tmp_path: Path, told: pytest.LogCaptureFixture
) -> None:
    """From mkv into mp4 and back: the words, what little form they have, and when they are shown."""
    lines = ((40, 100, "Hello <i>you</i>\nthere"), (240, 120, "Grüße, 映画"))
    source = make(tmp_path / "in.mkv", replace(PLAIN, subtitles=lines))
    assert [name for _, name, _ in run(source, tmp_path / "out.mp4").others] == ["mov_text"]
    assert [name for _, name, _ in run(tmp_path / "out.mp4", tmp_path / "back.mkv").others] == ["srt"]
    with av.open(str(tmp_path / "back.mkv")) as container:
        packets = [packet for packet in container.demux(subtitles=0) if packet.size]
    assert [(p.pts, p.duration, bytes(p).decode()) for p in packets] == list(lines)
    assert told.messages == []


def test_times_rise_in_matroska(tmp_path: Path) -> None:
    """Also where frames between neighbours would come at half a millisecond."""
    source = make(tmp_path / "in.mkv", replace(PLAIN, times=(0, 1, 2, 80, 81, 160)))
    seen = run(source, tmp_path / "out.mkv")
    assert all(earlier < later for earlier, later in pairwise(seen.times))
    assert seen.times == [0, 0.001, 0.002, 0.003, 0.004, 0.041, 0.08, 0.081, 0.082, 0.121, 0.16, 0.18]
    fast = make(tmp_path / "fast.mp4", replace(PLAIN, times=range(10), last=1, rate=Fraction(1000)))
    with pytest.raises(
        MediaError, match=r"counts milliseconds, too few for 2000 frames per second: write \.mp4"
    ):
        upscale(fast, tmp_path / "fast.mkv", Untouched(2))


def test_chapters_titles_and_languages_in_mp4(tmp_path: Path) -> None:
    seen = run(make(tmp_path / "in.mkv", FULL), tmp_path / "out.mp4")
    assert seen.chapters == [(0, 0.2, "One"), (0.2, 0.4, "Two")]
    with open_video(tmp_path / "out.mp4") as reader:  # whose chapters are a track of text
        assert TrackKind.DATA not in [track.kind for track in reader.info.presentation.tracks]
    assert (seen.metadata["title"], seen.metadata["artist"], seen.language) == ("My Film", "Me", "fre")
    assert seen.others == [("audio", "aac", "ger"), ("audio", "aac", "eng"), ("subtitle", "mov_text", "und")]


@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
def test_the_stated_rate_is_that_of_the_film(tmp_path: Path, suffix: str) -> None:
    seen = run(make(tmp_path / "in.mp4", PLAIN), tmp_path / f"out.{suffix}")
    assert (seen.average_rate, seen.base_rate) == (50, 50)
    assert seen.duration == pytest.approx(0.4, abs=0.001)


def test_a_constant_rate_that_milliseconds_blurred(tmp_path: Path) -> None:
    times = [round(number * 1001 / 30) for number in range(12)]
    source = make(tmp_path / "in.mkv", replace(PLAIN, times=times, last=33, rate=Fraction(30000, 1001)))
    seen = run(source, tmp_path / "out.mp4")
    assert (seen.average_rate, seen.base_rate) == (Fraction(60000, 1001), Fraction(60000, 1001))
    assert seen.times == [round(number * 1001 / 60000, 4) for number in range(24)]


@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
@pytest.mark.parametrize("part", [32, 2, 1])
def test_the_last_frame_is_shown_as_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str, part: int
) -> None:
    monkeypatch.setattr(video, "SEGMENT_FRAMES", part)
    source = make(tmp_path / "in.mp4", replace(PLAIN, times=(0, 1000, 2000), last=4000))
    seen = run(source, tmp_path / f"out.{suffix}")
    assert seen.times == [0, 0.5, 1, 1.5, 2, 4]
    assert seen.duration == pytest.approx(6, abs=0.001)


VARIABLE = replace(PLAIN, times=(0, 40, 120, 200, 320, 440, 600, 760, 960, 1160), last=40)


def test_a_varying_rate_stays_exact(tmp_path: Path) -> None:
    seen = run(make(tmp_path / "in.mp4", VARIABLE), tmp_path / "out.mp4")
    times = [*VARIABLE.times, 1200]
    halves = [t for a, b in pairwise(times) for t in (a / 1000, (a + b) / 2000)]
    assert seen.times == halves
    assert seen.duration == pytest.approx(1.2, abs=0.001)


@pytest.mark.parametrize("suffix", ["y4m", ""])
@pytest.mark.parametrize("part", [32, 3])
def test_a_varying_rate_without_times_repeats_frames(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, told: pytest.LogCaptureFixture, suffix: str, part: int
) -> None:
    monkeypatch.setattr(video, "SEGMENT_FRAMES", part)
    source = make(tmp_path / "in.mp4", VARIABLE)
    output = tmp_path / ("out" + (f".{suffix}" if suffix else ""))
    result = upscale(source, output, Baseline(2))
    assert "has a varying frame rate" in told.text
    with open_video(output) as reader:
        frames = [frame.rgb for frame in reader]
    assert len(frames) == result.frames == 60 and result.frame_rate == 50
    changes = [n for n in range(1, 60) if np.abs(frames[n] - frames[n - 1]).max() > 0]
    times = [*VARIABLE.times, 1200]
    begins = [round(t / 20) for a, b in pairwise(times) for t in (a, (a + b) / 2)]
    assert set(changes) <= set(begins[1:])
    assert len(changes) >= 18


def test_an_interval_of_hours_is_refused_where_frames_would_be_repeated(tmp_path: Path) -> None:
    source = make(tmp_path / "in.mp4", replace(PLAIN, times=(0, 40, 7_200_000)))
    with pytest.raises(MediaError, match=r"a frame that is shown for 7200 s .*: write \.mp4 or \.mkv"):
        upscale(source, tmp_path / "out.y4m", Untouched(2))
    assert run(source, tmp_path / "out.mkv").duration == pytest.approx(7200.04, abs=0.01)


@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
def test_sound_that_begins_before_the_pictures(tmp_path: Path, suffix: str) -> None:
    times = tuple(range(223, 623, 40))
    film = replace(PLAIN, times=times, sounds=(("pcm_s16le", "s16", ""),), sound_length=623)
    source = make(tmp_path / "in.mkv", film)
    seen = run(source, tmp_path / f"out.{suffix}", sound="aac" if suffix == "mp4" else "copy")
    assert seen.times[0] == pytest.approx(0.223, abs=0.001)
    ((begin, end),) = seen.sounds
    assert begin == pytest.approx(0, abs=0.065) and end >= 0.62
    assert seen.duration == pytest.approx(0.623, abs=0.07)


def test_sound_that_the_target_cannot_hold_is_told_before_the_first_frame(tmp_path: Path) -> None:
    source = make(tmp_path / "in.mkv", replace(PLAIN, sounds=(("pcm_u8", "u8", ""),)))
    with pytest.raises(
        MediaError, match=r"pcm_u8 sound of .*\.mkv file, or give task\.sound=aac .*task\.sound=none"
    ):
        upscale(source, tmp_path / "out.mp4", Untouched(2))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.mkv"]
    seen = run(source, tmp_path / "out.mkv")
    assert [kind for kind, *_ in seen.others] == ["audio"] and seen.others[0][1] == "pcm_u8"


def test_a_way_out_that_does_not_work_is_not_named(tmp_path: Path) -> None:
    source = make(tmp_path / "in.avi", replace(PLAIN, sounds=(("adpcm_ms", "s16", ""),)))
    for name in ("out.mp4", "out.mkv"):
        with pytest.raises(MediaError, match=r"adpcm_ms sound of .*in\.avi: give task\.sound=aac"):
            upscale(source, tmp_path / name, Untouched(2))


def test_sound_coded_anew(tmp_path: Path) -> None:
    source = make(tmp_path / "in.mkv", replace(PLAIN, sounds=(("pcm_u8", "u8", "ger"),)))
    seen = run(source, tmp_path / "out.mp4", sound="aac")
    assert seen.others == [("audio", "aac", "ger")]
    with av.open(str(tmp_path / "out.mp4")) as container:
        frames = list(container.decode(audio=0))
        assert (frames[0].sample_rate, frames[0].layout.name) == (16000, "mono")
        heard = np.concatenate([frame.to_ndarray()[0] for frame in frames if frame.pts >= 0])
    spectrum = np.abs(np.fft.rfft(heard[1024:5120]))
    assert abs(int(spectrum.argmax()) * 16000 / 4096 - 440) < 5
    again = run(source, tmp_path / "again.mp4", sound="aac")
    assert again.others == seen.others
    assert (tmp_path / "again.mp4").read_bytes() == (tmp_path / "out.mp4").read_bytes()


def test_sound_left_out(tmp_path: Path, told: pytest.LogCaptureFixture) -> None:
    source = make(tmp_path / "in.mkv", replace(FULL, subtitles=(), attachments={}))
    seen = run(source, tmp_path / "out.mkv", sound="none")
    assert seen.others == []
    assert told.messages == [f"Left out of {tmp_path / 'out.mkv'}: sound (aac, ger), sound (aac, eng)."]


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "y4m", ""])
def test_the_same_command_gives_the_same_bytes(tmp_path: Path, suffix: str) -> None:
    source = make(
        tmp_path / "in.mkv",
        replace(FULL, metadata={**FULL.metadata, "creation_time": "2020-01-01T00:00:00Z"}),
    )
    made = []
    for name in ("a", "b"):
        output = tmp_path / (name + (f".{suffix}" if suffix else ""))
        upscale(source, output, Baseline(2))
        files = sorted(output.iterdir()) if output.is_dir() else [output]
        made.append([file.read_bytes() for file in files])
    assert made[0] == made[1]


def test_the_encoders_limits_are_told_before_the_first_frame(tmp_path: Path) -> None:
    class Huge(Untouched):
        def __init__(self) -> None:
            super().__init__(300)

    with pytest.raises(MediaError, match="x264 codes pictures with sides of 1 to 16384, not 19200x14400"):
        upscale(make(tmp_path / "in.mp4", PLAIN), tmp_path / "out.mp4", Huge())
