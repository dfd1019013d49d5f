"""Records that come back from JSON: sound ones return as they were, and no other content gets past a clear error."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.coding.records import FrameRecord
from core.errors import RecordError
from core.measure.records import ClipRecord, PointRecord, UpscaledClip, UpscalerRecord, record_of
from core.records import MAX_DEPTH, AnyFloat, Positive, Sha256, decode_record, parse_json, read_record
from core.sweeping import Job

CLIP = ClipRecord(
    label="a",
    source="0" * 64,
    key="1" * 64,
    cold=False,
    peak_memory=5,
    frames=2,
    width=64,
    height=48,
    counted_bytes=10,
    file_bytes=12,
    packet_bytes=9,
    values={"psnr_rgb": 30.5, "ms_ssim": None},
    encode_seconds=0.5,
    decode_seconds=1,
    encode_entropy_seconds=None,
    decode_entropy_seconds=0.0,
    stream="2" * 64,
)
UPSCALED = UpscaledClip(
    label="a",
    source="0" * 64,
    key="1" * 64,
    cold=True,
    peak_memory=5,
    width=64,
    height=48,
    values={task: {"psnr_rgb": 30.0} for task in ("S-VSR", "T-VSR", "ST-VSR")},
    seconds=0.25,
)
SHARED: dict[str, Any] = {
    "parameters": 5,
    "multiply_adds": {"encode": 1.5},
    "fingerprint": "ab",
    "options": {"gop": 8},
    "device": None,
    "versions": {"av": "17"},
    "machine": "a",
    "cached": 0,
}
POINT = PointRecord(
    codec="x264", axes={"coding": "none"}, gop=8, intra=None, counted="packets", clips=[CLIP], **SHARED
)
UPSCALER = UpscalerRecord(upscaler="bicubic", scale=4, clips=[UPSCALED], **SHARED)
FRAME = FrameRecord("intra", 3, 100, 40.5, None)
JOB = Job(3, ["a=1", "b=2"], "0" * 64, score=1.0, seconds=2.5)
ALL = [CLIP, UPSCALED, POINT, UPSCALER, FRAME, JOB]

ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from([10**400, "x" * 300]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@dataclass(frozen=True)
class Sample:
    """One field of each kind."""

    number: Positive
    half: float
    odd: AnyFloat
    name: Sha256 | None
    kind: Literal["a", "b"]
    several: Sequence[int] = ()
    named: Mapping[str, float | None] | None = None
    free: Any = None


SAMPLE: dict[str, Any] = {"number": 1, "half": 0.5, "odd": 1.0, "name": None, "kind": "a"}


@pytest.mark.parametrize("record", ALL, ids=lambda record: type(record).__name__)
def test_a_record_comes_back_as_it_was(record: Any) -> None:
    assert decode_record(type(record), parse_json(json.dumps(asdict(record)))) == record


@pytest.mark.parametrize("record", ALL, ids=lambda record: type(record).__name__)
@given(data=st.data())
def test_any_value_of_any_field_is_refused_or_taken(record: Any, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from([field.name for field in fields(record)]))
    plain = {**asdict(record), name: data.draw(ANYTHING)}
    try:
        decoded = decode_record(type(record), plain)
    except RecordError:
        return
    assert json.loads(json.dumps(asdict(decoded))) is not None
    for clip in getattr(decoded, "clips", []):
        assert clip.width > 0 and clip.height > 0


@given(plain=ANYTHING)
def test_anything_at_all_is_refused(plain: Any) -> None:
    for record in ALL:
        with pytest.raises(RecordError):
            decode_record(type(record), plain)
    with pytest.raises(RecordError):
        record_of(plain)


def test_results_of_both_kinds_are_told_apart() -> None:
    assert record_of(asdict(POINT)) == POINT
    assert record_of(asdict(UPSCALER)) == UPSCALER


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"number": 0}, "number is 0, out of its range"),
        ({"number": True}, "number is True, not an integer"),
        ({"number": 1.0}, "not an integer"),
        ({"number": 1 << 63 | 1}, "out of its range"),
        ({"half": float("nan")}, "half is nan, out of its range"),
        ({"half": float("inf")}, "out of its range"),
        ({"half": 10**400}, "out of its range"),
        ({"odd": 10**400}, "out of its range"),
        ({"half": "9"}, "half is '9', not a number"),
        ({"name": "../../x"}, "name"),
        ({"kind": "c"}, "kind is 'c', which it cannot be"),
        ({"several": "abc"}, "several is 'abc'"),
        ({"several": [1, None]}, "several[1]"),
        ({"named": {"a": "b"}}, "named"),
        ({"other": 1}, "a field 'other', which is not known"),
    ],
)
def test_a_wrong_field_is_named(change: dict[str, Any], sentence: str) -> None:
    with pytest.raises(RecordError) as error:
        decode_record(Sample, {**SAMPLE, **change})
    assert sentence in str(error.value)


def test_a_missing_field_is_named() -> None:
    with pytest.raises(RecordError, match="lacks the field 'half'"):
        decode_record(Sample, {name: value for name, value in SAMPLE.items() if name != "half"})


def test_numbers_that_are_none_are_taken_where_they_mean_something() -> None:
    assert decode_record(Sample, {**SAMPLE, "odd": float("inf"), "half": 1}).odd == float("inf")


@pytest.mark.parametrize(
    "text",
    [
        "[" * 200_000,
        "[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1),
        "{",
        "\0" * 9,
        b"\xff\xfe\xff",
        "1" * 5000,
    ],
)
def test_text_that_is_no_json_or_too_deep_is_refused(text: Any) -> None:
    with pytest.raises(RecordError, match="it is"):
        parse_json(text)


def test_a_result_without_clips_or_tasks_is_refused() -> None:
    with pytest.raises(RecordError, match="no clip"):
        decode_record(PointRecord, {**asdict(POINT), "clips": []})
    with pytest.raises(RecordError, match="no ST-VSR"):
        decode_record(UpscaledClip, {**asdict(UPSCALED), "values": {"S-VSR": {}, "T-VSR": {}}})


def test_a_file_is_read(tmp_path: Any) -> None:
    path = tmp_path / "job.json"
    path.write_text(json.dumps(asdict(JOB)))
    assert read_record(Job, path) == JOB
