"""Learning-rate schedules against their formulas."""

import numpy as np
import pytest

from core.training.schedule import Schedule, Shape


def test_warmup_rises_linearly_to_the_rate() -> None:
    rates = Schedule(warmup=4).rates(1.0, 6)
    np.testing.assert_allclose(rates, [0.25, 0.5, 0.75, 1.0, 1.0, 1.0])


def test_cosine_starts_at_the_rate_and_is_halfway_in_the_middle() -> None:
    rates = Schedule(shape=Shape.cosine, floor=0.2).rates(1.0, 10)
    assert rates[0] == pytest.approx(1.0)
    assert rates[5] == pytest.approx(0.6)
    assert rates[-1] == pytest.approx(0.2 + 0.8 * (1 + np.cos(np.pi * 0.9)) / 2, abs=1e-6)


def test_restarts_repeat_every_period() -> None:
    rates = Schedule(shape=Shape.restarts, period=5).rates(1.0, 15)
    np.testing.assert_array_equal(rates[:5], rates[5:10])
    assert rates[4] < rates[5] == 1.0


def test_step_multiplies_at_each_milestone() -> None:
    rates = Schedule(shape=Shape.step, milestones=[2, 4], gamma=0.1).rates(1.0, 6)
    np.testing.assert_allclose(rates, [1, 1, 0.1, 0.1, 0.01, 0.01], rtol=1e-6)


@pytest.mark.parametrize("wrong", [{"warmup": -1}, {"period": 0}, {"gamma": 0.0}, {"floor": -1.0}])
def test_values_out_of_range_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="must be"):
        Schedule(**wrong)  # type: ignore[arg-type]
