"""The embedded clips and the moving stills: who trains, who tests, and motion that is known exactly."""

import numpy as np
import pytest
from scipy import ndimage

from core.data.clips import EmbeddedClip
from core.data.entries import CLIPS, STILLS
from core.data.stills import STILLS as STILLS_OF
from core.data.stills import Motion, Patch, Still, frame_times, render, with_patch
from core.errors import DataError
from core.hooks import Split

RNG = np.random.default_rng


@pytest.fixture(scope="module")
def still() -> Still:
    picture = RNG(0).integers(0, 256, (3, 60, 80), dtype=np.uint8)
    return Still("noise", picture)


def picture_of(still: Still) -> np.ndarray:
    rows, cols = np.meshgrid(np.arange(still.height), np.arange(still.width), indexing="ij")
    return still.sample(np.stack([rows, cols], axis=-1).astype(float))


def test_spline_is_exact_at_pixels(still):
    pixels = RNG(0).integers(0, 256, (3, 60, 80), dtype=np.uint8)
    # Spline coefficients are float64; their round trip costs a few ulp of 255.
    assert np.abs(picture_of(still) - pixels).max() < 1e-9


def test_pan_by_whole_pixels_shifts(still):
    clip = render(still, (30.5, 40.5), Motion(pan=(2.0, -3.0)), 16, frame_times(3))
    pixels = picture_of(still)
    for frame, time in zip(clip, (-1, 0, 1), strict=True):
        top, left = 23 + 2 * time, 33 - 3 * time
        assert np.abs(frame - pixels[:, top : top + 16, left : left + 16]).max() < 1e-9
    assert np.abs(clip[1][:, 2:, :-3] - clip[2][:, :-2, 3:]).max() < 1e-9


def test_half_pixel_pan_puts_the_middle_half_way():
    ramp = np.broadcast_to(np.arange(80, dtype=np.uint8), (3, 60, 80))
    clip = render(Still("ramp", ramp), (30.5, 40.5), Motion(pan=(0, 0.5)), 8, frame_times(3))
    # A cubic spline through a line is that line, away from the mirrored ends.
    assert np.abs(clip - clip[1:2] - np.array([-0.5, 0, 0.5])[:, None, None, None]).max() < 1e-6


def test_quarter_turn_and_zoom(still):
    turned = render(still, (29.5, 39.5), Motion(rotation=np.pi / 2), 16, range(2))
    assert np.abs(np.rot90(turned[0], -1, axes=(1, 2)) - turned[1]).max() < 1e-9
    zoomed = Motion(zoom=0.25).window(9, 1)
    assert np.allclose(zoomed * 1.25, Motion().window(9, 0), atol=1e-12)


def test_patch_hides_and_moves(still):
    size, times = 32, frame_times(3)
    black = np.zeros((3, 3, size, size))
    white = Still("white", np.full((3, 40, 40), 255, np.uint8))
    clip = with_patch(black, white, (20.0, 20.0), Patch(5.0, (0.0, 0.0), (1.0, -2.0)), times)
    # The area of a disc of radius 5, its soft edge included.
    assert clip[1, 0].sum() / 255 == pytest.approx(np.pi * 25, rel=0.02)
    for frame, time in zip(clip, times, strict=True):
        middle = ndimage.center_of_mass(frame[0])
        assert middle == pytest.approx((15.5 + time, 15.5 - 2 * time), abs=1e-6)


@pytest.mark.parametrize("split", Split)
def test_stills_of_each_split(split):
    config = STILLS.config(crop=64, evaluation_crop=64, scale=2, clips=6, frames=5)
    source = STILLS.build(config, split)
    assert len(source) == 6
    frames, low = source.clip(1, RNG(3))
    assert frames.shape == (5, 3, 64, 64)
    assert low.shape == (5, 3, 32, 32)
    assert frames.dtype == np.float32
    assert not np.array_equal(frames[0], frames[1])
    same = np.array_equal(frames, source.clip(1, RNG(4))[0])
    assert same is (split is not Split.TRAIN)
    assert np.array_equal(frames, source.clip(1, RNG(3))[0])


def test_stills_are_divided_by_source():
    names = [name for split in Split for name in STILLS_OF[split]]
    assert len(set(names)) == len(names) == 4


def test_stills_limits_and_ranges():
    assert len(STILLS.build(STILLS.config(limit=5), Split.TEST)) == 5
    source = STILLS.build(STILLS.config(crop=400), Split.TRAIN)
    with pytest.raises(DataError, match=r"A window of 400 pixels .* does not fit into the still coffee"):
        source.clip(0, RNG(0))
    with pytest.raises(ValueError, match="no whole frame"):
        STILLS.config(crop=None)
    with pytest.raises(ValueError, match="pan is -1"):
        STILLS.config(pan=-1)


def clips(split: Split, **options):
    return CLIPS.build(CLIPS.config(**({"stills_share": 0.0} | options)), split)


def test_clips_train_on_two_sources_and_hold_out_the_third():
    train = clips(Split.TRAIN)
    assert len(train) == (120 - 2) + (132 - 2)
    assert train.clip(0, RNG(0))[0].shape == (3, 3, 128, 128)
    other = clips(Split.TRAIN, held_out=EmbeddedClip.bunny_stretch)
    assert len(other) == (120 - 2) + (114 - 2)


