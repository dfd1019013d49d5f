"""Codecs as a user codes with them: every step in a process of its own, with a tiny checkpoint."""

import json
import shutil
from dataclasses import replace
from functools import cache
from pathlib import Path

import av
import numpy as np
import pytest

from core.media.reader import open_video
from core.training.checkpoint import MODEL, TABLES, Checkpoint

PLUGINS = Path(__file__).parents[1] / "plugins"
WIDTHS = {
    "ssfvc": ("model.hidden=4", "model.latent=4"),
    "dcvc": (
        *("model.features=4", "model.latent=4", "model.motion=4"),
        *("model.refinement=4", "model.hyper=4", "model.flow=4"),
    ),
    "dvc": ("model.hidden=4", "model.latent=4", "model.motion=4", "model.refinement=4", "model.flow=4"),
}
WIDTH, HEIGHT, COUNT = 47, 35, 5
each_codec = pytest.mark.parametrize(
    "coder",
    ["ssfvc", *(pytest.param(name, marks=pytest.mark.slow) for name in ("dvc", "dcvc"))],
    indirect=True,
)
"""Tests without it try SSFVC alone: what they look at is the same for all."""


@pytest.fixture(scope="module")
def coders(make_command):
    """The command of each codec, made when it is asked for."""
    return cache(lambda name: make_coder(make_command(), name))


@pytest.fixture
def coder(request, coders):
    """A command with checkpoints, a video and its stream in its folder."""
    return coders(getattr(request, "param", "ssfvc"))


class CodecCommand:
    """The command with a codec's tiny network chosen."""

    def __init__(self, command, name):
        self.command, self.name, self.folder = command, name, command.folder
        self.choices = ("experiment=none", f"model={name}", *WIDTHS[name], f"codec={name}", "codec.gop=3")

    def __call__(self, task, *options, checkpoint=None, words=()):
        given = [f"task.{option}" for option in options]
        chosen = f"task.checkpoint={checkpoint or f'{self.name}.safetensors'}"
        return self.command(*self.choices, *words, f"task={task}", chosen, *given)


def make_coder(command, name):
    coder = CodecCommand(command, name)
    write_video(coder.folder / "in.mp4")
    write_checkpoints(coder.folder, name)
    coder.encoded = coder("encode", "input=in.mp4", "output=out.mdv", "report=frames.json")
    assert coder.encoded.returncode == 0, coder.encoded.stderr
    return coder


