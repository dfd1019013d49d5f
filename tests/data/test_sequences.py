"""Raw test sequences: which files are found, what their planes become, and sentences for what is wrong."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from core.data.sequences import Collection, Fit, RawSequencesConfig, raw_sequences
from core.errors import DataError
from core.hooks import Split
from core.media.colour import Matrix, Range, rgb_to_yuv

NAMES = ["BasketballPass", "BlowingBubbles", "BQSquare", "RaceHorses"]
WIDTH, HEIGHT, COUNT = 416, 240, 3
RNG = np.random.default_rng(0)


def colours(sequence: int, number: int) -> np.ndarray:
    """A picture of one colour."""
    return np.full((3, HEIGHT, WIDTH), [[[0.2 * sequence]], [[0.1 * number]], [[0.5]]], np.float32)


def write(path: Path, pictures: list[np.ndarray], **how: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        for picture in pictures:
            for plane in rgb_to_yuv(picture, **{"matrix": Matrix.BT709, "range": Range.LIMITED, **how}):  # type: ignore[arg-type]
                file.write(plane.tobytes())


@pytest.fixture(scope="module")
def class_d(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("sequences")
    for place, name in enumerate(NAMES):
        write(root / f"D/{name}_416x240_50.yuv", [colours(place, number) for number in range(COUNT)])
    (root / "D" / "RaceHorses_832x480_30.yuv").write_bytes(b"another size")
    (root / "D" / "BasketballPassText_416x240_50.yuv").write_bytes(b"another sequence")
    return root


def config(folder: Path, **changed: object) -> RawSequencesConfig:
    options = {"collection": Collection.hevc_d, "root": str(folder), "frames": COUNT, **changed}
    return RawSequencesConfig(**options)  # type: ignore[arg-type]


def test_each_sequence_is_a_clip(class_d: Path) -> None:
    source = raw_sequences(config(class_d), Split.TEST)
    assert source.columns == ("frames",) and len(source) == 4
    assert [source.label(index) for index in range(4)] == NAMES
    for place in range(4):
        (frames,) = source.clip(place, RNG)
        assert frames.shape == (COUNT, 3, HEIGHT, WIDTH) and frames.dtype == np.float32
        np.testing.assert_array_equal(frames, np.rint(frames * 255) / np.float32(255))
        for number in range(COUNT):
            # 8-bit YUV of limited range is about one code of RGB off.
            np.testing.assert_allclose(frames[number], colours(place, number), atol=2.5 / 255)


def test_planes_are_read_in_their_places(tmp_path: Path) -> None:
    samples = np.arange(2 * WIDTH * HEIGHT * 3 // 2, dtype=np.uint32).astype(np.uint8)
    for name in NAMES:
        (tmp_path / f"{name}.yuv").write_bytes(samples.tobytes())
    source = raw_sequences(config(tmp_path, frames=2), Split.TEST)
    y, u, v = source._sequences[0].planes(1)
    second = samples[len(samples) // 2 :]
    luma, chroma = WIDTH * HEIGHT, WIDTH * HEIGHT // 4
    np.testing.assert_array_equal(y.ravel(), second[:luma])
    np.testing.assert_array_equal(u.ravel(), second[luma : luma + chroma])
    np.testing.assert_array_equal(v.ravel(), second[luma + chroma :])
    assert y.shape == (HEIGHT, WIDTH) and u.shape == v.shape == (HEIGHT // 2, WIDTH // 2)


def test_the_fit_of_older_papers(class_d: Path) -> None:
    source = raw_sequences(config(class_d, fit=Fit.multiples_of_64, frames=1), Split.TEST)
    whole = raw_sequences(config(class_d, frames=1), Split.TEST)
    assert source.clip(2, RNG)[0].shape == (1, 3, 192, 384)
    np.testing.assert_array_equal(source.clip(2, RNG)[0], whole.clip(2, RNG)[0][:, :, :192, :384])


def test_how_planes_are_read_is_an_option(tmp_path: Path) -> None:
    full = {"matrix": Matrix.BT601, "range": Range.FULL}
    for name in NAMES:
        write(tmp_path / f"{name}.yuv", [colours(0, 9)], **full)
    (frames,) = raw_sequences(config(tmp_path, frames=1, **full), Split.TEST).clip(0, RNG)
    np.testing.assert_allclose(frames[0], colours(0, 9), atol=2 / 255)
    (others,) = raw_sequences(config(tmp_path, frames=1), Split.TEST).clip(0, RNG)
    assert np.abs(others - frames).max() > 5 / 255


def test_some_sequences_alone(class_d: Path) -> None:
    source = raw_sequences(config(class_d, sequences=["BQSquare"]), Split.TEST)
    assert len(source) == 1 and source.label(0) == "BQSquare"


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        (
            {"root": "/nowhere"},
            "there is no folder /nowhere; set dataset.root to a folder with raw 8-bit 4:2:0 files",
        ),
        ({"root": "???"}, "no root is given"),
        ({"frames": COUNT + 1}, "has 3 frames of the 4 that are asked for"),
        ({"sequences": ["Racehorse"]}, r"has no sequence Racehorse \(known: BasketballPass"),
        ({"collection": Collection.hevc_e}, "has no FourPeople, Johnny, KristenAndSara"),
    ],
)
def test_what_is_missing(class_d: Path, changed: dict[str, object], sentence: str) -> None:
    with pytest.raises(DataError, match=sentence):
        raw_sequences(config(class_d, **changed), Split.TEST)


def test_a_file_of_another_size(class_d: Path, tmp_path: Path) -> None:
    (tmp_path / "BQSquare_416x240.yuv").write_bytes(bytes(1000))
    with pytest.raises(DataError, match="has 1000 bytes, which is no whole number of 416x240 pictures"):
        raw_sequences(config(tmp_path, sequences=["BQSquare"]), Split.TEST)


@pytest.mark.parametrize("split", [Split.TRAIN, Split.VALIDATION])
def test_they_are_for_testing_alone(class_d: Path, split: Split) -> None:
    with pytest.raises(DataError, match=f"has no {split.value} split"):
        raw_sequences(config(class_d), split)


def test_no_frames() -> None:
    with pytest.raises(ValueError, match="frames is 0"):
        RawSequencesConfig(frames=0)
