import mindspore as ms
import numpy as np
from mindspore import Tensor, ops

from core.nn import rows_of


def test_rows_and_their_gradient_are_those_of_a_gather_to_the_last_bit():
    rng = np.random.default_rng(0)
    table = Tensor(rng.standard_normal((5, 3, 2)).astype(np.float32) * 1e3)
    index = Tensor([4, 0, 4], ms.int32)
    weight = Tensor(rng.standard_normal((3, 3, 2)).astype(np.float32))

    def by_rows(table):
        return (rows_of(table, index) * weight).sum()

    def by_gather(table):
        return (ops.gather(table, index, 0) * weight).sum()

    assert np.array_equal(rows_of(table, index).asnumpy(), table.asnumpy()[[4, 0, 4]])
    ours, theirs = (ms.grad(each)(table).asnumpy() for each in (by_rows, by_gather))
    assert np.array_equal(ours, theirs)
    assert not ours[1:4].any() and ours[0].any()