def write_video(path):
    """Odd sides, as H.264 in 4:4:4."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    with av.open(str(path), "w") as file:
        stream = file.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv444p"
        for number in range(COUNT):
            picture = np.stack((4 * x + number, 5 * y, 2 * (x + y) + 9 * number), -1).astype(np.uint8)
            file.mux(
                stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24").reformat(format="yuv444p"))
            )
        file.mux(stream.encode(None))


def write_checkpoints(folder, name):
    """A trained one, one with other weights, and one of a training that has not ended."""
    golden = PLUGINS / name / "golden" / f"{name}.safetensors"
    shutil.copy(golden, folder / golden.name)
    trained = Checkpoint.open(golden)
    weights = {
        name: 1.01 * value if name.startswith(MODEL) else value for name, value in trained.tensors.items()
    }
    weights = {name: value.astype(trained.tensors[name].dtype) for name, value in weights.items()}
    replace(trained, path=folder / "other.safetensors", tensors=weights).save()
    bare = {name: value for name, value in trained.tensors.items() if not name.startswith(TABLES)}
    replace(trained, path=folder / "bare.safetensors", tensors=bare).save()


def refused(told):
    """What is said of a mistake: one sentence, after whatever was reported before."""
    assert told.returncode == 1, told.stderr
    assert "Traceback" not in told.stderr
    return told.stderr


def pictures(path):
    with open_video(path) as reader:
        return np.stack([frame.rgb for frame in reader])


@each_codec
def test_the_report_tells_the_files_true_size(coder):
    size = (coder.folder / "out.mdv").stat().st_size
    report = json.loads((coder.folder / "frames.json").read_text())
    assert report["bytes"] == size
    assert report["bpp"] == pytest.approx(8 * size / (COUNT * WIDTH * HEIGHT))
    assert f"{COUNT} frames in {size:,} bytes" in coder.encoded.stderr
    assert [frame["type"] for frame in report["per_frame"]] == ["intra", "inter", "inter", "intra", "inter"]
    payload = sum(frame["bytes"] for frame in report["per_frame"])
    assert 0 < size - payload < 400  # header, and the fields of six packets


@each_codec
def test_decode_to_y4m_gives_the_pictures_that_encode_measured(coder):
    decoded = coder("decode", "input=out.mdv", "output=back.y4m")
    assert decoded.returncode == 0, decoded.stderr
    assert "differ" not in decoded.stderr
    ours, truth = pictures(coder.folder / "back.y4m"), pictures(coder.folder / "in.mp4")
    assert ours.shape == (COUNT, 3, HEIGHT, WIDTH)
    report = json.loads((coder.folder / "frames.json").read_text())
    for frame, picture, record in zip(ours, truth, report["per_frame"], strict=True):
        error, told = ((frame - picture) ** 2).mean() ** 0.5, 10 ** (-record["psnr"] / 20)
        # The file holds YUV of 8 bits, which moves samples by half a step or so.
        assert error == pytest.approx(told, abs=0.5 / 255)


def test_verify_finds_a_sound_stream_sound(coder):
    verified = coder("verify", "input=out.mdv")
    assert verified.returncode == 0, verified.stderr
    assert f"{COUNT} frames decode as they were coded" in verified.stderr


def test_a_flipped_bit_is_found_in_its_packet(coder):
    data = bytearray((coder.folder / "out.mdv").read_bytes())
    data[len(data) // 4] ^= 1  # in the first packet, so that no network need be compiled
    (coder.folder / "flipped.mdv").write_bytes(data)
    told = refused(coder("verify", "input=flipped.mdv"))
    assert "packet 0 does not match its checksum" in told


def test_a_cut_stream_gives_the_frames_before(coder):
    data = (coder.folder / "out.mdv").read_bytes()
    (coder.folder / "cut.mdv").write_bytes(data[:-40])
    told = refused(coder("decode", "input=cut.mdv", "output=rescued.mp4", "start=1"))
    assert "cut short: it ends within packet 4" in told
    assert "The 3 frames before are in rescued.mp4" in told
    assert pictures(coder.folder / "rescued.mp4").shape == (3, 3, HEIGHT, WIDTH)


def test_another_checkpoint_is_refused_showing_both(coder):
    told = refused(coder("decode", "input=out.mdv", "output=other.mp4", checkpoint="other.safetensors"))
    for name in ("ssfvc", "other"):
        assert Checkpoint.open(coder.folder / f"{name}.safetensors").fingerprint.hex() in told
    assert not (coder.folder / "other.mp4").exists()


def test_a_checkpoint_without_tables(coder):
    told = refused(coder("encode", "input=in.mp4", "output=x.mdv", checkpoint="bare.safetensors"))
    assert "bare.safetensors has no coding tables" in told
    assert not list(coder.folder.glob("*x.mdv*"))


def test_a_missing_stream(coder):
    assert "there is no stream none.mdv" in refused(coder("verify", "input=none.mdv"))


def test_unknown_picture_codecs_are_named(coders):
    told = refused(coders("dvc")("encode", "input=in.mp4", "output=none.mdv", words=["intra=jxl"]))
    assert "intra=jxl" in told and "hevc" in told and "png" in told and "ssfvc" in told


def test_a_learned_picture_codec_needs_its_checkpoint(coders):
    coder = coders("dvc")
    told = refused(coder("encode", "input=in.mp4", "output=none.mdv", words=["intra=ssfvc"]))
    assert "intra.checkpoint has no value" in told
    assert not list(coder.folder.glob("*none.mdv*"))


@pytest.mark.slow
def test_intra_frames_by_a_learned_picture_codec(coders):
    coder, learned = coders("dvc"), ["intra=ssfvc", "intra.checkpoint=ssfvc.safetensors"]
    write_checkpoints(coder.folder, "ssfvc")
    encoded = coder("encode", "input=in.mp4", "output=learned.mdv", words=learned)
    assert encoded.returncode == 0, encoded.stderr
    verified = coder("verify", "input=learned.mdv", words=learned)
    assert verified.returncode == 0, verified.stderr
    assert f"{COUNT} frames decode as they were coded" in verified.stderr
    for words in ([], ["intra=ssfvc", "intra.checkpoint=other.safetensors"]):
        told = refused(coder("decode", "input=learned.mdv", "output=none.mp4", words=words))
        assert "made by another model" in told and "the picture codec of its intra frames" in told
    assert not (coder.folder / "none.mp4").exists()
