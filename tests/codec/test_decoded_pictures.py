"""The rule of decoded pictures: rounding, cropping, continuing, checking."""

import zlib

import numpy as np
import pytest

from core.codec.decoded_pictures import DecodedPictures, checksum
from core.errors import CheckpointError, MediaError
from core.hooks import PictureFormat


@pytest.mark.parametrize(
    ("width", "height", "sides"), [(1, 1, (16, 16)), (16, 32, (32, 16)), (17, 33, (48, 32))]
)
def test_frames_are_continued_to_the_right_and_bottom(width, height, sides):
    frame = np.random.default_rng(1).random((3, height, width), dtype=np.float32)
    pictures = DecodedPictures(PictureFormat(width, height), 16)
    padded = pictures.padded(frame)
    assert padded.shape == (3, *sides) and (pictures.height, pictures.width) == sides
    np.testing.assert_array_equal(padded[:, :height, :width], frame)
    np.testing.assert_array_equal(
        padded[:, height:], np.broadcast_to(padded[:, height - 1 : height], (3, sides[0] - height, sides[1]))
    )
    assert (padded[:, :, width:] == padded[:, :, width - 1 : width]).all()


@pytest.mark.parametrize("depth", [8, 10, 16])
def test_samples_are_rounded_half_to_even_and_cropped(depth):
    peak = 2**depth - 1
    values = np.array([-3, 0, 0.5 / peak, 1.5 / peak, 2.5 / peak, 1, 7], np.float32)
    output = np.full((3, 4, 8), 0.25, np.float32)
    output[:, 0, :7] = values
    picture = DecodedPictures(PictureFormat(7, 2, depth), 4).samples(output)
    assert picture.shape == (3, 2, 7) and picture.dtype == (np.uint8 if depth == 8 else np.uint16)
    expected = np.rint(np.clip(values, 0, 1) * np.float32(peak))
    np.testing.assert_array_equal(picture[:, 0], np.tile(expected, (3, 1)))
    assert picture[0, 0, :2].tolist() == [0, 0] and picture[0, 0, 5:].tolist() == [peak, peak]
    assert output[0, 0, 6] == 7  # the network's output is left as it was


def test_the_reference_is_the_picture():
    pictures = DecodedPictures(PictureFormat(5, 3, 10), 8)
    picture = np.random.default_rng(2).integers(0, 1024, (3, 3, 5)).astype(np.uint16)
    reference = pictures.reference(picture)
    assert reference.dtype == np.float32 and reference.shape == (3, 8, 8)
    np.testing.assert_array_equal(pictures.samples(reference), picture)


def test_checksum_is_that_of_little_endian_samples():
    picture = np.array([[[1, 258]]], np.uint16)
    assert checksum(picture) == zlib.crc32(b"\x01\x00\x02\x01")
    assert checksum(picture.astype(">u2")) == checksum(picture)
    assert checksum(picture.astype(np.uint8)) == zlib.crc32(b"\x01\x02")


def test_what_is_no_picture_is_refused():
    pictures = DecodedPictures(PictureFormat(5, 3), 8)
    with pytest.raises(MediaError, match=r"4x3 .* 5x3"):
        pictures.padded(np.zeros((3, 3, 4), np.float32))
    for value in (np.nan, np.inf):
        output = np.zeros((3, 8, 8), np.float32)
        output[0, 2, 4] = value
        with pytest.raises(CheckpointError, match="diverged"):
            pictures.samples(output)
