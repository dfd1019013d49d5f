"""Folders of pictures and video files: what is found, how it is divided, and what is said when it is not there."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from core.data.downscale import Filter
from core.data.entries import FRAMES, VIDEO
from core.data.loader import loader
from core.data.options import Division
from core.data.shots import natural_order
from core.errors import DataError
from core.hooks import Split
from tests.data.conftest import write_frame

RNG = np.random.default_rng


def frames(root: Path, split: Split, **options):
    return FRAMES.build(FRAMES.config(root=str(root), **({"crop": 16} | options)), split)


def reds(source, index: int, rng=None) -> list[int]:
    (clip,) = source.clip(index, rng or RNG(0))
    return [round(float(frame[0, 0, 0]) * 255) for frame in clip]


def shots_in(source) -> set[int]:
    return {min(reds(source, index)) // 20 for index in range(len(source))}


def test_natural_order():
    names = ["im10.png", "im2.png", "im1.png", "a.png", "im02b.png"]
    assert sorted(names, key=natural_order) == ["a.png", "im1.png", "im2.png", "im02b.png", "im10.png"]


def test_hashed_splits_are_disjoint_complete_and_stay_when_the_root_moves(folders, tmp_path_factory):
    parts = {split: shots_in(frames(folders, split, test_share=0.3)) for split in Split}
    assert [len(parts[split]) for split in Split] == [6, 1, 3]
    assert set.union(*parts.values()) == set(range(10))
    moved = tmp_path_factory.mktemp("elsewhere") / "moved"
    folders.rename(moved)
    assert {split: shots_in(frames(moved, split, test_share=0.3)) for split in Split} == parts


def test_all_for_test(folders):
    whole = frames(folders, Split.TEST, test_share=1, validation_share=0)
    assert shots_in(whole) == set(range(10))
    with pytest.raises(DataError, match="None of the 10 shots found belongs to the train split"):
        frames(folders, Split.TRAIN, test_share=1, validation_share=0)


def test_named_division(tmp_path):
    for value, folder in enumerate(["train/a", "train/b", "val/c", "test/d"]):
        for frame in range(3):
            write_frame(tmp_path / folder / f"{frame}.png", 20 * value + frame)
    named = Division.named
    found = {split: shots_in(frames(tmp_path, split, division=named)) for split in Split}
    assert found == {Split.TRAIN: {0, 1}, Split.VALIDATION: {2}, Split.TEST: {3}}


def test_evaluation_clips_do_not_overlap_and_limit_spaces_them_evenly(folders):
    options = {"test_share": 1, "validation_share": 0}
    every = frames(folders, Split.TEST, **options)
    assert len(every) == 10 * 4
    assert reds(every, 0) == [0, 1, 2]
    assert reds(every, 1) == [3, 4, 5]
    few = frames(folders, Split.TEST, limit=5, **options)
    assert shots_in(few) == {1, 3, 5, 7, 9}
    stepped = frames(folders, Split.TEST, min_step=2, max_step=3, **options)
    assert [reds(stepped, index) for index in (0, 1)] == [[0, 2, 4], [5, 7, 9]]


def test_evaluation_ignores_the_generator(folders):
    source = frames(folders, Split.TEST, evaluation_crop=16, scale=2)
    for first, second in zip(source.clip(0, RNG(1)), source.clip(0, RNG(2)), strict=True):
        assert np.array_equal(first, second)


def test_training_draws_steps_as_far_as_the_shot_reaches(folders):
    source = frames(folders, Split.TRAIN, max_step=3, reversal=False)
    assert len(source) == 8 * 10  # every start with room for three frames
    steps = {start: set() for start in range(10)}
    for index in range(10):
        for seed in range(30):
            first, second, third = reds(source, index, RNG(seed))
            assert third - second == second - first
            steps[first % 20].add(second - first)
    assert steps[0] == {1, 2, 3}
    assert steps[6] == {1, 2}
    assert steps[9] == {1}


def test_training_clips_are_a_function_of_the_generator(folders):
    source = frames(folders, Split.TRAIN, max_step=3, scale=2)
    for first, second in zip(source.clip(3, RNG(9)), source.clip(3, RNG(9)), strict=True):
        assert np.array_equal(first, second)
    made = {source.clip(3, RNG(seed))[0].tobytes() for seed in range(20)}
    assert len(made) > 15


def test_downsize_shrinks_frames_first(folders):
    (clip,) = frames(folders, Split.TEST, downsize=2).clip(0, RNG(0))
    assert clip.shape == (3, 3, 16, 24)


def test_wrong_trees(tmp_path):
    with pytest.raises(
        DataError, match=r"there is no folder .*nowhere; set dataset\.root to a folder with one"
    ):
        frames(tmp_path / "nowhere", Split.TRAIN)
    with pytest.raises(DataError, match="No pictures were found under"):
        frames(tmp_path, Split.TRAIN)
    for frame in range(2):
        write_frame(tmp_path / "shot" / f"{frame}.png", frame, (48 + frame, 32))
    with pytest.raises(DataError, match="A clip needs 3 consecutive frames and the longest shot has 2"):
        frames(tmp_path, Split.TEST)
    two = frames(tmp_path, Split.TEST, frames=2)
    with pytest.raises(DataError, match=r"1\.png is 49x32 but 0\.png is 48x32"):
        two.clip(0, RNG(0))


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"frames": 0}, "frames is 0; it must be at least 1"),
        ({"crop": 30, "scale": 4}, "crop is 30; it must be a multiple of scale, which is 4"),
        ({"min_step": 3, "max_step": 2}, "max_step is 2; it must be at least min_step, 3"),
        ({"test_share": 1.5}, "test_share is 1.5; it must be between 0 and 1"),
        ({"test_share": 0.7, "validation_share": 0.7}, "must not add up to more than 1"),
        ({"downsize": 0.5}, "downsize is 0.5; it must be at least 1"),
        ({"limit": 0}, "limit is 0; it must be at least 1"),
    ],
)
def test_options_out_of_range(options, sentence):
    with pytest.raises(ValueError, match=sentence):
        FRAMES.config(**options)


def write_video(path: Path, first: int, count: int = 8) -> None:
    """A lossless video of grey frames: 10 more in each, from ``first``."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=Fraction(25))
        stream.width, stream.height, stream.pix_fmt = 32, 24, "bgr0"
        for number in range(count):
            pixels = np.full((24, 32, 3), first + 10 * number, np.uint8)
            container.mux(
                stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24").reformat(format="bgr0"))
            )
        container.mux(stream.encode())


