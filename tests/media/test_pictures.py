"""Folders of pictures: order, depth, grey, transparency, and what is wrong with them."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace

import av
import numpy as np
import pytest
from PIL import Image

from core.errors import MediaError
from core.media.colour import Matrix, Range
from core.media.reader import open_video


def codes(seed: int, channels: int = 3) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (15, 21, channels), np.uint8)


def rgb_of(folder: Path) -> list[np.ndarray]:
    with open_video(folder) as reader:
        return [frame.rgb for frame in reader]


def test_natural_order_rate_and_exact_samples(tmp_path: Path) -> None:
    for number in (10, 9, 1):
        Image.fromarray(codes(number)).save(tmp_path / f"f{number}.png")
    (tmp_path / "notes.txt").write_text("no picture")
    (tmp_path / ".hidden.png").write_bytes(b"")
    with open_video(tmp_path, frame_rate=Fraction(24000, 1001)) as reader:
        assert reader.info.frame_count == 3 and reader.info.frame_rate == Fraction(24000, 1001)
        assert (reader.info.width, reader.info.height, reader.info.depth) == (21, 15, 8)
        frames = list(reader)
    for frame, number in zip(frames, (1, 9, 10), strict=True):
        np.testing.assert_array_equal(np.rint(frame.rgb * 255), codes(number).transpose(2, 0, 1))
    assert frames[2].pts == Fraction(2 * 1001, 24000)


def test_16_bits_grey_and_palettes(tmp_path: Path) -> None:
    deep = np.random.default_rng(0).integers(0, 65536, (15, 21), np.uint16)
    (tmp_path / "deep").mkdir()
    Image.fromarray(deep).save(tmp_path / "deep" / "0.png")
    for rgb in rgb_of(tmp_path / "deep"):
        np.testing.assert_allclose(rgb, np.stack([deep] * 3) / 65535, atol=1e-7)
    (tmp_path / "grey").mkdir()
    Image.fromarray(codes(1)[..., 0]).save(tmp_path / "grey" / "0.png")
    for rgb in rgb_of(tmp_path / "grey"):
        np.testing.assert_allclose(rgb, np.stack([codes(1)[..., 0]] * 3) / 255, atol=1e-7)
    (tmp_path / "palette").mkdir()
    palette = Image.fromarray(codes(2)).quantize(64)
    palette.save(tmp_path / "palette" / "0.png")
    for rgb in rgb_of(tmp_path / "palette"):
        np.testing.assert_array_equal(
            np.rint(rgb * 255), np.asarray(palette.convert("RGB")).transpose(2, 0, 1)
        )


def test_16_bit_colour(tmp_path: Path) -> None:
    deep = np.random.default_rng(0).integers(0, 65536, (15, 21, 3), np.uint16)
    with av.open(str(tmp_path / "0.png"), "w", format="image2", options={"update": "1"}) as output:
        stream = output.add_stream("png", rate=25)
        stream.width, stream.height, stream.pix_fmt = 21, 15, "rgb48be"
        frame = av.VideoFrame.from_ndarray(deep, format="rgb48le").reformat(format="rgb48be")
        output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    np.testing.assert_allclose(rgb_of(tmp_path)[0], deep.transpose(2, 0, 1) / 65535, atol=1e-7)


def test_jpeg_is_bt601_full_range(footage: SimpleNamespace, tmp_path: Path) -> None:
    picture = Image.open(footage.embedded / "coffee.jpg")
    smooth = picture.resize((150, 100))
    smooth.save(tmp_path / "0.jpg", quality=95, subsampling=0)
    with open_video(tmp_path) as reader:
        assert (reader.info.matrix, reader.info.range) == (Matrix.BT601, Range.FULL)
        rgb = next(iter(reader)).rgb
    expected = np.asarray(Image.open(tmp_path / "0.jpg")).transpose(2, 0, 1) / 255
    # Another decoder: its inverse transform and its conversion each round to 8 bits.
    assert np.abs(rgb - expected).max() < 4 / 255
    assert np.abs(rgb - expected).mean() < 0.5 / 255


def test_transparency(tmp_path: Path) -> None:
    opaque = np.concatenate((codes(0), np.full((15, 21, 1), 255, np.uint8)), axis=2)
    Image.fromarray(opaque).save(tmp_path / "0.png")
    np.testing.assert_array_equal(np.rint(rgb_of(tmp_path)[0] * 255), codes(0).transpose(2, 0, 1))
    opaque[3, 4, 3] = 200
    Image.fromarray(opaque).save(tmp_path / "1.png")
    with open_video(tmp_path) as reader, pytest.raises(MediaError, match=r"1\.png: it has transparent parts"):
        list(reader)


def test_grey_with_alpha_and_one_bit(tmp_path: Path) -> None:
    grey = codes(3)[..., :1]
    (tmp_path / "alpha").mkdir()
    opaque = np.concatenate((grey, np.full_like(grey, 255)), axis=2)
    Image.fromarray(opaque, mode="LA").save(tmp_path / "alpha" / "0.png")
    np.testing.assert_array_equal(np.rint(rgb_of(tmp_path / "alpha")[0] * 255), [grey[..., 0]] * 3)
    (tmp_path / "bits").mkdir()
    Image.fromarray(grey[..., 0] > 127).save(tmp_path / "bits" / "0.png")
    np.testing.assert_array_equal(rgb_of(tmp_path / "bits")[0], [grey[..., 0] > 127] * 3)


def test_sizes_that_differ_and_damage(footage: SimpleNamespace, tmp_path: Path) -> None:
    Image.fromarray(codes(0)).save(tmp_path / "0.png")
    Image.fromarray(codes(0)[:, :20]).save(tmp_path / "1.png")
    with open_video(tmp_path) as reader, pytest.raises(MediaError, match="must have one size"):
        list(reader)
    (tmp_path / "1.png").write_bytes((tmp_path / "0.png").read_bytes()[:200])
    frames, text = footage.read_until_error(tmp_path)
    assert len(frames) == 1 and "1.png" in text
    with pytest.raises(MediaError, match="must be positive"):
        open_video(tmp_path, frame_rate=Fraction(0))


@pytest.mark.parametrize("progressive", [False, True])
def test_a_jpeg_picture_cut_short_is_told_wherever_it_is_cut(tmp_path: Path, progressive: bool) -> None:
    """libav's decoder fills the missing rest with grey and reports nothing."""
    path = tmp_path / "a.jpg"
    Image.fromarray(codes(1)).save(path, progressive=progressive)
    whole = path.read_bytes()
    for kept in [*range(2, len(whole) - 2, 23), len(whole) - 3]:
        path.write_bytes(whole[:kept])
        with pytest.raises(MediaError, match=r"a\.jpg (is damaged|cannot be read)"):
            rgb_of(tmp_path)
    path.write_bytes(whole + b"what a camera adds")
    assert len(rgb_of(tmp_path)) == 1
