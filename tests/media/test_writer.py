"""What is written comes back; what fails leaves nothing."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace

import av
import numpy as np
import pytest
from PIL import Image

from core.errors import MediaError
from core.media.colour import Matrix, Range, Subsampling, rgb_to_yuv, yuv_to_rgb
from core.media.reader import open_video
from core.media.tracks import TrackSource
from core.media.writer import open_writer
from core.testing.material import moving_frames

RATE = Fraction(30000, 1001)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def write(
    path: Path,
    pictures: list[np.ndarray],
    times: list[Fraction | None] | list[Fraction] | None = None,
    **options: object,
) -> Path:
    height, width = pictures[0].shape[1:]
    settings = {"width": width, "height": height, "frame_rate": RATE, **options}
    with open_writer(path, **settings) as writer:  # type: ignore[arg-type]
        for number, picture in enumerate(pictures):
            writer.write(picture, None if times is None else times[number])
    return path


@pytest.fixture
def pictures(footage: SimpleNamespace) -> list[np.ndarray]:
    return [footage.moving_picture(64, 48, number) for number in range(12)]


@pytest.fixture
def odd_pictures(footage: SimpleNamespace) -> list[np.ndarray]:
    return [footage.moving_picture(45, 31, number) for number in range(3)]


@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
@pytest.mark.parametrize(
    ("matrix", "range"),
    [(Matrix.BT709, Range.LIMITED), (Matrix.BT601, Range.FULL), (Matrix.BT2020, Range.LIMITED)],
)
def test_colour_is_tagged_and_comes_back(
    tmp_path: Path, pictures: list[np.ndarray], suffix: str, matrix: Matrix, range: Range
) -> None:
    path = write(tmp_path / f"a.{suffix}", pictures, matrix=matrix, range=range, crf=4)
    with open_video(path) as reader:
        assert (reader.info.matrix, reader.info.range) == (matrix, range)
        assert (reader.info.depth, reader.info.codec) == (8, "h264")
        frames = list(reader)
    assert len(frames) == len(pictures)
    for frame, picture in zip(frames, pictures, strict=True):
        assert np.abs(frame.rgb - picture).mean() < 0.01
    with av.open(str(path)) as container:
        context = container.streams.video[0].codec_context
        assert context.colorspace == {Matrix.BT709: 1, Matrix.BT601: 6, Matrix.BT2020: 9}[matrix]
        assert context.color_range == {Range.LIMITED: 1, Range.FULL: 2}[range]


def test_mp4_times_are_exact(tmp_path: Path, pictures: list[np.ndarray]) -> None:
    for rate in (Fraction(25), RATE, Fraction(24000, 1001), Fraction(2997, 125)):
        with open_video(write(tmp_path / "a.mp4", pictures, frame_rate=rate)) as reader:
            assert (reader.info.frame_rate, reader.info.frame_count) == (rate, 12)
            assert reader.info.duration == 12 / rate
            assert [frame.pts for frame in reader] == [number / rate for number in range(12)]


def test_given_times_are_kept(tmp_path: Path, pictures: list[np.ndarray]) -> None:
    times = [Fraction(number * number, 90) for number in range(12)]
    with open_video(write(tmp_path / "a.mp4", pictures, times)) as reader:
        assert [frame.pts for frame in reader] == times
    with open_video(write(tmp_path / "a.mkv", pictures, times)) as reader:
        # Matroska counts milliseconds.
        assert all(
            abs(frame.pts - time) <= Fraction(1, 2000) for frame, time in zip(reader, times, strict=True)
        )


def test_odd_sizes_are_444(tmp_path: Path, odd_pictures: list[np.ndarray]) -> None:
    with open_video(write(tmp_path / "a.mp4", odd_pictures, crf=1)) as reader:
        assert (reader.info.width, reader.info.height, reader.info.pixel_format) == (45, 31, "yuv444p")
        for frame, picture in zip(reader, odd_pictures, strict=True):
            assert np.abs(frame.rgb - picture).max() < 0.03
    with pytest.raises(MediaError, match="use yuv444p"):
        write(tmp_path / "b.mp4", odd_pictures, pixel_format="yuv420p")


def test_ten_bits_are_finer(tmp_path: Path, pictures: list[np.ndarray]) -> None:
    errors = []
    for pixel_format in ("yuv444p", "yuv444p10le"):
        path = write(tmp_path / "a.y4m", pictures[:3], pixel_format=pixel_format)
        with open_video(path) as reader:
            assert reader.info.pixel_format == pixel_format
            pairs = zip(reader, pictures[:3], strict=True)
            errors.append(max(np.abs(frame.rgb - picture).max() for frame, picture in pairs))
    assert errors[1] < errors[0] / 3


@pytest.mark.parametrize("pixel_format", ["yuv420p", "yuv444p", "yuv420p10le"])
def test_y4m_holds_the_planes_exactly(
    footage: SimpleNamespace, tmp_path: Path, odd_pictures: list[np.ndarray], pixel_format: str
) -> None:
    path = write(tmp_path / "a.y4m", odd_pictures, pixel_format=pixel_format)
    depth = 10 if pixel_format.endswith("10le") else 8
    factor = 2 if "420" in pixel_format else 1
    subsampling = Subsampling.YUV420 if factor == 2 else Subsampling.YUV444
    header, stored = footage.split_y4m(path.read_bytes())
    assert b"W45 H31 F30000:1001" in header
    for data, picture in zip(stored, odd_pictures, strict=True):
        planes = rgb_to_yuv(
            picture, matrix=Matrix.BT601, range=Range.LIMITED, depth=depth, subsampling=subsampling
        )
        for plane, expected in zip(
            footage.planes_of(data, 45, 31, depth, factor, factor), planes, strict=True
        ):
            np.testing.assert_array_equal(plane, expected)
    with open_video(path) as reader:
        for frame, picture in zip(reader, odd_pictures, strict=True):
            planes = rgb_to_yuv(
                picture, matrix=Matrix.BT601, range=Range.LIMITED, depth=depth, subsampling=subsampling
            )
            expected = yuv_to_rgb(*planes, matrix=Matrix.BT601, range=Range.LIMITED, depth=depth)
            np.testing.assert_array_equal(frame.rgb, expected)


def test_y4m_of_full_range_says_so(tmp_path: Path, odd_pictures: list[np.ndarray]) -> None:
    with open_video(write(tmp_path / "a.y4m", odd_pictures, range=Range.FULL)) as reader:
        assert reader.info.range is Range.FULL


def test_picture_folders(tmp_path: Path, odd_pictures: list[np.ndarray]) -> None:
    folder = write(tmp_path / "out", odd_pictures)
    assert sorted(path.name for path in folder.iterdir()) == ["00000.png", "00001.png", "00002.png"]
    codes = np.asarray(Image.open(folder / "00001.png")).transpose(2, 0, 1)
    np.testing.assert_array_equal(codes, np.rint(odd_pictures[1] * 255))
    with pytest.raises(MediaError, match="not an empty folder"):
        write(folder, odd_pictures)
    (tmp_path / "empty").mkdir()
    write(tmp_path / "empty", odd_pictures)


@pytest.mark.parametrize("pixel_format", ["yuv420p", "yuv420p10le"])
def test_the_same_pictures_give_the_same_bytes(
    tmp_path: Path, pictures: list[np.ndarray], pixel_format: str
) -> None:
    """Also where memory lies otherwise, which x264's fastest code answers with other bits."""
    rng = np.random.default_rng(0)
    files = set()
    for _ in range(12):
        with open_writer(
            tmp_path / "a.mp4", width=64, height=48, frame_rate=RATE, pixel_format=pixel_format
        ) as writer:
            for picture in pictures:
                scattered = [bytes(int(size)) for size in rng.integers(100, 20_000, 20)]
                writer.write(picture)
        files.add((tmp_path / "a.mp4").read_bytes())
        assert scattered
    assert len(files) == 1


