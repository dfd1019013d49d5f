"""Reading files: every sample in its place, tags honoured, damage named."""

from __future__ import annotations

import os
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace

import av
import numpy as np
import pytest

from core.errors import MediaError
from core.media.colour import Chroma, Matrix, Range, yuv_to_rgb
from core.media.planes import frame_to_rgb, tagged_range
from core.media.reader import RawFormat, open_video
from core.media.video import Frame

FORMATS = {
    "yuv420p": (8, 2, 2), "yuv422p": (8, 2, 1), "yuv444p": (8, 1, 1),
    "yuv420p10le": (10, 2, 2), "yuv422p10le": (10, 2, 1), "yuv444p10le": (10, 1, 1),
}  # fmt: skip
BT709_TAGS = {"colorspace": 1, "color_range": 1}


def frames_of(path: Path, **options: object) -> list[Frame]:
    with open_video(path, **options) as reader:  # type: ignore[arg-type]
        return list(reader)


@pytest.mark.parametrize("pixel_format", FORMATS)
@pytest.mark.parametrize("size", [(36, 24), (45, 31), (100, 33)])
def test_y4m_and_raw_agree_with_a_plain_reader(
    footage: SimpleNamespace, tmp_path: Path, pixel_format: str, size: tuple[int, int]
) -> None:
    depth, across, down = FORMATS[pixel_format]
    pictures = [footage.random_planes(*size, depth, across, down, seed) for seed in range(3)]
    y4m = footage.encode(
        tmp_path / "a.y4m", pictures, codec="rawvideo", pixel_format=pixel_format, container="yuv4mpegpipe"
    )
    _, stored = footage.split_y4m(y4m.read_bytes())
    raw = tmp_path / "a.yuv"
    raw.write_bytes(b"".join(stored))
    expected = []
    for data in stored:
        planes = footage.planes_of(data, *size, depth, across, down)
        expected.append(yuv_to_rgb(*planes, matrix=Matrix.BT601, range=Range.LIMITED, depth=depth))
    for frames in (
        frames_of(y4m),
        frames_of(raw, raw=RawFormat(*size, pixel_format=pixel_format, frame_rate=Fraction(25))),
    ):
        assert len(frames) == len(expected)
        for number, (frame, rgb) in enumerate(zip(frames, expected, strict=True)):
            assert frame.rgb.dtype == np.float32 and frame.rgb.flags.c_contiguous
            np.testing.assert_array_equal(frame.rgb, rgb)
            assert frame.pts == Fraction(number, 25)


def test_info_of_raw_and_y4m(footage: SimpleNamespace, tmp_path: Path) -> None:
    path = footage.encode(
        tmp_path / "a.y4m", [footage.random_planes(45, 31, 10, 2, 2, 0)] * 4,
        codec="rawvideo", pixel_format="yuv420p10le", container="yuv4mpegpipe", rate=30,
    )  # fmt: skip
    with open_video(path) as reader:
        info = reader.info
    assert (info.width, info.height, info.depth, info.pixel_format) == (45, 31, 10, "yuv420p10le")
    assert (info.frame_rate, info.frame_count, info.duration) == (30, 4, Fraction(4, 30))
    assert (info.matrix, info.range, info.has_audio) == (Matrix.BT601, Range.LIMITED, False)


@pytest.mark.parametrize("matrix", [Matrix.BT601, Matrix.BT709, Matrix.BT2020])
@pytest.mark.parametrize("range", Range)
def test_tags_of_a_file_are_honoured(
    footage: SimpleNamespace, tmp_path: Path, matrix: Matrix, range: Range
) -> None:
    planes = footage.random_planes(32, 24, 8, 1, 1, 5)
    tags = {
        "colorspace": {Matrix.BT601: 6, Matrix.BT709: 1, Matrix.BT2020: 9}[matrix],
        "color_range": {Range.LIMITED: 1, Range.FULL: 2}[range],
    }
    path = footage.encode(
        tmp_path / "a.mkv", [planes], codec="libx264", pixel_format="yuv444p", options={"qp": "0"}, tags=tags
    )
    with open_video(path) as reader:
        assert (reader.info.matrix, reader.info.range) == (matrix, range)
        frame = next(iter(reader))
    # x264 with qp 0 is lossless in 4:4:4.
    np.testing.assert_array_equal(frame.rgb, yuv_to_rgb(*planes, matrix=matrix, range=range))


