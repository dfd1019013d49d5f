"""Cuts are found where they are, and nowhere else."""

from __future__ import annotations

from itertools import combinations, pairwise
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from core.media.reader import open_video
from core.media.scenes import SceneCutDetector

CLIPS = ("box_handheld", "bunny_stretch", "city_night")
STILLS = ("astronaut", "chelsea", "coffee", "rocket")

Frames = list[np.ndarray]


@pytest.fixture(scope="module")
def clips(footage: SimpleNamespace) -> dict[str, Frames]:
    """The top left of each embedded clip, 320 x 240, so that they can follow each other."""
    return {name: _load(footage.embedded / f"{name}.mp4") for name in CLIPS}


def _load(path: Path) -> Frames:
    with open_video(path) as reader:
        return [frame.rgb[:, :240, :320] for frame in reader]


def still(footage: SimpleNamespace, name: str) -> np.ndarray:
    return np.asarray(Image.open(footage.embedded / f"{name}.jpg")).transpose(2, 0, 1) / np.float32(255)


def cuts(frames: Frames) -> list[int]:
    detector = SceneCutDetector()
    return [number + 1 for number, pair in enumerate(pairwise(frames)) if detector.is_cut(*pair)]


@pytest.mark.parametrize("order", [CLIPS, CLIPS[::-1]])
def test_joined_clips_have_a_cut_exactly_at_each_joint(
    clips: dict[str, Frames], order: tuple[str, ...]
) -> None:
    frames = [frame for name in order for frame in clips[name]]
    joints = [len(clips[order[0]]), len(clips[order[0]]) + len(clips[order[1]])]
    assert cuts(frames) == joints


def test_one_shot_at_a_low_frame_rate_has_no_cut(clips: dict[str, Frames]) -> None:
    for frames in clips.values():
        assert cuts(frames[::5]) == []


def test_flicker_and_a_flash_are_no_cuts(clips: dict[str, Frames]) -> None:
    shot = clips["bunny_stretch"][:20]
    flicker = [np.clip(frame * (1 + 0.4 * (-1) ** number), 0, 1) for number, frame in enumerate(shot)]
    flash = [
        np.clip(frame + 0.5 * (number == 10), 0, 1) for number, frame in enumerate(clips["city_night"][:20])
    ]
    assert cuts(flicker) == []
    assert cuts(flash) == []


@pytest.mark.parametrize("name", STILLS)
def test_a_fast_pan_is_no_cut(footage: SimpleNamespace, name: str) -> None:
    picture = still(footage, name)
    steps = (picture.shape[2] - 200) // 24
    assert cuts([picture[:, 20:260, 24 * step : 24 * step + 200] for step in range(steps)]) == []


def test_every_change_of_a_still_is_a_cut(footage: SimpleNamespace) -> None:
    for first, second in combinations(STILLS, 2):
        a, b = (still(footage, name)[:, :256, :400] for name in (first, second))
        assert cuts([a, a, b, b]) == [2]


def test_noise_on_a_flat_picture_is_no_cut() -> None:
    rng = np.random.default_rng(0)
    assert cuts([0.5 + 0.02 * rng.standard_normal((3, 90, 120)) for _ in range(5)]) == []


def test_frames_of_two_sizes() -> None:
    with pytest.raises(ValueError, match="one shape"):
        SceneCutDetector().is_cut(np.zeros((3, 4, 4)), np.zeros((3, 4, 5)))