@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
def test_sound_is_copied_packet_by_packet(
    footage: SimpleNamespace, tmp_path: Path, pictures: list[np.ndarray], tone: Path, suffix: str
) -> None:
    path = write(tmp_path / f"a.{suffix}", pictures, tracks=TrackSource(tone))
    copied, original = footage.audio_packets(path), footage.audio_packets(tone)
    assert [data for _, data in copied] == [data for _, data in original]
    with open_video(path) as reader:
        assert reader.info.has_audio
        assert len(list(reader)) == 12
    if suffix == "mp4":
        assert [time for time, _ in copied] == [time for time, _ in original]
    # A second copy, now from a video: sound and pictures keep their places.
    again = write(tmp_path / f"b.{suffix}", pictures, tracks=TrackSource(path))
    assert footage.audio_packets(again) == copied


def test_sound_of_all_streams(
    footage: SimpleNamespace, tmp_path: Path, pictures: list[np.ndarray], tone: Path
) -> None:
    both = tmp_path / "both.mkv"
    with av.open(str(tone)) as source, av.open(str(both), "w") as output:
        streams = [output.add_stream_from_template(source.streams.audio[0]) for _ in range(2)]
        for packet in source.demux(audio=0):
            if packet.size:
                for stream in streams:
                    copy = av.Packet(bytes(packet))
                    copy.pts, copy.dts, copy.time_base, copy.duration = (
                        packet.pts, packet.dts, packet.time_base, packet.duration
                    )  # fmt: skip
                    copy.stream = stream
                    output.mux(copy)
    with av.open(str(write(tmp_path / "a.mp4", pictures, tracks=TrackSource(both)))) as container:
        assert len(container.streams.audio) == 2


