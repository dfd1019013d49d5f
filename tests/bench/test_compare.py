"""Which curves are compared, and the verdicts over sequences."""

import json
from dataclasses import asdict

import pytest

from core.bench.compare import (
    MEAN_CURVE,
    MEAN_OF_SEQUENCES,
    compare,
    conditions_of,
    curves,
    figures,
    find_uncompared,
)
from core.bench.records import Outcome
from core.measure.records import PointRecord, record_of

ANCHOR = [
    [(0.05, 30.0), (0.1, 28.0)],
    [(0.1, 33.0), (0.2, 31.0)],
    [(0.2, 35.5), (0.4, 33.5)],
    [(0.4, 37.5), (0.8, 35)],
]


def scaled(*factors):
    return [[(rate * f, q) for (rate, q), f in zip(point, factors, strict=True)] for point in ANCHOR]


def values(comparisons, measure="BD-rate, PSNR RGB"):
    return {c.sequence: c.delta for c in comparisons if c.measure.name == measure}


def test_each_sequence_and_their_mean(outcomes):
    found = values(compare(curves([*outcomes("a", ANCHOR), *outcomes("b", scaled(0.8, 0.5))]), ["a"]))
    assert found["clip 0"].value == pytest.approx(-20, abs=0.01)  # bytes are whole numbers
    assert found["clip 1"].value == pytest.approx(-50, abs=0.01)
    assert found[MEAN_OF_SEQUENCES].value == pytest.approx(-35, abs=0.01)
    assert -50 < found[MEAN_CURVE].value < -35  # the second sequence has more bytes


def test_every_contender_against_every_anchor(outcomes):
    all_of = [*outcomes("a", ANCHOR), *outcomes("b", scaled(0.8, 0.8)), *outcomes("c", scaled(2, 2))]
    pairs = {(c.anchor, c.contender) for c in compare(curves(all_of), ["a", "b"])}
    assert pairs == {("a", "b"), ("a", "c"), ("b", "a"), ("b", "c")}


def test_a_mean_is_of_all_sequences_or_of_none(outcomes):
    fallen = scaled(0.8, 0.8)
    fallen[2][1] = (fallen[2][1][0], 20.0)
    found = values(compare(curves([*outcomes("a", ANCHOR), *outcomes("b", fallen)]), ["a"]))
    assert found["clip 0"].value == pytest.approx(-20, abs=0.01)
    assert found["clip 1"].value is None and "does not rise" in found["clip 1"].reason
    assert found[MEAN_OF_SEQUENCES].value is None
    assert found[MEAN_OF_SEQUENCES].reason.startswith(
        "1 of 2 sequences have no value: the curve does not rise"
    )


def test_a_measure_that_was_not_taken_has_no_value(outcomes):
    both = [*outcomes("a", ANCHOR), *outcomes("b", scaled(0.8, 0.8))]
    assert values(compare(curves(both), ["a"]), "BD-MSSSIM")[MEAN_CURVE].reason.startswith(
        "the anchor's curve has 0 of"
    )


def test_similarities_are_compared_in_decibels(outcomes):
    similar = [[(rate, 1 - 10 ** (-q / 10)) for rate, q in point] for point in ANCHOR]
    half = [[(rate * 0.5, q) for rate, q in point] for point in similar]
    both = [*outcomes("a", similar, quality="ms_ssim"), *outcomes("b", half, quality="ms_ssim")]
    found = values(compare(curves(both), ["a"]), "BD-rate, MS-SSIM")
    assert found["clip 0"].value == pytest.approx(-50, abs=0.01)


@pytest.mark.parametrize("other", [{"gop": 0}, {"test_set": "uvg"}])
def test_other_conditions_are_never_compared(outcomes, other):
    both = curves([*outcomes("a", ANCHOR), *outcomes("b", scaled(0.8, 0.8), **other)])
    assert compare(both, ["a", "b"]) == []
    assert [len(together) for together in figures(both).values()] == [1, 1]


def test_what_was_not_compared_is_told(outcomes):
    """Unless there is a common condition: another curve of the same contender may be compared."""
    anchor, same = outcomes("a", ANCHOR), outcomes("b", scaled(0.8, 0.8))
    endless = outcomes("b", scaled(0.8, 0.8), gop=0)
    (pair,) = find_uncompared(curves([*anchor, *endless]), ["a"])
    assert (pair.test_set, pair.anchor, pair.contender) == ("clips", "a", "b")
    assert pair.reason == "distance of intra frames 0 against 12."
    assert find_uncompared(curves([*anchor, *endless, *same]), ["a"]) == []
    assert find_uncompared(curves([*anchor, *outcomes("b", ANCHOR, test_set="uvg")]), ["a"]) == []
    one_clip = outcomes("c", [point[:1] for point in ANCHOR])
    assert find_uncompared(curves([*anchor, *one_clip]), ["a"])[0].reason.startswith("clips ")


@pytest.mark.parametrize("other", [{"source": "9" * 64}, {"frames": 5}, {"height": 10}])
def test_other_clips_are_other_conditions(outcomes, clip, other):
    record = outcomes("a", ANCHOR)[0].record
    changed = PointRecord(**{**vars(record), "clips": [clip(**{**vars(c), **other}) for c in record.clips]})
    assert conditions_of("clips", record) != conditions_of("clips", changed)


def test_points_of_another_gop_are_another_curve(outcomes):
    mixed = [*outcomes("a", ANCHOR[:2]), *outcomes("a", ANCHOR[2:], gop=0)]
    assert [len(curve.points) for curve in curves(mixed)] == [2, 2]


def test_failed_jobs_are_in_no_curve(outcomes):
    failed = Outcome("b", "p", "clips", [], 0.0, None, "it crashed.")
    assert [curve.contender for curve in curves([*outcomes("a", ANCHOR), failed])] == ["a"]


def test_records_go_to_json_and_back(outcomes):
    record = outcomes("a", ANCHOR)[0].record
    assert record_of(json.loads(json.dumps(record.to_json()))) == record
    assert asdict(record) == record.to_json()


def test_times_without_the_first_clip_of_a_process(outcomes, clip):
    record = outcomes("a", ANCHOR)[0].record
    clips = [clip(cold=True, encode_seconds=9.0), clip(encode_seconds=1.0), clip(encode_seconds=2.0)]
    point = PointRecord(**{**vars(record), "clips": clips})
    assert point.seconds("encode_seconds") == 1.5
    assert PointRecord(**{**vars(record), "clips": clips[:1]}).seconds("encode_seconds") == 9
    assert point.seconds("encode_entropy_seconds") is None
