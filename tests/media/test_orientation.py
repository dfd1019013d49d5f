"""Pictures and videos that were stored on their side or in the mirror stand upright."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.data.shots import read_picture
from core.errors import MediaError
from core.media.index import FrameIndex
from core.media.reader import open_video
from tests.media.clips_in import make_clip

TRANSPOSED = {
    2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180, 4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE, 6: Image.Transpose.ROTATE_270, 7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}  # fmt: skip
"""What EXIF (CIPA DC-008, 4.6.4) says has to be done, in Pillow's words."""


def quarters() -> np.ndarray:
    """Four colours, (24,32,3) uint8."""
    codes = np.zeros((24, 32, 3), np.uint8)
    codes[:12, :16], codes[:12, 16:], codes[12:, :16], codes[12:] = 200, codes[12:, 16:], 90, codes[12:]
    codes[:12, 16:, 0], codes[12:, 16:, 2] = 255, 255
    return codes


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", ["png", "jpg"])
def test_exif(tmp_path: Path, orientation: int, suffix: str) -> None:
    stored = Image.fromarray(quarters())
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / f"0.{suffix}"
    stored.save(path, exif=exif, **({"quality": 95, "subsampling": 0} if suffix == "jpg" else {}))
    turned = stored.transpose(TRANSPOSED[orientation]) if orientation > 1 else stored
    upright = np.asarray(turned).transpose(2, 0, 1)
    with open_video(tmp_path) as folder, open_video(path) as file:
        for reader in (folder, file):
            assert (reader.info.height, reader.info.width) == upright.shape[1:]
            frame = next(iter(reader)).rgb
            assert frame.shape == upright.shape and frame.flags.c_contiguous
            assert np.abs(frame * 255 - upright).max() < (1 if suffix == "png" else 12)
    assert np.abs(read_picture(path).astype(int) - upright).max() < (1 if suffix == "png" else 12)


def test_pictures_of_both_ways_must_agree_in_size(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(quarters()).save(tmp_path / "0.png")
    Image.fromarray(quarters()).save(tmp_path / "1.png", exif=exif)
    with open_video(tmp_path) as reader, pytest.raises(MediaError, match=r"1\.png is 24x32, unlike .* 32x24"):
        list(reader)


def test_an_exif_block_that_is_damaged(tmp_path: Path) -> None:
    Image.fromarray(quarters()).save(tmp_path / "0.jpg", exif=b"Exif\0\0II*\0\xff\xff\xff\xff")
    with open_video(tmp_path) as reader:
        assert len(list(reader)) == 1
    assert read_picture(tmp_path / "0.jpg").shape == (3, 24, 32)


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("degrees", [0, 90, 180, 270])
def test_display_matrices(tmp_path: Path, degrees: int, mirrored: bool) -> None:
    options = {"qp": "0", "g": "4"}
    stored = make_clip(tmp_path / "stored.mp4", options=options)
    turned = make_clip(tmp_path / "turned.mp4", options=options, matrix=(degrees, mirrored))
    with open_video(stored) as reader:
        expected = [np.rot90(frame.rgb, degrees // 90, axes=(1, 2)) for frame in reader]
    if mirrored:  # after the turn
        expected = [frame[:, :, ::-1] for frame in expected]
    with open_video(turned) as reader:
        assert (reader.info.height, reader.info.width) == expected[0].shape[1:]
        frames = list(reader)
    for frame, rgb in zip(frames, expected, strict=True):
        np.testing.assert_array_equal(frame.rgb, rgb)
    np.testing.assert_array_equal(FrameIndex(turned).read(9, 1)[0].rgb, expected[9])


def test_odd_angles_are_left_and_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = make_clip(tmp_path / "a.mp4", matrix=(30, False))
    with caplog.at_level(logging.WARNING), open_video(path) as reader:
        assert (reader.info.height, reader.info.width) == (48, 64)
        list(reader)
    assert len(caplog.records) == 1 and "no multiple of 90 degrees" in caplog.text