@pytest.mark.parametrize(("height", "matrix"), [(718, Matrix.BT601), (720, Matrix.BT709)])
def test_untagged_files_follow_the_height(
    footage: SimpleNamespace, tmp_path: Path, height: int, matrix: Matrix
) -> None:
    planes = tuple(np.full((height, 16), code, np.uint8) for code in (63, 102, 240))
    path = footage.encode(tmp_path / "a.mkv", [planes], codec="ffv1", pixel_format="yuv444p")
    with open_video(path) as reader:
        assert (reader.info.matrix, reader.info.range) == (matrix, Range.LIMITED)
        red = next(iter(reader)).rgb[:, 0, 0]
    assert red[0] == pytest.approx(1.0 if matrix is Matrix.BT709 else 0.91, abs=0.01)
    for frame in frames_of(path, matrix=Matrix.BT709, range=Range.FULL):
        np.testing.assert_array_equal(frame.rgb, yuv_to_rgb(*planes, matrix=Matrix.BT709, range=Range.FULL))


def test_chroma_sampling_can_be_chosen(footage: SimpleNamespace, tmp_path: Path) -> None:
    planes = footage.random_planes(20, 10, 8, 2, 2, 0)
    path = footage.encode(tmp_path / "a.mkv", [planes], codec="ffv1", pixel_format="yuv420p")
    expected = yuv_to_rgb(*planes, matrix=Matrix.BT601, range=Range.LIMITED, chroma=Chroma.NEAREST)
    np.testing.assert_array_equal(frames_of(path, chroma=Chroma.NEAREST)[0].rgb, expected)


@pytest.mark.parametrize(("pixel_format", "depth"), [("gray", 8), ("gray10le", 10)])
def test_grey_video(footage: SimpleNamespace, tmp_path: Path, pixel_format: str, depth: int) -> None:
    y = footage.random_planes(31, 17, depth, 1, 1, 0)[0]
    path = footage.encode(tmp_path / "a.mkv", [(y,)], codec="ffv1", pixel_format=pixel_format)
    rgb = frames_of(path, range=Range.LIMITED)[0].rgb
    step = 1 << (depth - 8)
    np.testing.assert_allclose(rgb[1], np.clip((y / step - 16) / 219, 0, 1), atol=1e-6)
    np.testing.assert_array_equal(rgb[0], rgb[1])


def test_rgb_video(tmp_path: Path) -> None:
    codes = np.random.default_rng(0).integers(0, 256, (14, 22, 3), np.uint8)
    with av.open(str(tmp_path / "a.mkv"), "w") as output:
        stream = output.add_stream("ffv1", rate=25)
        stream.width, stream.height, stream.pix_fmt = 22, 14, "bgr0"
        output.mux(stream.encode(av.VideoFrame.from_ndarray(codes, format="rgb24").reformat(format="bgr0")))
        output.mux(stream.encode(None))
    rgb = frames_of(tmp_path / "a.mkv")[0].rgb
    np.testing.assert_array_equal(np.rint(rgb * 255), codes.transpose(2, 0, 1))


@pytest.mark.parametrize("range", [1, 2])
def test_unpacking_keeps_the_codes_of_either_range(range: int) -> None:
    frame = av.VideoFrame(16, 16, "nv12")
    codes = np.arange(256, dtype=np.uint8).reshape(16, 16)
    frame.planes[0].update(_padded(codes, frame.planes[0].line_size))
    frame.planes[1].update(bytes([128]) * frame.planes[1].buffer_size)
    frame.color_range, frame.colorspace = range, 1
    rgb = frame_to_rgb(frame, Matrix.BT709, tagged_range(frame))
    expected = codes / 255.0 if range == 2 else np.clip((codes - 16.0) / 219, 0, 1)
    np.testing.assert_allclose(rgb[1], expected, atol=1e-6)


def _padded(codes: np.ndarray, line_size: int) -> bytes:
    return np.pad(codes, ((0, 0), (0, line_size - codes.shape[1]))).tobytes()


@pytest.mark.parametrize("pixel_format", ["nv12", "yuyv422", "yuv411p"])
def test_other_layouts_keep_luma(footage: SimpleNamespace, tmp_path: Path, pixel_format: str) -> None:
    """Packed or rare layouts go through libav; with neutral chroma every sample of luma must survive."""
    y = footage.random_planes(32, 16, 8, 1, 1, 3)[0].clip(16, 235)
    data = {"nv12": y.tobytes() + b"\x80" * 256, "yuv411p": y.tobytes() + b"\x80" * 256}
    packed = np.stack((y, np.full_like(y, 128)), axis=2).tobytes()
    (tmp_path / "a.yuv").write_bytes(data.get(pixel_format, packed))
    frame = frames_of(tmp_path / "a.yuv", raw=RawFormat(32, 16, pixel_format))[0]
    np.testing.assert_allclose(frame.rgb[1], (y.astype(float) - 16) / 219, atol=1e-6)


