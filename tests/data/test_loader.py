"""The loader: order and randomness depend on (seed, sample) alone, and errors keep their sentence."""

import gc

import numpy as np
import pytest

from core.data.loader import clear_data_errors, loader, recover_data_error, steps_per_epoch
from core.errors import CheckpointError, CutShortError, DataError


class Numbers:
    """Clip ``index`` is [index, a random number]."""

    columns = ("frames",)

    def __init__(self, length: int, bad: int = -1) -> None:
        self.length = length
        self.bad = bad

    def __len__(self) -> int:
        return self.length

    def clip(self, index: int, rng: np.random.Generator) -> tuple[np.ndarray]:
        if index == self.bad:
            raise DataError("The frame im1.png is missing; the data set is not complete.")
        return (np.array([index, rng.random()], np.float32),)


class Sizes(Numbers):
    """Clip ``index`` has frames ``index + 1`` wide."""

    def clip(self, index, rng):
        return (np.zeros((1, 3, 4, index + 1), np.float32),)


class Collecting(Numbers):
    """Collects garbage in the worker."""

    def clip(self, index, rng):
        gc.collect()
        return super().clip(index, rng)


def batches(source, **options) -> list[np.ndarray]:
    made = loader(source, **({"batch_size": 4, "seed": 1, "workers": 1, "steps": 9} | options))
    return [batch[0] for batch in made.create_tuple_iterator(num_epochs=1, output_numpy=True)]


def samples(source, **options) -> np.ndarray:
    return np.concatenate(batches(source, **options))


def test_every_epoch_is_a_permutation_of_its_own():
    order = samples(Numbers(7), steps=7)[:, 0].reshape(4, 7)
    assert (np.sort(order, axis=1) == np.arange(7)).all()
    assert len({epoch.tobytes() for epoch in order}) == 4


def test_seed_decides_order_and_augmentation():
    assert np.array_equal(samples(Numbers(50)), samples(Numbers(50)))
    other = samples(Numbers(50), seed=2)
    assert not np.array_equal(samples(Numbers(50))[:, 0], other[:, 0])
    assert len(np.unique(other[:, 1])) == len(other)


@pytest.mark.parametrize(("workers", "processes"), [(2, False), (2, True), (64, False)])
def test_workers_change_nothing(workers, processes):
    assert np.array_equal(samples(Numbers(10), workers=workers, processes=processes), samples(Numbers(10)))


def test_ranks_partition_the_run():
    whole = samples(Numbers(10), batch_size=8, steps=6)
    parts = [samples(Numbers(10), batch_size=4, steps=6, rank=rank, world=2) for rank in (0, 1)]
    assert np.array_equal(np.stack(parts, axis=1).reshape(whole.shape), whole)


@pytest.mark.parametrize("world", [1, 2])
def test_resuming_gives_the_tail_across_the_epoch_boundary(world):
    # 10 clips, 4 * world a step: epochs end inside steps.
    options = {"steps": 9, "world": world, "rank": world - 1}
    full = batches(Numbers(10), **options)
    for start in (1, 2, 5, 8):
        tail = batches(Numbers(10), start_step=start, workers=2, **options)
        assert np.array_equal(tail, full[start:])


def test_evaluation_is_one_pass_in_order_with_a_last_partial_batch():
    made = batches(Numbers(10), steps=None, shuffle=False)
    assert [len(batch) for batch in made] == [4, 4, 2]
    assert np.concatenate(made)[:, 0].tolist() == list(range(10))
    # The random numbers belong to the clip: the size of a batch and the number of ranks do not matter.
    assert np.array_equal(samples(Numbers(10), steps=None, shuffle=False, batch_size=3), np.concatenate(made))
    odd = samples(Numbers(10), steps=None, shuffle=False, rank=1, world=2)
    assert np.array_equal(odd, np.concatenate(made)[1::2])


def test_a_loader_can_be_read_again():
    made = loader(Numbers(5), batch_size=2, seed=0, workers=2, steps=None, shuffle=False)
    assert made.get_dataset_size() == 3
    passes = [
        [batch[0] for batch in made.create_tuple_iterator(num_epochs=1, output_numpy=True)] for _ in "ab"
    ]
    assert all(np.array_equal(*pair) for pair in zip(*passes, strict=True))


@pytest.mark.parametrize(("workers", "processes"), [(1, False), (2, False), (2, True)])
def test_the_sentence_of_a_worker_survives(workers, processes):
    with pytest.raises(DataError) as error, clear_data_errors():
        samples(Numbers(10, bad=3), workers=workers, processes=processes)
    assert str(error.value) == "The frame im1.png is missing; the data set is not complete."


def test_a_forked_worker_survives_an_abandoned_iterator():
    # Long enough that its pipeline still runs when the workers are forked.
    made = loader(Numbers(10), batch_size=4, seed=1, workers=1, steps=10_000)
    cycle = [made.create_tuple_iterator(num_epochs=1)]
    cycle.append(cycle)
    next(cycle[0])
    gc.disable()
    try:
        del cycle
        assert len(batches(Collecting(10), workers=2, processes=True)) == 9
    finally:
        gc.enable()


def test_frames_of_two_sizes_in_a_batch():
    with pytest.raises(DataError, match="Frames of 1x4 and 2x4 cannot be in one batch"), clear_data_errors():
        batches(Sizes(2), batch_size=2, steps=1)


def test_recovering_errors():
    text = (
        "Traceback\n  File x\ncore.errors.CheckpointError: A: b.\nTwo lines.\n\n---------\n- C++ Call Stack"
    )
    found = recover_data_error(RuntimeError(text))
    assert type(found) is CheckpointError
    assert str(found) == "A: b.\nTwo lines."
    assert recover_data_error(RuntimeError("ValueError: something else")) is None
    with pytest.raises(RuntimeError, match="of another kind"), clear_data_errors():
        raise RuntimeError("of another kind")


class GrainError(DataError):
    """As a plugin's data set may raise it; made of a number."""

    def __init__(self, number: int) -> None:
        super().__init__(f"Grain {number} is missing.")


@pytest.mark.parametrize("processes", [False, True])
def test_an_error_of_any_kind_of_ours_comes_out_as_itself(processes):
    class Grains(Numbers):
        def clip(self, index, rng):
            raise GrainError(index)

    with pytest.raises(GrainError, match=r"^Grain \d is missing\.$"), clear_data_errors():
        batches(Grains(5), processes=processes)


def test_errors_derived_from_others_are_recovered():
    found = recover_data_error(RuntimeError("core.errors.CutShortError: It ends early."))
    assert type(found) is CutShortError and str(found) == "It ends early."


def test_steps_per_epoch():
    assert steps_per_epoch(Numbers(10), 4, 1) == 2
    assert steps_per_epoch(Numbers(10), 4, 2) == 1
    assert steps_per_epoch(Numbers(3), 4, 1) == 1


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"batch_size": 0}, "batch_size is 0"),
        ({"workers": 0}, "workers is 0"),
        ({"rank": 2, "world": 2}, "rank is 2; it must lie in 0 to 1"),
        ({"start_step": 9}, "start_step is 9; it must lie in 0 to 8"),
        ({"steps": None}, "neither shuffled nor resumed"),
    ],
)
def test_arguments_out_of_range(options, sentence):
    with pytest.raises(ValueError, match=sentence):
        batches(Numbers(10), **options)


def test_fewer_clips_than_ranks():
    with pytest.raises(DataError, match="has 1 clips, fewer than the 2 processes"):
        batches(Numbers(1), world=2)
