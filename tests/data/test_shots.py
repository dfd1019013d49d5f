"""Pictures as training frames: read as they are meant, or refused with a reason; alike in folders given as video."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from core.data.shots import read_picture, read_pictures
from core.errors import DataError, MediaError
from core.media.reader import open_video


def codes(channels: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (6, 10, channels), np.uint8)


def with_alpha(picture: np.ndarray, alpha: int) -> np.ndarray:
    layer = np.full((*picture.shape[:2], 1), 255, np.uint8)
    layer[2, 3] = alpha
    return np.concatenate((picture, layer), axis=2)


def as_video(path: Path) -> np.ndarray:
    with open_video(path.parent) as reader:
        return next(iter(reader)).rgb


def see_through_palette(transparency: int | bytes) -> Image.Image:
    picture = Image.fromarray(codes(3)).quantize(16)
    picture.info["transparency"] = transparency
    return picture


PLAIN = {
    "colour": Image.fromarray(codes(3)),
    "grey": Image.fromarray(codes(1)[..., 0]),
    "palette": Image.fromarray(codes(3)).quantize(16),
    "opaque": Image.fromarray(with_alpha(codes(3), 255)),
    "opaque grey": Image.fromarray(with_alpha(codes(1), 255)),
    "opaque palette": see_through_palette(bytes([255] * 16)),
}
TRANSPARENT = {
    "colour": Image.fromarray(with_alpha(codes(3), 254)),
    "grey": Image.fromarray(with_alpha(codes(1), 0)),
    "palette": see_through_palette(bytes([255, 0] * 8)),
}


@pytest.mark.parametrize("kind", PLAIN)
def test_both_readers_see_the_same(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "0.png"
    PLAIN[kind].save(path)
    expected = np.asarray(PLAIN[kind].convert("RGB")).transpose(2, 0, 1)
    np.testing.assert_array_equal(read_picture(path), expected)
    np.testing.assert_array_equal(np.rint(as_video(path) * 255), expected)


@pytest.mark.parametrize("kind", TRANSPARENT)
def test_both_refuse_transparent_parts(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "0.png"
    TRANSPARENT[kind].save(path)
    with pytest.raises(DataError, match=r"0\.png has transparent parts; flatten it onto a background first"):
        read_picture(path)
    with pytest.raises(
        MediaError, match=r"0\.png: it has transparent parts: flatten it onto a background first"
    ):
        as_video(path)


def test_both_refuse_cmyk_and_animations(tmp_path: Path) -> None:
    path = tmp_path / "0.jpg"
    Image.fromarray(codes(3)).convert("CMYK").save(path)
    with pytest.raises(DataError, match=r"0\.jpg is in CMYK; convert it to RGB"):
        read_picture(path)
    with pytest.raises(MediaError, match=r"0\.jpg is in CMYK: convert it to RGB first"):
        as_video(path)
    path.unlink()
    path = tmp_path / "0.png"
    more = [Image.fromarray(codes(3, 1))]
    for name in ("0.png", "0.webp"):
        Image.fromarray(codes(3)).save(tmp_path / name, save_all=True, append_images=more)
        with pytest.raises(DataError, match="holds several pictures; give each a file of its own"):
            read_picture(tmp_path / name)
    with pytest.raises(MediaError, match=r"0\.png is an animation"):
        as_video(path)


@pytest.mark.parametrize("pixel_format", ["gray16be", "rgb48be"])
def test_deep_pictures_are_not_shortened_in_silence(tmp_path: Path, pixel_format: str) -> None:
    path = tmp_path / "0.png"
    shape = (6, 10) if pixel_format == "gray16be" else (6, 10, 3)
    deep = np.random.default_rng(0).integers(0, 65536, shape, np.uint16)
    plain = "gray16le" if pixel_format == "gray16be" else "rgb48le"
    with av.open(str(path), "w", format="image2", options={"update": "1"}) as output:
        stream = output.add_stream("png", rate=25)
        stream.width, stream.height, stream.pix_fmt = 10, 6, pixel_format
        output.mux(
            stream.encode(av.VideoFrame.from_ndarray(deep, format=plain).reformat(format=pixel_format))
        )
        output.mux(stream.encode(None))
    with pytest.raises(DataError, match="more than 8 bits a channel; convert it to 8 bits"):
        read_picture(path)


def test_sizes_must_agree_once_upright(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(codes(3)).save(tmp_path / "0.png", exif=exif)
    Image.fromarray(codes(3)).save(tmp_path / "1.png", exif=exif)
    assert read_pictures([tmp_path / "0.png", tmp_path / "1.png"]).shape == (2, 3, 10, 6)
    Image.fromarray(codes(3)).save(tmp_path / "2.png")
    with pytest.raises(DataError, match=r"2\.png is 10x6 but 0\.png is 6x10"):
        read_pictures([tmp_path / "0.png", tmp_path / "2.png"])
