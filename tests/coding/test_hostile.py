"""Streams whose checksums are right and whose values are not: any header and any time decode, or are one sentence."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from material import moving, write
from toy import Levels, load

from core.coding.decode import decode
from core.coding.encode import encode
from core.entropy.stream import StreamReader, StreamWriter
from core.errors import MindvideoError, StreamError

terms = st.one_of(st.integers(1, 2**32 - 1), st.sampled_from([1, 2, 1000, 1001, 2**31 - 1, 2**32 - 1]))
fractions = st.builds(Fraction, terms, terms)
times = st.one_of(st.integers(0, 2**54), st.sampled_from([1 << 53, (1 << 53) - 1, 1 << 58, 1 << 40]))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made")
    encode(write(folder / "in.y4m", moving(3)), folder / "a.mdv", load(Levels()))
    return folder / "a.mdv"


@settings(max_examples=25, deadline=None)
@given(rate=fractions, base=fractions, shown=st.sets(times, min_size=3, max_size=3))
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
