"""Encoding, decoding, verifying and evaluating as a user does, with a plugin whose codec is quick."""

import json
from pathlib import Path

import av
import pytest

import core.data

VIDEO = Path(core.data.__file__).parent / "embedded" / "box_handheld.mp4"
CHOICES = ("experiment=none", "model=toy", "codec=toy", "codec.gop=4")

MAKE = """
from pathlib import Path
import core
from core.hooks import CodecEntry
from core.training.checkpoint import MODEL, Checkpoint, tensors_of

for name, step, trained in (("toy", 8, True), ("finer", 4, True), ("bare", 8, False)):
    run = core.open_run(["experiment=none", "model=toy", "codec=toy", "task=doctor", f"model.step={step}"])
    network = run.model()
    checkpoint = Checkpoint(
        Path(f"{name}.safetensors"), tensors_of(network, MODEL), run.model_section, run.model_plugin, {}
    )
    if trained:
        checkpoint = checkpoint.with_tables(run.entry("codec", CodecEntry).tables(network))
    checkpoint.save()
"""


def short_video(path, count):
    """The first frames of an embedded clip."""
    with av.open(str(VIDEO)) as source, av.open(str(path), "w", options={"strict": "-1"}) as target:
        stream = target.add_stream("rawvideo", rate=25)
        for number, frame in zip(range(count), source.decode(video=0), strict=False):
            if number == 0:
                stream.width, stream.height, stream.pix_fmt = frame.width, frame.height, "yuv420p"
            frame.pts, frame.time_base = number, stream.codec_context.time_base
            target.mux(stream.encode(frame))
        target.mux(stream.encode(None))


@pytest.fixture(scope="module")
def coder(make_command, make_site):
    """A command with the toy plugin, its checkpoints, a video and a stream in its folder."""
    command = make_command()
    site = make_site(command)
    site.install("toy", Path(__file__).with_name("toy_codec.py").read_text())
    made = command(program=("-c", MAKE))
    assert made.returncode == 0, made.stderr
    short_video(command.folder / "in.y4m", 10)
    encoded = run(command, "encode", "input=in.y4m", "output=out.mdv", "report=frames.json", "estimated=true")
    assert encoded.returncode == 0, encoded.stderr
    command.encoded = encoded
    return command


def run(command, task, *options, checkpoint="toy.safetensors", choices=CHOICES):
    given = [f"task.{option}" for option in options]
    return command(*choices, f"task={task}", f"task.checkpoint={checkpoint}", *given)


def test_encode_says_what_it_made(coder):
    told = coder.encoded.stderr
    size = (coder.folder / "out.mdv").stat().st_size
    assert f"out.mdv: 10 frames in {size:,} bytes" in told
    report = json.loads((coder.folder / "frames.json").read_text())
    assert report["bytes"] == size
    assert [frame["type"] for frame in report["per_frame"]] == [
        "inter" if n % 4 else "intra" for n in range(10)
    ]
    assert all(frame["psnr"] > 35 and frame["estimated_bits"] > 0 for frame in report["per_frame"])


@pytest.mark.parametrize("output", ["back.mp4", "back.y4m", "pictures"])
def test_decode_gives_a_video(coder, output):
    decoded = run(coder, "decode", "input=out.mdv", f"output={output}")
    assert decoded.returncode == 0, decoded.stderr
    assert f"{output}: 10 frames" in decoded.stderr
    assert (coder.folder / output).exists()


def test_verify_finds_a_sound_stream_sound(coder):
    verified = run(coder, "verify", "input=out.mdv")
    assert verified.returncode == 0, verified.stderr
    assert "10 frames decode as they were coded" in verified.stderr


