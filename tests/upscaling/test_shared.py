"""Upscaling that is shared out: what one process makes, and parts that are taken up by any number of them."""

from __future__ import annotations

import pickle
from collections.abc import Iterable, Iterator
from dataclasses import replace
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.crew import Seen
from core.media.excerpt import Film
from core.media.index import FrameIndex
from core.media.reader import open_video
from core.media.writer import open_writer
from core.upscaling import video
from core.upscaling.options import UpscaleOptions
from core.upscaling.shared import Share, UpscalingWorker
from core.upscaling.video import Upscaled, upscale_video
from tests.upscaling.test_video import EMBEDDED, RATE, Repeat, ramp, read, run, write


class Alone:
    """A crew of one worker of this process, the latest pieces first; it is interrupted after some."""

    size = 1

    def __init__(self, worker: UpscalingWorker, pieces: int | None, sees: bool) -> None:
        self._worker, self._pieces, self._sees = worker, pieces, sees
        self.hello = worker.hello

    def run(self, pieces: Iterable[Any], seen: Seen, ahead: int | None = None) -> Iterator[tuple[Any, Any]]:
        for piece in list(pieces)[::-1][: self._pieces]:
            given = pickle.loads(pickle.dumps(piece))
            given = given if self._sees else replace(given, mark=Path("nowhere"))
            yield piece, pickle.loads(pickle.dumps(self._worker.do(given, seen)))
        if self._pieces is not None:
            raise KeyboardInterrupt

    def __enter__(self) -> Alone:
        return self

    def __exit__(self, *raised: Any) -> None: ...


def shared(
    source: Path,
    output: Path,
    pieces: int | None = None,
    upscaler: Repeat | None = None,
    sees: bool = True,
    **options: Any,
) -> Upscaled:
    chosen = UpscaleOptions(**options)
    index = FrameIndex(source)
    film = Film(index, 0, len(index))
    crew = Alone(UpscalingWorker(upscaler or Repeat(), chosen, film, {"upscaler": "repeat"}), pieces, sees)
    with open_video(source) as reader:
        return upscale_video(
            reader,
            output,
            crew.hello,  # type: ignore[arg-type]
            chosen,
            source=source,
            identity=crew.hello.identity,
            share=Share(crew, film),
        )


@pytest.fixture(autouse=True)
def short_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(video, "SEGMENT_FRAMES", 3)


@pytest.mark.parametrize("sees", [True, False])
@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".y4m", ""])
def test_what_one_process_makes(tmp_path: Path, suffix: str, sees: bool) -> None:
    """By workers that see the work folder, and by others, whose parts come back as bytes."""
    shots = []
    for name in ("box_handheld", "city_night"):
        with open_video(EMBEDDED / f"{name}.mp4") as reader:
            shots += [np.ascontiguousarray(frame.rgb[:, :96, :96]) for frame in islice(reader, 13)]
    source = write(tmp_path / "in.mp4", shots)
    one = run(source, tmp_path / f"one{suffix}")
    two = shared(source, tmp_path / f"two{suffix}", sees=sees)
    assert two == one and one.cuts == 1
    for picture, wanted in zip(
        read(tmp_path / f"two{suffix}")[0], read(tmp_path / f"one{suffix}")[0], strict=True
    ):
        np.testing.assert_array_equal(picture, wanted)
    assert read(tmp_path / f"two{suffix}")[1] == read(tmp_path / f"one{suffix}")[1]


@pytest.mark.parametrize("suffix", [".mp4", ".y4m"])
def test_times_of_their_own(tmp_path: Path, suffix: str) -> None:
    source = tmp_path / "in.mp4"
    with open_writer(source, width=36, height=24, frame_rate=RATE, crf=4) as writer:
        for frame, time in zip(ramp(7), (0, 40, 70, 200, 215, 300, 500), strict=True):
            writer.write(frame, Fraction(time, 1000))
    one = run(source, tmp_path / f"one{suffix}")
    assert shared(source, tmp_path / f"two{suffix}") == one
    assert (tmp_path / f"two{suffix}").read_bytes() == (tmp_path / f"one{suffix}").read_bytes()


def test_parts_are_taken_up_by_any_number_of_processes(tmp_path: Path) -> None:
    source = write(tmp_path / "in.y4m", ramp(10))
    one = run(source, tmp_path / "one.mp4")
    for name in ("shared.mp4", "alone.mp4"):
        with pytest.raises(KeyboardInterrupt):
            shared(source, tmp_path / name, pieces=2)
        again = Repeat()
        if name == "shared.mp4":
            assert shared(source, tmp_path / name, upscaler=again) == one
        else:
            assert run(source, tmp_path / name, again) == one
        assert again.calls == 6  # of four parts, those of frames 6 to 8 and of frame 9 are there
        assert (tmp_path / name).read_bytes() == (tmp_path / "one.mp4").read_bytes()
