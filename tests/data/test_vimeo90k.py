"""Vimeo-90K: the published layout, its splits, and one sentence for each way it can be wrong."""

import numpy as np
import pytest

from core.data.entries import VIMEO90K_SEPTUPLET, VIMEO90K_TRIPLET
from core.errors import DataError
from core.hooks import Split

RNG = np.random.default_rng


def reds(source) -> list[list[int]]:
    """Red of every frame of every clip."""
    clips = [source.clip(index, RNG(0))[0] for index in range(len(source))]
    return [[round(float(frame[0, 0, 0]) * 255) for frame in clip] for clip in clips]


def triplets(root, split, **options):
    config = VIMEO90K_TRIPLET.config(root=str(root), crop=32, **options)
    return VIMEO90K_TRIPLET.build(config, split)


def test_triplets_of_each_split(vimeo):
    root = vimeo("tri", 3)
    assert reds(triplets(root, Split.TEST)) == [[10, 11, 12], [40, 41, 42]]
    # The last sequence folder is held out whole.
    assert reds(triplets(root, Split.VALIDATION)) == [[60, 61, 62], [70, 71, 72], [80, 81, 82]]
    train = reds(triplets(root, Split.TRAIN, reversal=False))
    assert train == [[0, 1, 2], [20, 21, 22], [30, 31, 32], [50, 51, 52]]


def test_splits_are_disjoint_and_complete(vimeo):
    root = vimeo("tri", 3)
    parts = [{min(clip) for clip in reds(triplets(root, split))} for split in Split]
    assert len(set.union(*parts)) == sum(map(len, parts)) == 9


def test_validation_share_zero_trains_on_the_whole_list(vimeo):
    root = vimeo("tri", 3)
    assert len(triplets(root, Split.TRAIN, validation_share=0)) == 7
    with pytest.raises(DataError, match="none is left for validation; change validation_share"):
        triplets(root, Split.VALIDATION, validation_share=0)


def test_septuplets_and_clips_shorter_than_a_sequence(vimeo):
    root = str(vimeo("sep", 7))
    build, config = VIMEO90K_SEPTUPLET.build, VIMEO90K_SEPTUPLET.config
    assert reds(build(config(root=root, crop=32), Split.TEST)) == [[*range(10, 17)], [*range(40, 47)]]
    short = build(config(root=root, crop=32, frames=3), Split.TEST)
    assert reds(short) == [[10, 11, 12], [13, 14, 15], [40, 41, 42], [43, 44, 45]]
    train = build(config(root=root, crop=32, frames=3), Split.TRAIN)
    assert len(train) == 4 * 5


def test_another_list_of_the_test_split(vimeo):
    """As one that holds slow septuplets alone."""
    root = vimeo("sep", 7)
    (root / "sep_slow_testset.txt").write_text("00001/0002\n")
    build, config = VIMEO90K_SEPTUPLET.build, VIMEO90K_SEPTUPLET.config
    assert reds(build(config(root=str(root), crop=32, test_list="sep_slow_testset.txt"), Split.TEST)) == [
        [*range(10, 17)]
    ]
    with pytest.raises(DataError, match=r"sep_fast_testset.txt is missing"):
        build(config(root=str(root), crop=32, test_list="sep_fast_testset.txt"), Split.TEST)


def test_clip_has_the_promised_form(vimeo):
    source = triplets(vimeo("tri", 3), Split.TRAIN, scale=4)
    assert source.columns == ("frames", "low")
    frames, low = source.clip(0, RNG(0))
    assert frames.shape == (3, 3, 32, 32)
    assert low.shape == (3, 3, 8, 8)
    assert frames.dtype == low.dtype == np.float32
    assert frames.min() >= 0
    assert frames.max() <= 1
    assert np.array_equal(np.divide(np.rint(low * 255), 255, dtype=np.float32), low)  # 8-bit values


def test_whole_frames_in_evaluation_are_cropped_to_a_multiple_of_scale(vimeo):
    frames, low = triplets(vimeo("tri", 3), Split.TEST, scale=4, evaluation_crop=None).clip(0, RNG(0))
    assert frames.shape[2:] == (32, 48)
    assert low.shape[2:] == (8, 12)


def test_missing_root_says_layout_and_home(tmp_path):
    with pytest.raises(DataError) as error:
        triplets(tmp_path / "nowhere", Split.TRAIN)
    text = str(error.value)
    assert "Vimeo-90K (triplets)" in text
    assert "http://toflow.csail.mit.edu/" in text
    assert "sequences/XXXXX/YYYY/im1..3.png, tri_trainlist.txt and tri_testlist.txt" in text
    with pytest.raises(DataError, match="no root is given"):
        VIMEO90K_TRIPLET.build(VIMEO90K_TRIPLET.config(), Split.TRAIN)


def test_missing_parts(vimeo):
    root = vimeo("tri", 3)
    (root / "sequences" / "00001" / "0002" / "im2.png").unlink()
    with pytest.raises(DataError, match=r"0002/im2\.png is missing"):
        triplets(root, Split.TEST).clip(0, RNG(0))
    (root / "tri_testlist.txt").unlink()
    with pytest.raises(DataError, match=r"tri_testlist\.txt is missing"):
        triplets(root, Split.TEST)
    (root / "tri_trainlist.txt").write_text("../../etc/passwd\n")
    with pytest.raises(DataError, match=r"expected lines like 00001/0001"):
        triplets(root, Split.TRAIN)
    (root / "sequences").rename(root / "sequence")
    with pytest.raises(DataError, match="has no sequences"):
        triplets(root, Split.TRAIN)


def test_broken_frame_and_crop_too_large(vimeo):
    root = vimeo("tri", 3)
    with pytest.raises(DataError, match=r"evaluation_crop is 64 but the frames of .*0002 are 48x32"):
        triplets(root, Split.TEST, evaluation_crop=64).clip(0, RNG(0))
    (root / "sequences" / "00001" / "0002" / "im2.png").write_bytes(b"\x89PNG\r\n")
    with pytest.raises(DataError, match=r"im2\.png cannot be read as a picture"):
        triplets(root, Split.TEST).clip(0, RNG(0))


def test_too_many_frames_are_refused():
    with pytest.raises(ValueError, match="span 4 frames; a sequence of this data set has 3"):
        VIMEO90K_TRIPLET.config(frames=4)
