"""Rate control with a toy codec of many qualities: bitrates, sizes, and jobs that were interrupted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from material import moving, write
from toy import Levels, load

from core.coding.codec import LoadedCodec
from core.coding.encode import encode_video
from core.coding.rate import Coded, Goal, RateControl
from core.coding.records import FrameRecord
from core.errors import ConfigError
from core.hooks import Array, Qualities
from core.media.reader import open_video
from core.options import amount

SECONDS = 8


class Graded(Levels):
    """The toy codec, whose levels are the closer the higher its quality is."""

    def __init__(self, quality: float = 3.0) -> None:
        super().__init__(step=round(64 / 2 ** (quality / 4)))
        self._quality = quality

    @property
    def qualities(self) -> Qualities:
        return Qualities(coarsest=0, finest=20, step=0.25, own=self._quality)

    def at(self, quality: float) -> Graded:
        return Graded(quality)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Frames that move, and from the middle on are noisy as well."""
    noise = np.random.default_rng(0)
    frames: list[Array] = moving(25 * SECONDS)
    for frame in frames[100:]:
        frame += noise.normal(0, 0.05, frame.shape).astype(np.float32)
    return write(tmp_path_factory.mktemp("rate") / "in.y4m", [np.clip(frame, 0, 1) for frame in frames])


def controlled(source: Path, output: Path, goal: Goal, loaded: LoadedCodec) -> list[FrameRecord]:
    records: list[FrameRecord] = []
    control = RateControl(loaded, goal, lambda: open_video(source), False, lambda parts: None)
    with open_video(source) as reader:
        encode_video(reader, output, loaded, source=source, note=records.append, coder=control)
    return records


@pytest.mark.parametrize("gop", [0, 12, 50])
@pytest.mark.parametrize("kind", ["bitrate", "size"])
def test_a_goal_is_met(source: Path, tmp_path: Path, gop: int, kind: str) -> None:
    size = 600_000
    goal = Goal(size=size) if kind == "size" else Goal(bitrate=8 * size / SECONDS)
    records = controlled(source, tmp_path / "out.mdv", goal, load(Graded(), gop))
    assert len(records) == 25 * SECONDS
    assert (tmp_path / "out.mdv").stat().st_size == pytest.approx(size, rel=0.05)
    qualities = {record.quality for record in records}
    assert len(qualities) > 1 if gop == 12 else None not in qualities


def test_a_size_is_filled_at_one_quality(source: Path, tmp_path: Path) -> None:
    spread = {}
    for goal in (Goal(size=6e5), Goal(bitrate=6e5)):
        records = controlled(source, tmp_path / f"{goal.size}.mdv", goal, load(Graded(), 12))
        spread[goal] = np.std([record.quality for record in records[:-12]])
    assert spread[Goal(size=6e5)] < spread[Goal(bitrate=6e5)] / 2


@pytest.mark.parametrize("goal", [Goal(bitrate=6e5), Goal(size=6e5)])
def test_an_interrupted_job_ends_like_an_undisturbed_one(source: Path, tmp_path: Path, goal: Goal) -> None:
    loaded = load(Graded(), 12)
    straight = controlled(source, tmp_path / "straight.mdv", goal, loaded)
    control = RateControl(loaded, goal, lambda: open_video(source), False, lambda parts: None)

    def interrupted(kept: list[FrameRecord], time_base: Fraction) -> Iterator[Coded]:
        yield from islice(control(kept, time_base), 70)
        raise KeyboardInterrupt

    with open_video(source) as reader, pytest.raises(KeyboardInterrupt):
        encode_video(reader, tmp_path / "out.mdv", loaded, source=source, coder=interrupted)
    assert controlled(source, tmp_path / "out.mdv", goal, loaded) == straight
    assert (tmp_path / "out.mdv").read_bytes() == (tmp_path / "straight.mdv").read_bytes()


def test_a_codec_of_one_rate_says_so() -> None:
    loaded = replace(load(), name="dvc")
    with pytest.raises(ConfigError, match=r"codec=dvc has one rate, that of its network"):
        RateControl(loaded, Goal(bitrate=1e5), lambda: open_video("none"), False, lambda parts: None)


@pytest.mark.parametrize(("text", "number"), [("400k", 4e5), ("1.5M", 1.5e6), ("2G", 2e9), ("800", 800)])
def test_amounts(text: str, number: float) -> None:
    assert amount("codec.bitrate", text) == number


@pytest.mark.parametrize("text", ["", "0", "-1", "4kk", "1e5", "k", "nan"])
def test_words_that_are_no_amounts(text: str) -> None:
    with pytest.raises(ValueError, match=r"codec\.size is .*; give it as 400k"):
        amount("codec.size", text)