def test_verify_and_decode_name_the_damaged_packet(coder):
    data = bytearray((coder.folder / "out.mdv").read_bytes())
    data[len(data) * 3 // 4] ^= 1
    (coder.folder / "damaged.mdv").write_bytes(data)
    verified = run(coder, "verify", "input=damaged.mdv")
    decoded = run(coder, "decode", "input=damaged.mdv", "output=rescued.y4m")
    for told in (verified, decoded):
        assert told.returncode == 1
        assert "Traceback" not in told.stderr
        assert "packet 7" in told.stderr
    assert "The 7 frames before are in rescued.y4m" in decoded.stderr
    assert (coder.folder / "rescued.y4m").exists()


@pytest.mark.parametrize("task", ["decode", "verify"])
def test_another_checkpoint_is_refused_showing_both(coder, task):
    output = ["output=other.mp4"] if task == "decode" else []
    choices = (*CHOICES, "model.step=4")
    told = run(coder, task, "input=out.mdv", *output, checkpoint="finer.safetensors", choices=choices)
    assert told.returncode == 1
    assert "made by another model: it names toy " in told.stderr
    assert not (coder.folder / "other.mp4").exists()


@pytest.mark.parametrize(
    ("task", "options", "sentence"),
    [
        ("encode", ["input=none.mp4", "output=x.mdv"], "none.mp4 does not exist"),
        ("encode", ["input=in.y4m", "output=out.mdv"], "out.mdv exists"),
        ("encode", ["input=in.y4m", "output=x.mp4"], "unknown ending: write .mdv"),
        ("encode", ["input=in.y4m", "output=none/x.mdv"], "none is not a folder"),
        ("encode", ["input=frames.json", "output=x.mdv"], "frames.json is not a video"),
        ("encode", ["input=in.y4m", "output=x.mdv", "report=none/x.json"], "none is not a folder"),
        ("encode", ["input=in.y4m", "output=x.mdv", "raw_size=7"], "raw_size=7 is not a size"),
        ("decode", ["input=none.mdv", "output=x.mp4"], "none.mdv does not exist"),
        ("decode", ["input=in.y4m", "output=x.mp4"], "in.y4m is not a stream"),
        ("decode", ["input=out.mdv", "output=x.gif"], "unknown ending"),
        ("decode", ["input=out.mdv", "output=x.mp4", "start=10"], "there is no frame 10"),
        ("verify", ["input=none.mdv"], "none.mdv does not exist"),
    ],
)
def test_a_mistake_is_one_sentence(coder, task, options, sentence):
    told = run(coder, task, *options)
    assert told.returncode == 1
    assert sentence in told.stderr
    assert "Traceback" not in told.stderr
    assert not list(coder.folder.glob("x.*"))


def test_a_checkpoint_without_tables(coder):
    told = run(coder, "encode", "input=in.y4m", "output=x.mdv", checkpoint="bare.safetensors")
    assert told.returncode == 1
    assert "bare.safetensors has no coding tables" in told.stderr


def test_evaluate_measures_real_streams_beside_x264(coder):
    options = ["dataset=clips", "dataset.frames=3", "dataset.limit=2", "dataset.evaluation_crop=64"]
    told = run(coder, "evaluate", "pictures=1", choices=(*CHOICES, *options, "metric=[psnr]", "output=measured"))
    assert told.returncode == 0, told.stderr
    folder = coder.folder / "measured"
    record = json.loads((folder / "evaluation.json").read_text())
    sizes = [(folder / "streams" / f"clip_{n}.mdv").stat().st_size for n in range(2)]
    assert [clip["bytes"] for clip in record["clips"]] == sizes
    assert record["rows"]["ours"]["bpp"] == pytest.approx(sum(sizes) * 8 / (2 * 3 * 64 * 64))
    assert record["conditions"]["anchor"]["preset"] == "medium"
    assert record["conditions"]["gop"] == 4
    assert (folder / "pictures" / "comparison_0.png").stat().st_size > 1000
    assert "x264, no more bytes" in told.stdout


def test_evaluate_without_codec_or_upscaler(coder):
    choices = ("experiment=none", "model=toy", "dataset=clips")
    told = run(coder, "evaluate", choices=choices)
    assert told.returncode == 1
    assert "give codec=… or upscaler=…" in told.stderr
