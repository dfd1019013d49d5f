"""Measuring: what the files hold, and what the cache saves."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from material import moving
from toy import Levels, load

from core.coding.codec import LoadedCodec
from core.coding.frames import StreamDecoder
from core.errors import ConfigError
from core.hooks import Array, ClipSource
from core.measure.cache import Cache, key_of, pixels_of
from core.measure.clips import MeasureSettings, measure_clips
from core.measure.codecs import MeasuredCodec
from core.measure.qualities import qualities
from core.measure.records import ClipRecord
from core.media.colour import Matrix, Range, rgb_to_yuv
from core.metrics.quality import ms_ssim, psnr, ssim
from core.stream import StreamReader


class Clips:
    columns = ("frames",)

    def __init__(self, count: int = 3, width: int = 64, height: int = 48) -> None:
        self.clips = [np.stack(moving(3, width, height, seed)) for seed in range(count)]

    def __len__(self) -> int:
        return len(self.clips)

    def label(self, index: int) -> str:
        return f"wave {index}"

    def clip(self, index: int, rng: np.random.Generator) -> tuple[Array, ...]:
        return (self.clips[index],)


class Counting:
    """Loads the codec, and counts how often."""

    def __init__(self, conventional: bool = False) -> None:
        self.calls, self.conventional = 0, conventional

    def __call__(self) -> LoadedCodec:
        self.calls += 1
        return replace(load(Levels(), gop=2), places_intra=self.conventional)


def how(folder: Path, **changed: object) -> MeasureSettings:
    options: dict[str, Any] = {"conditions": {"codec": "toy"}, "pictures": 1, **changed}
    return MeasureSettings(cache=Cache(folder), **options)


def measure(source: ClipSource, loading: Counting, how: MeasureSettings) -> tuple[list[ClipRecord], int]:
    """The records, and how many were there already."""
    cache = how.cache
    assert cache is not None
    work = MeasuredCodec(loading, lambda number, key: cache.stream(key))
    found = list(measure_clips(source, work, how))
    return [one.record for one in found], sum(one.made is None for one in found)


def test_numbers_can_be_computed_again_from_the_files(tmp_path: Path) -> None:
    source = Clips()
    clips, cached = measure(source, Counting(), how(tmp_path))
    assert cached == 0 and [clip.label for clip in clips] == ["wave 0", "wave 1", "wave 2"]
    cache = Cache(tmp_path)
    for clip, truth in zip(clips, source.clips, strict=True):
        path = cache.stream(clip.key)
        assert clip.counted_bytes == clip.file_bytes == path.stat().st_size
        assert clip.bpp == path.stat().st_size * 8 / (3 * 64 * 48)
        with StreamReader(path) as reader:
            assert clip.packet_bytes == sum(len(packet.payload) for packet in reader)
        with StreamDecoder(path, load()) as stream:
            pictures = np.stack([frame.picture for frame in stream.frames()])
        stored = np.rint(truth * np.float32(255)).astype(np.float64)  # as a file would hold it
        errors = np.square(pictures - stored).mean(axis=(1, 2, 3))
        assert clip.values["psnr_rgb"] == pytest.approx(np.mean(10 * np.log10(255**2 / errors)), abs=1e-6)
        assert clip.values["ssim"] == pytest.approx(ssim(pictures / 255, stored / 255).mean(), abs=1e-9)
        assert clip.values["ms_ssim"] is None
        assert clip.source == pixels_of(truth) and clip.peak_memory > 1 << 20


def test_planes(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    truth = np.rint(np.stack(moving(2, 32, 24)) * 255).astype(np.float32) / 255
    decoded = np.clip(truth + rng.normal(0, 0.02, truth.shape), 0, 1).astype(np.float32)
    decoded = np.rint(decoded * 255).astype(np.float32) / 255
    values = qualities(zip(decoded, truth, strict=True), {})
    y, yuv = [], []
    for first, second in zip(decoded, truth, strict=True):
        pairs = zip(
            *(rgb_to_yuv(p, matrix=Matrix.BT709, range=Range.FULL) for p in (first, second)), strict=True
        )
        planes = [10 * np.log10(255**2 / np.square(a.astype(float) - b).mean()) for a, b in pairs]
        y.append(planes[0])
        yuv.append((6 * planes[0] + planes[1] + planes[2]) / 8)
    assert values["psnr_y"] == pytest.approx(np.mean(y)) and values["psnr_yuv"] == pytest.approx(np.mean(yuv))
    assert values["psnr_rgb"] == pytest.approx(psnr(decoded, truth).mean(), abs=1e-4)


def test_equal_pictures_and_large_ones() -> None:
    truth = np.stack(moving(1, 176, 161))
    values = qualities([(truth[0], truth[0])], {})
    assert values == {"psnr_rgb": 100, "psnr_y": 100, "psnr_yuv": 100, "ssim": 1, "ms_ssim": 1}
    blurred = (truth + np.roll(truth, 1, axis=3)) / 2
    found = qualities([(blurred[0], truth[0])], {})["ms_ssim"]
    assert 0 < found < 1
    assert found == pytest.approx(
        ms_ssim(np.rint(blurred * 255) / 255, np.rint(truth * 255) / 255).mean(), abs=1e-6
    )


def test_a_second_time_nothing_is_loaded(tmp_path: Path) -> None:
    first, _ = measure(Clips(), Counting(), how(tmp_path))
    loading = Counting()
    second, cached = measure(Clips(), loading, how(tmp_path))
    assert second == first and cached == 3 and loading.calls == 0


def test_only_what_is_missing_is_measured(tmp_path: Path) -> None:
    measure(Clips(2), Counting(), how(tmp_path))
    loading = Counting()
    clips, cached = measure(Clips(3), loading, how(tmp_path))
    assert cached == 2 and loading.calls == 1 and [clip.cold for clip in clips] == [True, False, True]


@pytest.mark.parametrize("content", ["", "{}", "no json", '{"label": 1, "unknown": 2}'])
def test_a_record_that_cannot_be_read_is_none(tmp_path: Path, content: str) -> None:
    clips, _ = measure(Clips(1), Counting(), how(tmp_path))
    Cache(tmp_path).record(clips[0].key).write_text(content)
    again, cached = measure(Clips(1), Counting(), how(tmp_path))
    assert cached == 0 and again[0].counted_bytes == clips[0].counted_bytes


def test_other_conditions_or_pixels_are_other_results(tmp_path: Path) -> None:
    clips, _ = measure(Clips(1), Counting(), how(tmp_path))
    other, cached = measure(Clips(1), Counting(), how(tmp_path, conditions={"codec": "finer"}))
    assert cached == 0 and other[0].key != clips[0].key
    brighter = Clips(1)
    brighter.clips[0] = brighter.clips[0] + np.float32(1e-3)
    assert measure(brighter, Counting(), how(tmp_path))[1] == 0
    assert key_of({"a": 1, "b": 2}) == key_of({"b": 2, "a": 1}) != key_of({"a": 1, "b": 3})


def test_pictures_that_are_wanted_later_are_made(tmp_path: Path) -> None:
    """Those of clips that are evenly spaced."""
    measure(Clips(3), Counting(), how(tmp_path, pictures=0))
    clips, cached = measure(Clips(3), Counting(), how(tmp_path, pictures=2))
    assert cached == 1
    drawn = [Cache(tmp_path).picture(clip.key).is_file() for clip in clips]
    assert drawn == [True, False, True] == [Cache(tmp_path).source(clip.source).is_file() for clip in clips]


def test_conventional_codecs_count_packets_alone(tmp_path: Path) -> None:
    clips, _ = measure(Clips(1), Counting(conventional=True), how(tmp_path))
    assert clips[0].counted_bytes == clips[0].packet_bytes < clips[0].file_bytes
    assert clips[0].encode_entropy_seconds is None


def test_an_interruption_loses_one_clip(tmp_path: Path) -> None:
    class Stopping(Clips):
        def clip(self, index: int, rng: np.random.Generator) -> tuple[Array, ...]:
            if index == 2:
                raise KeyboardInterrupt
            return super().clip(index, rng)

    with pytest.raises(KeyboardInterrupt):
        measure(Stopping(), Counting(), how(tmp_path))
    assert measure(Clips(), Counting(), how(tmp_path))[1] == 2
    assert all(not path.name.startswith(".") for path in tmp_path.rglob("*"))


def test_no_clips(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no clips"):
        measure(Clips(0), Counting(), how(tmp_path))


def test_clips_without_names_are_numbered(tmp_path: Path) -> None:
    class Nameless:
        columns = ("frames",)

        def __len__(self) -> int:
            return 2

        def clip(self, index: int, rng: np.random.Generator) -> tuple[Array, ...]:
            return Clips().clip(index, rng)

    clips, _ = measure(Nameless(), Counting(), how(tmp_path))
    assert [clip.label for clip in clips] == ["clip 0", "clip 1"]


def test_the_record_is_plain(tmp_path: Path) -> None:
    clips, _ = measure(Clips(1), Counting(), how(tmp_path))
    plain = json.loads(Cache(tmp_path).record(clips[0].key).read_text())
    assert plain["values"] == clips[0].values and plain["key"] == clips[0].key
