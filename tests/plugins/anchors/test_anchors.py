"""Anchors as codecs: what their options mean to the encoders, and streams made with them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import core
from core.coding.codec import EXACT, LoadedCodec
from core.coding.encode import encode
from core.coding.frames import StreamDecoder, StreamFault
from core.coding.verify import verify
from core.errors import ConfigError
from core.hooks import Array, CodecEntry, Coding, Direction, Supervision
from core.media.writer import open_writer
from plugins.anchors.codec import AnchorCodec, encoder_of
from plugins.anchors.plugin import plugin

NAMES = ["x264", "x265", "svtav1", "vp9"]
WORDS = {
    "x264": ["codec.preset=ultrafast"],
    "x265": ["codec.preset=ultrafast"],
    "svtav1": ["codec.preset=13"],
    "vp9": ["codec.effort=8"],
}
COUNT, WIDTH, HEIGHT = 9, 67, 45
each_anchor = pytest.mark.parametrize("name", NAMES)


def load(codec: str, *words: str) -> LoadedCodec:
    return core.open_run(["experiment=none", f"codec={codec}", "task=doctor", *words]).codec()


def options_of(codec: str, *words: str) -> dict[str, str]:
    run = core.open_run(["experiment=none", f"codec={codec}", "task=doctor", *words])
    return dict(encoder_of(run.settings.codec).options)


def frames() -> list[Array]:
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    waves = [[np.sin(x / 9 + 0.3 * n), np.cos(y / 7 - 0.2 * n), np.sin((x + y) / 8)] for n in range(COUNT)]
    return [(0.5 + 0.35 * np.stack(wave)).astype(np.float32) for wave in waves]


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("video") / "in.mkv"
    with open_writer(
        path, width=WIDTH, height=HEIGHT, frame_rate=25, pixel_format="yuv444p", crf=4
    ) as writer:
        for frame in frames():
            writer.write(frame)
    return path


@each_anchor
@pytest.mark.parametrize("gop", [0, 4])
def test_a_video_of_odd_size_goes_into_a_stream_and_back(
    name: str, gop: int, video: Path, tmp_path: Path
) -> None:
    loaded = load(name, f"codec.gop={gop}", "codec.crf=20", *WORDS[name])
    assert loaded.arithmetic == EXACT and loaded.gop == gop
    stream = tmp_path / "out.mdv"
    encoded = encode(video, stream, loaded)
    assert encoded.frames == COUNT and encoded.bytes == stream.stat().st_size and encoded.psnr > 25
    assert verify(stream, load(name, *WORDS[name])).frames == COUNT
    with StreamDecoder(stream, load(name)) as opened:
        shown = list(opened.frames())
    errors = [np.square(f.picture / 255.0 - t).mean() for f, t in zip(shown, frames(), strict=True)]
    assert -10 * np.log10(np.mean(errors)) > 25


@pytest.mark.parametrize("name", ["x264", "x265"])
def test_groups_with_b_frames_are_closed(name: str, video: Path, tmp_path: Path) -> None:
    """So that decoding may begin at any intra frame."""
    words = ("codec.bframes=2", "codec.tune=none", "codec.gop=4", "codec.preset=medium")
    stream = tmp_path / "out.mdv"
    encode(video, stream, load(name, *words))
    with StreamDecoder(stream, load(name)) as opened:
        whole = [frame.picture for frame in opened.frames()]
    for start in (4, 6, 8):
        with StreamDecoder(stream, load(name)) as opened:
            part = [frame.picture for frame in opened.frames(start)]
        np.testing.assert_array_equal(np.stack(part), np.stack(whole[start:]))


def test_what_the_decoder_needs_is_told_by_the_fingerprint(video: Path, tmp_path: Path) -> None:
    stream = tmp_path / "out.mdv"
    encode(video, stream, load("x264", "codec.preset=ultrafast"))
    assert load("x264", "codec.crf=40", "codec.preset=slow").fingerprint == load("x264").fingerprint
    for words in (["codec.subsampling=YUV444"], ["codec.matrix=BT601"], ["codec.range=FULL"]):
        with pytest.raises(
            StreamFault, match=r"made by another model.*; give those that .* \(codec\.subsampling"
        ):
            StreamDecoder(stream, load("x264", *words))
    assert load("x265").fingerprint != load("x264").fingerprint


@pytest.mark.parametrize(
    ("preset", "library", "options"),
    [
        ("x264_dvc", "x264", {"preset": "veryfast", "tune": "zerolatency"}),
        ("x265_dvc", "x265", {"preset": "veryfast", "tune": "zerolatency"}),
        ("x264_compressai", "x264", {"preset": "medium"}),
        ("x265_compressai", "x265", {"preset": "medium"}),
        ("x264_endless", "x264", {"preset": "medium", "tune": "zerolatency"}),
        ("x265_endless", "x265", {"preset": "medium", "tune": "zerolatency"}),
    ],
)
def test_presets_of_the_literature(preset: str, library: str, options: dict[str, str]) -> None:
    given = options_of(preset, "codec.crf=23")
    parameters = given.pop(f"{library}-params")
    assert given == {"crf": "23", **options}
    distance = {"dvc": 12, "compressai": 250, "endless": 1 << 20}[preset.partition("_")[2]]
    assert f"keyint={distance}:min-keyint={distance}:scenecut=0:bframes=0" in parameters
    assert ("info=0" in parameters) == (library == "x265")


def test_a_constant_quantiser() -> None:
    given = options_of("x264", "codec.crf=null", "codec.qp=30")
    assert given["qp"] == "30" and "crf" not in given
    given = options_of("vp9", "codec.crf=null", "codec.qp=30")
    assert given["qmin"] == given["qmax"] == "30"


@pytest.mark.parametrize(
    ("codec", "words", "sentence"),
    [
        ("x264", "codec.qp=30", "give codec.crf or codec.qp"),
        ("x264", "codec.crf=null", "give codec.crf or codec.qp"),
        ("x264", "codec.crf=52", "must be between 0 and 51"),
        ("x265", "codec.crf=-1", "must be between 0 and 51"),
        ("svtav1", "codec.crf=64", "must be between 0 and 63"),
        ("x264", "codec.bframes=17", "between 0 and 16"),
        ("x264", "codec.preset=hasty", "hasty"),
        ("x264", "codec.scene_cut=true", "there is no setting 'codec.scene_cut'"),
        ("x265", "codec.gop=-1", "codec.gop is -1; it must be at least 0"),
        ("svtav1", "codec.preset=14", "between 0 and 13"),
        ("svtav1", "codec.subsampling=YUV444", "4:2:0 alone"),
        ("vp9", "codec.effort=9", "between 0 and 8"),
    ],
)
def test_wrong_options_get_a_sentence(codec: str, words: str, sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        load(codec, *words.split())


def test_where_anchors_stand_among_codecs() -> None:
    entries = list(plugin.codecs())
    assert [entry.name for entry in entries] == NAMES
    for entry in entries:
        assert isinstance(entry, CodecEntry) and not entry.needs
        axes = (entry.coding, entry.supervision, entry.direction)
        assert axes == (Coding.RESIDUAL, Supervision.OBJECTIVE, Direction.UNIDIRECTIONAL)
        assert isinstance(entry.build(entry.config()), AnchorCodec)
