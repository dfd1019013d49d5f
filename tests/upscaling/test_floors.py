"""The floors as an upscaler, and an upscaler's evaluation beside them."""

import numpy as np
import pytest
from core.upscaling.evaluate import OURS, Task, evaluate

from core.errors import ConfigError
from core.hooks import Output
from core.upscaling.entries import FLOOR, FloorConfig
from core.upscaling.floors import bicubic, blend


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
        self.value = None

    def update(self, picture, truth):
        self.value = float(np.abs(picture - truth).mean())

    def eval(self):
        return self.value


@pytest.mark.parametrize("scale", [2, 3])
def test_what_the_floor_makes(scale):
    first, last = Clips().low[0, :2, None]
    made = FLOOR.build(FloorConfig(scale))(first, last, tuple(Output))
    assert set(made) == set(Output)
    np.testing.assert_array_equal(made[Output.FIRST][0], bicubic(first[0], scale))
    np.testing.assert_array_equal(made[Output.LAST][0], bicubic(last[0], scale))
    np.testing.assert_array_equal(made[Output.LOW_MIDDLE], blend(first, last))
    np.testing.assert_array_equal(made[Output.MIDDLE][0], bicubic(blend(first, last)[0], scale))
    assert FLOOR.build(FloorConfig(scale))(first, last, []) == {}


def test_the_floor_beside_itself():
    evaluation = evaluate(FLOOR.build(FloorConfig()), Clips(), {"error": Error()}, keep=1)
    rows = {(row.task, row.method == OURS): row.values["error"] for row in evaluation.rows}
    clips = Clips()
    for task in Task:
        assert rows[task, True] == rows[task, False] > 0
    spatial = [
        np.abs(bicubic(low[i], 2) - high[i]).mean()
        for high, low in zip(clips.high, clips.low, strict=True)
        for i in (0, 2)
    ]
    assert rows[Task.SPATIAL, True] == pytest.approx(np.mean(spatial))
    (example,) = evaluation.examples
    np.testing.assert_array_equal(example.ours, example.floor)


def test_another_factor_than_the_data_set_s():
    with pytest.raises(ConfigError, match=r"set dataset\.scale=3"):
        evaluate(FLOOR.build(FloorConfig(3)), Clips(), {}, keep=0)