def test_variable_frame_times(footage: SimpleNamespace, tmp_path: Path) -> None:
    times = [0, 40, 57, 300, 310, 1000]
    planes = [footage.random_planes(32, 16, 8, 2, 2, seed) for seed in range(6)]
    path = footage.encode(tmp_path / "a.mkv", planes, codec="libx264", pixel_format="yuv420p", times=times)
    assert [frame.pts for frame in frames_of(path)] == [Fraction(time, 1000) for time in times]


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_rotation_is_applied(footage: SimpleNamespace, tmp_path: Path, degrees: int) -> None:
    planes = footage.random_planes(48, 32, 8, 1, 1, 0)
    path = footage.encode(
        tmp_path / "a.mp4",
        [planes],
        codec="libx264",
        pixel_format="yuv444p",
        options={"qp": "0"},
        tags=BT709_TAGS,
    )
    upright = frames_of(path)[0].rgb
    data = bytearray(path.read_bytes())
    # The track header's matrix (ISO/IEC 14496-12, 8.3.2) in 16.16 fixed point: a clockwise turn on display.
    cosine, sine = {90: (0, 1), 180: (-1, 0), 270: (0, -1)}[degrees]
    place = data.index(b"tkhd") + 4 + 40
    for offset, value in ((0, cosine), (4, sine), (12, -sine), (16, cosine)):
        data[place + offset : place + offset + 4] = (value * 65536).to_bytes(4, "big", signed=True)
    path.write_bytes(data)
    with open_video(path) as reader:
        assert (reader.info.width, reader.info.height) == ((48, 32) if degrees == 180 else (32, 48))
        turned = next(iter(reader)).rgb
    np.testing.assert_array_equal(turned, np.rot90(upright, -degrees // 90, axes=(1, 2)))


def test_embedded_clips(footage: SimpleNamespace) -> None:
    for name, size, count, rate in (
        ("box_handheld", (320, 240), 120, 30),
        ("bunny_stretch", (480, 270), 132, 25),
        ("city_night", (480, 270), 114, 25),
    ):
        with open_video(footage.embedded / f"{name}.mp4") as reader:
            info = reader.info
            assert (info.width, info.height) == size
            assert (info.frame_count, info.frame_rate, info.matrix) == (count, rate, Matrix.BT709)
            times = [frame.pts for frame in reader]
        assert times == [Fraction(number, rate) for number in range(count)]


def mp4_index_first(source: Path, path: Path, container: str = "mp4") -> Path:
    """A copy of the packets, with the index at the front."""
    with (
        av.open(str(source)) as reader,
        av.open(
            str(path), "w", format=container, options={"movflags": "faststart"} if container == "mp4" else {}
        ) as writer,
    ):
        stream = writer.add_stream_from_template(reader.streams.video[0])
        for packet in reader.demux(video=0):
            if packet.size:
                packet.stream = stream
                writer.mux(packet)
    return path


@pytest.mark.parametrize(("suffix", "container"), [("mp4", "mp4"), ("mkv", "matroska"), ("ts", "mpegts")])
def test_a_file_cut_short_gives_its_frames_then_an_error(
    footage: SimpleNamespace, tmp_path: Path, suffix: str, container: str
) -> None:
    source = footage.embedded / "box_handheld.mp4"
    whole = mp4_index_first(source, tmp_path / f"whole.{suffix}", container)
    expected = frames_of(whole)
    assert len(expected) == 120
    data = whole.read_bytes()
    short = tmp_path / f"short.{suffix}"
    short.write_bytes(data[: len(data) * 6 // 10])
    delivered, text = footage.read_until_error(short)
    assert 60 < len(delivered) < 75
    assert f"damaged or cut short at frame {len(delivered)};" in text
    for frame, reference in zip(delivered, expected, strict=False):
        np.testing.assert_array_equal(frame.rgb, reference.rgb)


def test_a_cut_within_a_picture_is_found_every_time(footage: SimpleNamespace, tmp_path: Path) -> None:
    """Also where nothing but the decoder can tell, and whatever its threads are at."""
    whole = mp4_index_first(footage.embedded / "box_handheld.mp4", tmp_path / "whole.ts", "mpegts")
    data, short = whole.read_bytes(), tmp_path / "short.ts"
    short.write_bytes(data[: len(data) * 6 // 10])
    found = {len(footage.read_until_error(short)[0]) for _ in range(20)}
    assert len(found) == 1


def test_damage_in_mid_stream_is_found(footage: SimpleNamespace, tmp_path: Path) -> None:
    whole = mp4_index_first(footage.embedded / "box_handheld.mp4", tmp_path / "a.mkv", "matroska")
    data = bytearray(whole.read_bytes())
    place = len(data) * 6 // 10
    data[place : place + 400] = np.random.default_rng(0).bytes(400)
    whole.write_bytes(data)
    frames, text = footage.read_until_error(whole)
    assert 60 < len(frames) < 75 and f"at frame {len(frames)};" in text


@pytest.mark.parametrize("suffix", ["y4m", "yuv"])
def test_uncompressed_video_cut_short(footage: SimpleNamespace, tmp_path: Path, suffix: str) -> None:
    path = footage.encode(
        tmp_path / "a.y4m", [footage.random_planes(20, 10, 8, 2, 2, 0)] * 5,
        codec="rawvideo", pixel_format="yuv420p", container="yuv4mpegpipe",
    )  # fmt: skip
    data = path.read_bytes()
    if suffix == "yuv":
        data = b"".join(footage.split_y4m(data)[1])
    short = tmp_path / f"short.{suffix}"
    short.write_bytes(data[:-7])
    options = {"raw": RawFormat(20, 10)} if suffix == "yuv" else {}
    frames, text = footage.read_until_error(short, **options)
    assert len(frames) == 4 and "at frame 4;" in text


def test_an_mp4_without_its_index_is_refused(footage: SimpleNamespace, tmp_path: Path) -> None:
    data = (footage.embedded / "box_handheld.mp4").read_bytes()
    (tmp_path / "a.mp4").write_bytes(data[:1000])
    with pytest.raises(MediaError, match="cut short or damaged"):
        open_video(tmp_path / "a.mp4")


def test_what_is_no_video_is_refused_in_one_sentence(
    footage: SimpleNamespace, tmp_path: Path, tone: Path
) -> None:
    (tmp_path / "empty.mp4").touch()
    (tmp_path / "text.mp4").write_text("not a video\n" * 50)
    (tmp_path / "a.yuv").write_bytes(bytes(100))
    (tmp_path / "folder").mkdir()
    (tmp_path / "head.y4m").write_bytes(b"YUV4MPEG2 W16 H16 F25:1\n")
    for name, text in (
        ("missing.mp4", "does not exist"), ("empty.mp4", "is empty"), ("text.mp4", "is not a video"),
        ("a.yuv", "state its size"), ("folder", "without PNG or JPEG"), ("head.y4m", "holds no frame"),
    ):  # fmt: skip
        with pytest.raises(MediaError, match=text) as caught:
            open_video(tmp_path / name)
        assert name in str(caught.value) and "\n" not in str(caught.value)
    with pytest.raises(MediaError, match="no video stream, only sound"):
        open_video(tone)


def test_raw_formats_are_checked() -> None:
    with pytest.raises(MediaError, match="positive size"):
        RawFormat(0, 10)
    with pytest.raises(MediaError, match="is not a pixel format"):
        RawFormat(10, 10, "yuv421p")


def test_odd_names_are_no_protocols_or_patterns(footage: SimpleNamespace, tmp_path: Path) -> None:
    path = tmp_path / "concat:a%03d #1.mp4"
    path.write_bytes((footage.embedded / "box_handheld.mp4").read_bytes())
    with open_video(path) as reader:
        assert reader.info.frame_count == 120


def test_a_playlist_does_not_reach_other_protocols(tmp_path: Path) -> None:
    playlist = tmp_path / "a.m3u8"
    playlist.write_text(
        "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nhttp://127.0.0.1:9/a.ts\n#EXT-X-ENDLIST\n"
    )
    with pytest.raises(MediaError):
        open_video(playlist)


@pytest.mark.parametrize(("suffix", "codec"), [("webm", "libvpx-vp9"), ("webm", "libvpx"), ("mkv", "ffv1")])
def test_transparent_parts_are_refused_before_the_first_frame(
    tmp_path: Path, suffix: str, codec: str
) -> None:
    """Also where they are coded apart, and libav's decoder passes them over."""
    path = tmp_path / f"in.{suffix}"
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25, options={"auto-alt-ref": "0"})
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuva420p"
        frame = av.VideoFrame.from_ndarray(np.full((48, 64, 4), 90, np.uint8), "rgba").reformat(
            format="yuva420p"
        )
        container.mux([*stream.encode(frame), *stream.encode(None)])
    with pytest.raises(MediaError, match=r"has transparent parts: flatten it onto a background first"):
        open_video(path)


def test_a_pipe_in_the_place_of_a_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "in.mp4")
    with pytest.raises(MediaError, match=r"in\.mp4 is a pipe or a device: give a video file"):
        open_video(tmp_path / "in.mp4")
