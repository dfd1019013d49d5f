"""Which phase of a training a step belongs to."""

import mindspore as ms
import pytest
from mindspore import Tensor

from core.losses.phases import Phases, since


def test_phases_of_lengths():
    phases = Phases.of_lengths(3, 0, 2, names=("first", "empty", "second", "rest"))
    assert dict(phases.begins) == {"first": 0, "empty": 3, "second": 3, "rest": 5}
    assert [phases.at(step) for step in range(1, 8)] == ["first"] * 3 + ["second"] * 2 + ["rest"] * 2
    assert phases["second"] == 3


@pytest.mark.parametrize("compiled", [False, pytest.param(True, marks=pytest.mark.heavy)])
def test_since_counts_steps_done(compiled):
    def share(steps_done):
        return since(3, steps_done)

    share = ms.jit(share) if compiled else share
    shares = [share(Tensor(done, ms.int32)) for done in (0, 2, 3, 4)]
    assert [float(value) for value in shares] == [0, 0, 1, 1]
    assert shares[0].dtype == ms.float32
