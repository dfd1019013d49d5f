"""The torture in short: a hundred trials and more of the kinds that cost little, in which no fault may be found.

``make torture`` goes on where this ends.
"""

import pytest

from core.testing.limits import seconds
from tests.torture.kinds import ALL
from tests.torture.rounds import Rounds

TRIALS = {
    **{f"stream-{codec}": 10 for codec in ("cheng2020", "x264", "vp9")},
    **{f"video-{suffix}": 8 for suffix in ("mp4", "mkv", "avi", "ts", "webm", "y4m", "png", "jpg")},
    **{"checkpoint": 8, "weights-npz": 8, "weights-safetensors": 8, "weights-ckpt": 8},
    **{"parts": 8, "bench-cache": 8, "sweep-records": 8},
}
SECONDS = 300
"""At most, all together; usually a minute."""
pytestmark = pytest.mark.timeout(10 * SECONDS + 100)


@pytest.fixture(scope="module")
def rounds(tmp_path_factory):
    made = Rounds(2, tmp_path_factory.mktemp("torture"), list(TRIALS))
    made.run(seconds(SECONDS), most=TRIALS)
    return made


@pytest.mark.parametrize("kind", TRIALS)
def test_no_fault_is_found(rounds, kind):
    tally = rounds.tallies[kind]
    assert not tally.broken
    assert tally.tries == TRIALS[kind]
    found = [f"{one.repeat(2)}\n{one.fault.told}" for one in rounds.found if one.kind == kind]
    assert not found, "\n".join(found)


def test_all_of_them_are_kinds():
    assert TRIALS.keys() <= ALL.keys()
