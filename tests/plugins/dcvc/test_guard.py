"""A training that is lost is stopped, one that is not goes on."""

import pytest

from core.errors import MindvideoError
from plugins.dcvc.config import DcvcLossConfig
from plugins.dcvc.guard import GRACE, Guard

STAGES = DcvcLossConfig(flow_steps=300, motion_steps=300, distortion_steps=300, content_steps=300)
SOUND = {"loss": 1.0, "mse": 0.01, "warp_mse": 0.02, "motion_bpp": 0.01, "bpp": 0.2}


def watch(guard, first, last, **values):
    for step in range(first, last):
        guard.judge(step, {**SOUND, **values})


def stopped_at(guard, first, last, **values):
    """The step at which the guard ends the training; None where it goes on."""
    for step in range(first, last):
        try:
            guard.judge(step, {**SOUND, **values})
        except MindvideoError:
            return step
    return None


def test_a_sound_training_goes_on():
    assert stopped_at(Guard(STAGES), 1, 3000) is None
    assert stopped_at(Guard(STAGES), 1, 3000, motion_bpp=0.0) == 300 + GRACE


@pytest.mark.parametrize(
    ("stage", "begin", "name"),
    [
        ("flow", 0, "warp_mse"),
        ("motion", 300, "warp_mse"),
        ("distortion", 600, "mse"),
        ("content", 900, "mse"),
        ("all", 1200, "mse"),
    ],
)
def test_divergence_is_named_with_its_stage(stage, begin, name):
    guard = Guard(STAGES)
    watch(guard, 1, begin + GRACE + 2)
    with pytest.raises(MindvideoError, match=f"'{stage}' has diverged .*: {name} is .*optimizer.lr"):
        watch(guard, begin + GRACE + 2, begin + 300, **{name: 5.0})


def test_a_single_bad_step_is_forgiven():
    guard = Guard(STAGES)
    watch(guard, 1, 1600)
    assert stopped_at(guard, 1600, 1601, mse=0.5) is None
    assert stopped_at(guard, 1601, 2000) is None


@pytest.mark.parametrize(("stage", "begin"), [("motion", 300), ("all", 1200)])
def test_silent_motion_is_named(stage, begin):
    guard = Guard(STAGES)
    watch(guard, 1, begin)
    with pytest.raises(MindvideoError, match=f"'{stage}' codes no motion"):
        watch(guard, begin, begin + 3 * GRACE, motion_bpp=1e-6)


def test_motion_is_not_judged_where_it_does_not_learn():
    guard = Guard(STAGES)
    watch(guard, 1, 600)
    assert stopped_at(guard, 601, 1200, motion_bpp=0.0) is None


def test_ms_ssim_has_its_own_distortion():
    guard = Guard(DcvcLossConfig())
    values = {"loss": 1.0, "ms_ssim_distance": 0.01, "warp_mse": 0.02, "motion_bpp": 0.01, "bpp": 0.2}
    for step in range(1, GRACE + 2):
        guard.judge(step, values)
    with pytest.raises(MindvideoError, match="ms_ssim_distance"):
        guard.judge(GRACE + 2, {**values, "ms_ssim_distance": 100.0})