def test_a_source_without_sound_adds_none(tmp_path: Path, pictures: list[np.ndarray]) -> None:
    silent = write(tmp_path / "a.mp4", pictures)
    with open_video(write(tmp_path / "b.mp4", pictures, tracks=TrackSource(silent))) as reader:
        assert not reader.info.has_audio


def test_sound_that_does_not_fit(
    footage: SimpleNamespace, tmp_path: Path, pictures: list[np.ndarray], tone: Path
) -> None:
    wave = footage.make_tone(tmp_path / "tone.wav", "adpcm_ms", "s16")
    with pytest.raises(MediaError, match="cannot hold the adpcm_ms sound"):
        write(tmp_path / "a.mp4", pictures, tracks=TrackSource(wave))
    with pytest.raises(MediaError, match="cannot carry sound"):
        write(tmp_path / "a.y4m", pictures, tracks=TrackSource(tone))
    with pytest.raises(MediaError, match="does not exist"):
        write(tmp_path / "a.mp4", pictures, tracks=TrackSource(tmp_path / "missing.m4a"))
    assert names(tmp_path) == ["tone.wav"]


def fail_after_one_picture(path: Path, picture: np.ndarray) -> None:
    with open_writer(path, width=64, height=48, frame_rate=RATE) as writer:
        writer.write(picture)
        raise RuntimeError


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.y4m", "folder"])
def test_an_error_leaves_nothing(tmp_path: Path, pictures: list[np.ndarray], name: str) -> None:
    with pytest.raises(RuntimeError):
        fail_after_one_picture(tmp_path / name, pictures[0])
    assert names(tmp_path) == []


def test_an_older_file_stays_until_the_end(tmp_path: Path, pictures: list[np.ndarray]) -> None:
    path = tmp_path / "a.mp4"
    path.write_text("older")
    with open_writer(path, width=64, height=48, frame_rate=RATE) as writer:
        writer.write(pictures[0])
        assert path.read_text() == "older"
    assert path.stat().st_size > 100
    assert names(tmp_path) == ["a.mp4"]


@pytest.mark.parametrize("name", ["a.mp4", "folder"])
def test_no_picture_is_an_error(tmp_path: Path, name: str) -> None:
    with (
        pytest.raises(MediaError, match="no picture was written"),
        open_writer(tmp_path / name, width=64, height=48, frame_rate=RATE),
    ):
        pass
    assert names(tmp_path) == []


def test_mistakes_are_named(tmp_path: Path, pictures: list[np.ndarray]) -> None:
    def refuse(text: str, name: str = "a.mp4", **options: object) -> None:
        with pytest.raises(MediaError, match=text):
            write(tmp_path / name, pictures[:2], **options)  # type: ignore[arg-type]
        assert names(tmp_path) == []

    refuse("use .mp4, .mkv, .y4m", "a.wmv")
    refuse("is not a folder", "none/a.mp4")
    refuse("cannot write 'rgb24'", pixel_format="rgb24")
    refuse("cannot be written", preset="quickest")
    refuse("0x48", width=0)
    refuse("has shape", width=66)
    refuse("does not rise", times=[Fraction(0), Fraction(0)])
    pictures[1] = np.full_like(pictures[1], np.nan)
    refuse("not numbers")
    pictures[1] = pictures[0]
    refuse("to all pictures or to none", times=[None, Fraction(1)])


def test_one_thread_gives_the_same_bytes_every_time(tmp_path: Path) -> None:
    """Long enough for x264's trees of macroblocks, which its assembly does not propagate alike each time."""
    made = []
    for number in range(4):
        with open_writer(tmp_path / f"{number}.mp4", width=80, height=48, frame_rate=25) as writer:
            for frame in moving_frames(100, 48, 80):
                writer.write(frame)
        made.append((tmp_path / f"{number}.mp4").read_bytes())
    assert made.count(made[0]) == 4