def videos(split: Split, *files: Path | str, **options):
    return VIDEO.build(VIDEO.config(files=[str(file) for file in files], crop=16, **options), split)


def test_video_clips_are_the_frames_of_the_file(tmp_path):
    write_video(tmp_path / "a.mkv", 5)
    source = videos(Split.TEST, tmp_path / "a.mkv", test_share=1, validation_share=0, min_step=2, max_step=2)
    assert len(source) == 1
    assert reds(source, 0) == [5, 25, 45]
    plain = videos(Split.TEST, tmp_path / "a.mkv", test_share=1, validation_share=0)
    assert [reds(plain, index) for index in range(2)] == [[5, 15, 25], [35, 45, 55]]


def test_files_folders_and_patterns_are_divided_by_file(tmp_path):
    for number in range(4):
        write_video(tmp_path / "deep" / f"{number}.mkv", number)
    (tmp_path / "deep" / "notes.txt").write_text("not a video")
    given = (tmp_path, tmp_path / "deep" / "0.mkv", tmp_path / "**" / "*.mkv")
    options = {"test_share": 0.25, "validation_share": 0.25}
    parts = [videos(split, *given, **options) for split in Split]
    found = [{reds(part, index)[0] % 10 for index in range(len(part))} for part in parts]
    assert [len(part) for part in found[1:]] == [1, 1]
    assert found[1] != found[2]
    assert [len(part) for part in parts] == [2 * 6, 2, 2]


def test_no_videos(tmp_path):
    with pytest.raises(DataError, match=r"set dataset\.files"):
        videos(Split.TRAIN)
    with pytest.raises(DataError, match=r"dataset\.files has '.*\*\.mp4', where no video is"):
        videos(Split.TRAIN, tmp_path / "*.mp4")


@pytest.mark.parametrize("processes", [False, pytest.param(True, marks=pytest.mark.heavy)])
def test_a_real_source_is_the_same_in_workers(folders, processes):
    source = frames(folders, Split.TRAIN, max_step=3, scale=2, filter=Filter.random)
    options = {"batch_size": 2, "seed": 3, "steps": 4}
    plain = loader(source, workers=1, **options)
    spread = loader(source, workers=2, processes=processes, **options)
    pairs = zip(
        *(one.create_tuple_iterator(num_epochs=1, output_numpy=True) for one in (plain, spread)), strict=True
    )
    for first, second in pairs:
        assert [array.shape for array in first] == [(2, 3, 3, 16, 16), (2, 3, 3, 8, 8)]
        assert all(np.array_equal(*columns) for columns in zip(first, second, strict=True))
