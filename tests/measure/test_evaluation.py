"""Measuring codecs: real bytes, what the file decodes to, and x264 at the same bytes."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from material import moving
from toy import Levels, Pairs, load

from core.app import plugins
from core.coding.codec import LoadedCodec
from core.coding.frames import StreamDecoder
from core.errors import ConfigError, StreamError
from core.hooks import Array, CodecEntry, DecodedFrame, FrameDecoder, Packet, PictureFormat
from core.measure.evaluation import OURS, CodecEvaluation, evaluate_codec, with_others
from core.measure.rate_matching import RateMatcher
from core.metrics.quality import as_stored, psnr
from core.report.evaluation import draw_examples, print_codec_evaluation

ANCHOR = "x264, no more bytes"


class Clips:
    """Two clips of five frames."""

    columns = ("frames",)

    def __init__(self, count: int = 2, width: int = 64, height: int = 48) -> None:
        self.clips = [np.stack(moving(5, width, height, seed)) for seed in range(count)]

    def __len__(self) -> int:
        return len(self.clips)

    def clip(self, index: int, rng: np.random.Generator) -> tuple[Array, ...]:
        return (self.clips[index],)


class MeanError:
    """A metric with MindSpore's interface: the mean absolute error in steps of 8 bits."""

    def clear(self) -> None:
        self.values: list[float] = []

    def update(self, *inputs: Array) -> None:
        prediction, truth = inputs
        assert prediction.shape == truth.shape == (1, 3, *truth.shape[2:])
        self.values.append(float(np.abs(prediction - truth).mean() * 255))

    def eval(self) -> float:
        return float(np.mean(self.values))


def x264() -> RateMatcher:
    entry = plugins(()).find("codec", "x264")
    assert isinstance(entry, CodecEntry)
    return RateMatcher(entry, entry.config())


def measured(
    folder: Path, loaded: LoadedCodec, source: Clips | None = None, **options: object
) -> CodecEvaluation:
    options.setdefault("anchor", x264())
    source = Clips() if source is None else source
    return evaluate_codec(loaded, source, {"error": MeanError()}, folder, **options)  # type: ignore[arg-type,dict-item]


@pytest.mark.parametrize("codec", [Levels(), Pairs()])
def test_what_is_measured_is_what_the_file_holds(tmp_path: Path, codec: Levels) -> None:
    source = Clips()
    evaluation = measured(tmp_path / "streams", load(codec, gop=3), source)
    for number, clip in enumerate(evaluation.clips):
        path = tmp_path / "streams" / f"clip_{number}.mdv"
        assert clip.counted_bytes == path.stat().st_size
        assert clip.bpp == clip.counted_bytes * 8 / (5 * 64 * 48)
        with StreamDecoder(path, load(codec)) as stream:
            pictures = np.stack([frame.picture for frame in stream.frames()]) / 255
        truth = source.clips[number]
        assert clip.values["psnr_rgb"] == pytest.approx(psnr(pictures, as_stored(truth)).mean(), abs=1e-4)
        assert clip.values["error"] == pytest.approx(np.abs(pictures - truth).mean() * 255, abs=1e-3)
    assert evaluation.estimated_bpp is None
    assert evaluation.rows[OURS].bpp == pytest.approx(np.mean([clip.bpp for clip in evaluation.clips]))
    assert evaluation.score == evaluation.rows[OURS].psnr - evaluation.rows[ANCHOR].psnr
    assert evaluation.peak_memory > 2**20


def test_another_codec_beside(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ours, other = measured(tmp_path / "ours", load()), measured(tmp_path / "other", load(Levels(step=40)))
    both = with_others(ours, {"coarse": other})
    assert list(both.rows) == [OURS, "coarse", ANCHOR]
    assert both.rows["coarse"] == other.rows[OURS] and both.rows[OURS] == ours.rows[OURS]
    assert both.score == ours.score
    labels = [label.partition(":")[0] for label, _ in both.examples[0].panels]
    assert labels == ["source, frame 4", "coarse", "ours", "x264"]
    pictures = [picture for _, picture in both.examples[0].panels]
    np.testing.assert_array_equal(pictures[1], other.examples[0].panels[1][1])
    np.testing.assert_allclose(both.examples[0].difference, abs(pictures[2] - pictures[1]).mean(axis=0))
    print_codec_evaluation(both, "title")
    assert "coarse" in capsys.readouterr().out
    assert draw_examples(both.examples)["comparison_0"].std() > 10


def test_pictures_come_from_the_file_by_a_fresh_decoder(tmp_path: Path) -> None:
    class Lost(Levels):
        """Whose decoders do not decode."""

        def decoder(self, format: PictureFormat) -> FrameDecoder:
            class Decoder:
                def decode(self, packet: Packet) -> list[DecodedFrame]:
                    raise StreamError("lost")

                def flush(self) -> list[DecodedFrame]:
                    return []

            return Decoder()

    with pytest.raises(StreamError, match="lost"):
        measured(tmp_path, load(Lost()))


def test_estimates_pictures_and_progress(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said: list[str] = []
    evaluation = measured(tmp_path, load(), Clips(3), pictures=2, estimate=True, seen=said.append)
    assert len(said) == 3
    for clip in evaluation.clips:
        assert clip.estimated_bpp is not None
        assert 0 < clip.estimated_bpp < clip.bpp
    assert len(evaluation.examples) == 2
    labels = [label for label, _ in evaluation.examples[0].panels]
    assert labels[0] == "source, frame 4"
    assert labels[1].startswith(f"ours: {evaluation.clips[0].bpp:.4f} bpp, ")
    assert labels[2].startswith(f"x264: {evaluation.anchored[0][1].bpp:.4f} bpp, ")
    for picture in draw_examples(evaluation.examples).values():
        assert picture.dtype == np.uint8 and picture.std() > 10
    print_codec_evaluation(evaluation, "A title")
    table = capsys.readouterr().out
    for text in (
        "A title",
        "ours",
        ANCHOR,
        f"{evaluation.rows[OURS].bpp:.4f}",
        "estimated rate",
        "peak memory",
    ):
        assert text in table
    plain = json.loads(json.dumps(evaluation.to_json()))
    assert plain["rows"][OURS]["bpp"] == evaluation.bpp and plain["score"] == evaluation.score
    assert plain["clips"][0]["anchor"]["bpp"] <= plain["clips"][0]["ours"]["bpp"]
    assert plain["clips"][0]["anchor_format"] in ("yuv420p", "yuv444p")


def test_without_an_anchor(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    evaluation = measured(tmp_path, load(), anchor=None)
    assert list(evaluation.rows) == [OURS] and evaluation.score is None
    print_codec_evaluation(evaluation, "A title")
    assert "x264" not in capsys.readouterr().out
    assert len(evaluation.examples[0].panels) == 2 and draw_examples(evaluation.examples)
    assert evaluation.to_json()["clips"][0]["anchor"] is None


def test_the_first_clip_whose_time_has_compiling_in_it_does_not_count(tmp_path: Path) -> None:
    evaluation = measured(tmp_path, load(), Clips(2), anchor=None)
    assert evaluation.seconds("encode_seconds") == evaluation.clips[1].encode_seconds


def test_no_clips(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no clips"):
        measured(tmp_path, load(), Clips(0))
