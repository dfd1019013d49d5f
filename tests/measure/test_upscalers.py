"""An upscaler's evaluation beside the baselines."""

import numpy as np
import pytest

from core.errors import ConfigError
from core.measure.cache import Cache
from core.measure.clips import MeasureSettings, measure_clips
from core.measure.evaluation import OURS, evaluate_upscaler
from core.measure.records import SrTask
from core.measure.upscalers import MeasuredUpscaler
from core.upscaling.baselines import bicubic
from core.upscaling.entries import BASELINE, BaselineConfig


class Clips:
    columns = ("frames", "low")

    def __init__(self, scale=2):
        rng = np.random.default_rng(2)
        self.high = rng.random((2, 3, 3, 8 * scale, 10 * scale), dtype=np.float32)
        self.low = rng.random((2, 3, 3, 8, 10), dtype=np.float32)

    def __len__(self):
        return 2

    def clip(self, index, rng):
        return self.high[index], self.low[index]


class Error:
    """Mean absolute difference."""

    def clear(self):
        self.values = []

    def update(self, picture, truth):
        self.values.append(float(np.abs(picture - truth).mean()))

    def eval(self):
        return np.mean(self.values)


def test_the_floor_beside_itself():
    evaluation = evaluate_upscaler(BASELINE.build(BaselineConfig()), Clips(), {"error": Error()})
    rows = {(row.task, row.method == OURS): row.values["error"] for row in evaluation.rows}
    clips = Clips()
    for task in SrTask:
        assert rows[task, True] == rows[task, False] > 0
    spatial = [
        np.abs(bicubic(low[i], 2) - high[i]).mean()
        for high, low in zip(clips.high, clips.low, strict=True)
        for i in (0, 2)
    ]
    assert rows[SrTask.SPATIAL, True] == pytest.approx(np.mean(spatial))
    (example,) = evaluation.examples
    captions, (_, baseline, ours, truth) = zip(*example.panels, strict=True)
    assert captions[1:] == ("bicubic + blend, frame 1", "ours, frame 1", "truth, frame 1")
    np.testing.assert_array_equal(ours, baseline)
    np.testing.assert_array_equal(truth, clips.high[0, 1])
    assert not example.difference.any()


def test_another_factor_than_the_data_set_s():
    with pytest.raises(ConfigError, match=r"set dataset\.scale=3"):
        evaluate_upscaler(BASELINE.build(BaselineConfig(3)), Clips(), {}, pictures=0)


def test_a_second_time_nothing_is_loaded(tmp_path):
    """Not even to ask for its factor."""
    loads = []

    def load():
        loads.append(BASELINE.build(BaselineConfig()))
        return loads[-1]

    settings = MeasureSettings(cache=Cache(tmp_path), conditions={"upscaler": "floor"})
    first, second = (
        [one.record for one in measure_clips(Clips(), MeasuredUpscaler(load, Clips()), settings)]
        for _ in "12"
    )
    assert first == second and len(first) == 2 and len(loads) == 1