def test_validation_and_test_share_no_frame():
    validation, test = (clips(split, frames=1) for split in (Split.VALIDATION, Split.TEST))
    assert (len(validation), len(test)) == (38, 68)
    seen = [
        {source.clip(i, RNG(0))[0].tobytes() for i in range(len(source))} for source in (validation, test)
    ]
    assert not seen[0] & seen[1]
    assert validation.clip(0, RNG(0))[0].shape == (1, 3, 270, 480)


def test_a_share_of_training_clips_are_stills():
    plain, mixed, stills = (clips(Split.TRAIN, stills_share=share, crop=32) for share in (0.0, 0.5, 1.0))
    assert len(mixed) == len(plain)
    replaced = 0
    for seed in range(40):
        rng, drawn = RNG(seed), RNG(seed).random() < 0.5
        (clip,) = mixed.clip(0, rng)
        replaced += drawn
        assert np.array_equal(clip, stills.clip(0, RNG(seed))[0]) is drawn
    assert 10 < replaced < 30
    assert len(clips(Split.TEST, stills_share=0.5)) == len(clips(Split.TEST))


def test_downsized_clips():
    (frames,) = clips(Split.TEST, downsize=1.5).clip(0, RNG(0))
    assert frames.shape == (3, 3, 180, 320)


def test_a_codec_is_tested_on_longer_clips_of_whole_frames():
    config = CLIPS.config(crop=64, evaluation_crop=64, frames=3, downsize=1.5, test_frames=20)
    validation = CLIPS.build(config, Split.VALIDATION)
    test = CLIPS.build(config, Split.TEST)
    assert validation.clip(0, RNG(0))[0].shape == (3, 3, 64, 64)
    assert test.clip(0, RNG(0))[0].shape == (20, 3, 180, 320)
    assert len(test) == 3  # 68 frames are left of the clip that is held out


def test_a_codec_is_tested_on_frames_one_after_the_other():
    """Whatever the step is that it was trained and validated with."""
    config = CLIPS.config(crop=64, frames=2, min_step=2, max_step=2, test_frames=5)
    single = CLIPS.config(crop=64, frames=5)
    test, expected = CLIPS.build(config, Split.TEST), CLIPS.build(single, Split.TEST)
    np.testing.assert_array_equal(test.clip(1, RNG(0))[0], expected.clip(1, RNG(0))[0])


@pytest.fixture(scope="module")
def photographs(tmp_path_factory):
    """A folder with a picture of noise, and one deeper in it."""
    from PIL import Image

    folder = tmp_path_factory.mktemp("stills")
    (folder / "deep").mkdir()
    for name, seed in (("a.png", 1), ("deep/b.png", 2)):
        pixels = ndimage.gaussian_filter(RNG(seed).normal(size=(120, 130, 3)), (2, 2, 0))
        Image.fromarray(np.uint8(128 + 100 * pixels / np.abs(pixels).max())).save(folder / name)
    return folder


def moved(folder, **options):
    config = STILLS.config(root=str(folder), crop=48, patches=0, flips=False, transpose=False, **options)
    return STILLS.build(config, Split.TRAIN).clip(0, RNG(3))[0]


def test_photographs_of_ones_own_train_alone(photographs):
    config = STILLS.config(root=str(photographs), crop=48, evaluation_crop=48, clips=4)
    trained = STILLS.build(config, Split.TRAIN)
    assert trained.clip(0, RNG(0))[0].shape == (3, 3, 48, 48)
    own = STILLS.build(STILLS.config(crop=48, evaluation_crop=48, clips=4), Split.TEST)
    np.testing.assert_array_equal(STILLS.build(config, Split.TEST).clip(1, RNG(0))[0], own.clip(1, RNG(9))[0])


def test_a_folder_without_pictures_is_refused(tmp_path):
    with pytest.raises(DataError, match="No pictures were found"):
        STILLS.build(STILLS.config(root=str(tmp_path)), Split.TRAIN)


def test_what_cameras_add(photographs):
    still = {"pan": 0.0, "zoom": 0.0, "rotation": 0.0, "reversal": False}
    clean = moved(photographs, **still)
    assert np.abs(clean[1:] - clean[:-1]).max() == 0
    noisy = moved(photographs, noise=8.0, **still)
    assert 0.001 < np.std(noisy[1] - noisy[0]) < 12 / 255 * np.sqrt(2)
    faded = moved(photographs, fade=9.0, **still)
    steps = np.diff(faded.mean((1, 2, 3)))
    assert steps[0] == pytest.approx(steps[1], abs=0.002) and abs(steps[0]) > 0.0005


def test_exposure_blurs_what_moves(photographs):
    fast = {"pan": 8.0, "zoom": 0.0, "rotation": 0.0, "reversal": False}
    sharp, blurred = moved(photographs, **fast), moved(photographs, blur=1.0, **fast)

    def detail(clip):
        return np.abs(np.diff(clip, axis=3)).mean() + np.abs(np.diff(clip, axis=2)).mean()

    assert detail(blurred) < 0.9 * detail(sharp)
