"""Makes a ``mindspore.dataset`` of a clip source: order, randomness, sharding and exact resumption.

All samples of a run form one virtual sequence, over all epochs and all ranks. Sample ``k`` is item
``k % length`` of the permutation that the seed gives epoch ``k // length``, with random numbers of its own.
So order and augmentation depend on (seed, k) alone, not on the number of workers or on where a run resumes.
"""

from __future__ import annotations

import gc
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache, lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from core.errors import DataError, MindvideoError
from core.hooks import Array, ClipSource

if TYPE_CHECKING:
    from mindspore.dataset import Dataset

_SAMPLES, _EPOCHS = 0, 1
"""Keys that keep the random streams of samples and of permutations apart."""


def loader(
    source: ClipSource,
    *,
    batch_size: int,
    seed: int,
    workers: int,
    rank: int = 0,
    world: int = 1,
    start_step: int = 0,
    steps: int | None,
    shuffle: bool = True,
    processes: bool = False,
) -> Dataset:
    """Batches of ``source`` for one rank: the source's columns, each (N,…) float32.

    With ``steps``, the number of steps of the whole run, gives the batches of steps ``start_step`` to
    ``steps - 1``: what an uninterrupted run would see from there. With ``steps=None`` and ``shuffle=False``,
    gives every item once, in order, item ``i`` to rank ``i % world``; the last batch may be smaller.

    ``workers`` threads (or processes) read ahead, at most one for each core; they change nothing but speed.

    Raises:
        ValueError: an argument is out of its range.
        DataError: the source has fewer clips than there are ranks.
    """
    from mindspore.dataset import GeneratorDataset

    for name, value, least in (("batch_size", batch_size, 1), ("seed", seed, 0), ("workers", workers, 1)):
        if value < least:
            raise ValueError(f"{name} is {value}; it must be at least {least}.")
    if not 0 <= rank < world:
        raise ValueError(f"rank is {rank}; it must lie in 0 to {world - 1}.")
    if len(source) < world:
        raise DataError(f"The data set has {len(source)} clips, fewer than the {world} processes sharing it.")
    if steps is None and (shuffle or start_step):
        raise ValueError("A pass over everything (steps=None) is neither shuffled nor resumed.")
    if steps is not None and not 0 <= start_step < steps:
        raise ValueError(f"start_step is {start_step}; it must lie in 0 to {steps - 1}.")
    total = len(source) if steps is None else steps * batch_size * world
    samples = range(start_step * batch_size * world + rank, total, world)
    if processes:
        _keep_workers_from_collecting()
    return GeneratorDataset(
        _Batches(source, samples, batch_size, seed, shuffle),
        list(source.columns),
        shuffle=False,
        num_parallel_workers=min(workers, os.cpu_count() or 1),
        python_multiprocessing=processes,
    )


def steps_per_epoch(source: ClipSource, batch_size: int, world: int) -> int:
    """Steps that show every clip about once over all ranks; at least 1."""
    return max(1, len(source) // (batch_size * world))


def recover_data_error(error: Exception) -> MindvideoError | None:
    """The `MindvideoError` that a data worker raised, out of the text that MindSpore made of it.

    MindSpore turns an exception in a worker into a ``RuntimeError`` with the Python traceback as its text.
    None when there is no error of ours in it.
    """
    kinds = {kind.__name__: kind for kind in _kinds(MindvideoError)}  # MindSpore leaves the module out
    names = "|".join(map(re.escape, kinds))
    # The last line of a traceback, up to whatever MindSpore puts after it.
    found = re.findall(
        rf"^(?:[\w.<>]+\.)?({names}): (?!Traceback)(.*?)\s*(?:^---|^Traceback|^During|^The above|\Z)",
        str(error),
        re.MULTILINE | re.DOTALL,
    )
    if not found:
        return None
    name, sentence = found[-1]
    ours = kinds[name].__new__(kinds[name])  # a kind may be made of something else than its sentence
    ours.args = (sentence,)
    return ours


def _kinds(kind: type[MindvideoError]) -> Iterator[type[MindvideoError]]:
    """An error and all that are derived from it by now, those of plugins among them."""
    yield kind
    for derived in kind.__subclasses__():
        yield from _kinds(derived)


@contextmanager
def clear_data_errors() -> Iterator[None]:
    """Around anything that draws from a loader: a worker's `MindvideoError` comes out as itself."""
    try:
        yield
    except RuntimeError as error:
        ours = recover_data_error(error)
        if ours is None:
            raise
        raise ours from error


@cache
def _keep_workers_from_collecting() -> None:
    """Let forked workers never collect objects that they inherit.

    Collecting a data iterator that the parent left in a reference cycle would end MindSpore's pipeline in the
    worker, whose threads did not survive the fork: the worker aborts and MindSpore stops the whole run.
    """
    os.register_at_fork(after_in_child=gc.freeze)


class _Batches:
    """Random access to the batches of one rank; what `GeneratorDataset` reads."""

    def __init__(self, source: ClipSource, samples: range, batch_size: int, seed: int, shuffle: bool) -> None:
        self._source = source
        self._samples = samples
        self._batch_size = batch_size
        self._seed = seed
        self._shuffle = shuffle

    def __len__(self) -> int:
        return (len(self._samples) + self._batch_size - 1) // self._batch_size

    def __getitem__(self, batch: int) -> tuple[Array, ...]:
        first = int(batch) * self._batch_size
        clips = [self._clip(sample) for sample in self._samples[first : first + self._batch_size]]
        return tuple(_stack(arrays) for arrays in zip(*clips, strict=True))

    def _clip(self, sample: int) -> tuple[Array, ...]:
        epoch, place = divmod(sample, len(self._source))
        index = int(_permutation(self._seed, epoch, len(self._source))[place]) if self._shuffle else place
        return self._source.clip(index, _generator(self._seed, _SAMPLES, sample))


@lru_cache(maxsize=4)
def _permutation(seed: int, epoch: int, length: int) -> NDArray[np.int64]:
    return _generator(seed, _EPOCHS, epoch).permutation(length)


def _generator(seed: int, stream: int, number: int) -> np.random.Generator:
    return np.random.Generator(np.random.Philox(np.random.SeedSequence(seed, spawn_key=(stream, number))))


def _stack(arrays: tuple[Array, ...]) -> Array:
    shapes = {array.shape for array in arrays}
    if len(shapes) > 1:
        sizes = " and ".join(sorted(f"{shape[-1]}x{shape[-2]}" for shape in shapes))
        raise DataError(
            f"Frames of {sizes} cannot be in one batch; set dataset.crop (for validation and test "
            "dataset.evaluation_crop), or take a batch size of 1."
        )
    return np.stack(arrays)
