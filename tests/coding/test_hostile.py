"""Streams whose checksums are right and whose values are not: any header and any time decode, or are one sentence."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from material import moving, write
from toy import Levels, load

from core.coding.decode import decode, decode_video
from core.coding.encode import encode
from core.errors import MediaError, MindvideoError, StreamError
from core.media import pacing
from core.media.limits import Limits
from core.stream import StreamReader, StreamWriter

terms = st.one_of(st.integers(1, 2**32 - 1), st.sampled_from([1, 2, 1000, 1001, 2**31 - 1, 2**32 - 1]))
fractions = st.builds(Fraction, terms, terms)
times = st.one_of(st.integers(0, 2**54), st.sampled_from([1 << 53, (1 << 53) - 1, 1 << 58, 1 << 40]))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made")
    encode(write(folder / "in.y4m", moving(3)), folder / "a.mdv", load(Levels()))
    return folder / "a.mdv"


@pytest.fixture(scope="module", autouse=True)
def _few_repeats() -> Iterator[None]:
    """Targets without times repeat a frame thousands of times where it is shown for so long: here, some tens."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pacing, "MAX_REPEATS", 40)
        yield


@settings(max_examples=25, deadline=None)
@example(rate=Fraction(19527, 109762390), base=Fraction(23501, 2147483647), shown={0, 91380, 52598439})
@given(rate=fractions, base=fractions, shown=st.sets(times, min_size=3, max_size=3))
@example(rate=Fraction(1, 2), base=Fraction(827, 2**31 - 3), shown={0, 2596716, 5193432})
@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".y4m", ""])
def test_any_rate_and_any_time(
    made: Path, suffix: str, rate: Fraction, base: Fraction, shown: set[int]
) -> None:
    with TemporaryDirectory() as name, StreamReader(made) as reader:
        path, output = Path(name) / "b.mdv", Path(name) / f"back{suffix}"
        packets = [replace(p, time=time) for p, time in zip(reader, sorted(shown), strict=True)]
        try:
            with StreamWriter.create(path, replace(reader.header, frame_rate=rate, time_base=base)) as writer:
                for packet in packets:
                    writer.write(packet)
            decode(path, output, load(Levels()))
        except MindvideoError:
            assert not output.exists()
        else:
            assert output.exists()


def test_what_is_asked_for_is_said_and_bounded(
    made: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    loaded = load(Levels())
    for limits, words in (
        (Limits(pixels=48 * 36 - 1), "limits.pixels"),
        (Limits(frames=2), "limits.frames"),
        (Limits(output_bytes=7000), "limits.output_bytes"),
    ):
        with pytest.raises(MediaError, match=words):
            decode_video(made, tmp_path / "back.y4m", loaded, limits=limits)
        assert not list(tmp_path.iterdir())
    decode_video(made, tmp_path / "back.y4m", loaded, limits=Limits(48 * 36, 3, 20000))
    assert "3 frames of 48x36 to decode" in caplog.text and "GB uncoded" in caplog.text


@given(text=st.text(max_size=20))
def test_texts_that_do_not_print_are_in_no_header(made: Path, text: str) -> None:
    with StreamReader(made) as reader:
        header = reader.header
    for name in ("codec", "arithmetic", "pixel_format"):
        if text.isprintable():
            assert getattr(replace(header, **{name: text}), name) == text
        else:
            with pytest.raises(StreamError, match="do not print"):
                replace(header, **{name: text})
