"""Encoding, decoding, verifying and evaluating as a user does, with a plugin whose codec is quick."""

import json
from dataclasses import replace
from itertools import islice
from pathlib import Path

import pytest

import core.data
from core.media.reader import open_video
from core.media.writer import open_writer
from core.stream import StreamReader, StreamWriter

VIDEO = Path(core.data.__file__).parent / "embedded" / "box_handheld.mp4"
CHOICES = ("experiment=none", "model=toy", "codec=toy", "codec.gop=4")
TOY = "task.checkpoint=toy.safetensors"

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

MISTAKES = {
    "encode input=none.mp4 output=x.mdv": "none.mp4 does not exist",
    "encode input=in.y4m output=out.mdv": "out.mdv exists",
    "encode input=in.y4m output=x.mp4": "unknown ending: write .mdv",
    "encode input=in.y4m output=none/x.mdv": "none is not a folder",
    "encode input=frames.json output=x.mdv": "frames.json is not a video",
    "encode input=in.y4m output=x.mdv report=none/x.json": "none is not a folder",
    "encode input=in.y4m output=x.mdv raw_size=7": "raw_size=7 is not a size",
    "encode input=in.y4m output=x.mdv checkpoint=bare.safetensors": "bare.safetensors has no coding tables",
    "encode input=in.y4m output=x.mdv checkpoint=finer.safetensors": "it has model.step=4.0",
    "encode input=in.y4m output=x.mdv checkpoint=null": "no trained codec is given",
    "decode input=none.mdv output=x.mp4": "there is no stream none.mdv",
    "decode input=in.y4m output=x.mp4": "in.y4m is no stream",
    "decode input=out.mdv output=x.gif": "unknown ending",
    "decode input=out.mdv output=x.mp4 start=10": "has no frame 10",
    "decode input=damaged.mdv output=y.mp4": "packet 7",
    "decode input=other.mdv output=x.mp4": "made by another model: it names toy 0000",
    "encode input=in.y4m output=x.mdv parallel=2 start=10": "has no frame from frame 10 up to its end",
    "encode input=in.y4m output=x.mdv end=1x": "1x is no place in a video",
    "encode input=- output=- parallel=2": "need files",
    "decode input=- output=x.mp4 start=5": "need a stream in a file",
    "decode input=out.mdv output=x.mp4 frames=2 end=3": "not both",
    "verify input=none.mdv": "there is no stream none.mdv",
    "verify input=other.mdv": "made by another model: it names toy 0000",
    "verify input=damaged.mdv": "7 frames before it decode",
}

MAKE_MISTAKES = """
import json, sys
import core
from core.errors import MindvideoError

told = {}
for mistake in json.loads(sys.argv[1]):
    task, *options = mistake.split()
    try:
        words = [*sys.argv[2:], f"task={task}", *(f"task.{option}" for option in options)]
        core.open_run(words, output="scratch").execute()
        told[mistake] = "nothing"
    except MindvideoError as error:
        told[mistake] = str(error)
print(json.dumps(told))
"""


def short_video(path, count):
    """The first frames of an embedded clip, uncompressed."""
    with open_video(VIDEO) as reader:
        info = reader.info
        with open_writer(path, width=info.width, height=info.height, frame_rate=info.frame_rate) as writer:
            for frame in islice(reader, count):
                writer.write(frame.rgb)


@pytest.fixture(scope="module")
def coder(make_command, make_site):
    """A command with the toy plugin, its checkpoints, a video and a stream in its folder."""
    command = make_command()
    site = make_site(command)
    site.install("toy", Path(__file__).with_name("toy_codec.py").read_text())
    made = command(program=("-c", MAKE))
    assert made.returncode == 0, made.stderr
    short_video(command.folder / "in.y4m", 10)
    command.encoded = run(command, "encode input=in.y4m output=out.mdv report=frames.json estimated=true")
    assert command.encoded.returncode == 0, command.encoded.stderr
    return command


def run(command, line, *more):
    """``encode input=in.y4m`` stands for ``task=encode task.input=in.y4m``."""
    task, *options = line.split()
    return command(*CHOICES, TOY, f"task={task}", *(f"task.{option}" for option in options), *more)


def test_encode_says_what_it_made(coder):
    told = coder.encoded.stderr
    size = (coder.folder / "out.mdv").stat().st_size
    assert f"out.mdv: 10 frames in {size:,} bytes" in told
    report = json.loads((coder.folder / "frames.json").read_text())
    assert report["bytes"] == size
    kinds = [frame["type"] for frame in report["per_frame"]]
    assert kinds == ["inter" if number % 4 else "intra" for number in range(10)]
    assert all(frame["psnr"] > 35 and frame["estimated_bits"] > 0 for frame in report["per_frame"])


def test_decode_gives_a_video_and_verify_is_content(coder):
    decoded = run(coder, "decode input=out.mdv output=back.mp4")
    assert decoded.returncode == 0, decoded.stderr
    assert "back.mp4: 10 frames" in decoded.stderr
    with open_video(coder.folder / "back.mp4") as reader:
        assert sum(1 for _ in reader) == 10
    verified = run(coder, "verify input=out.mdv")
    assert verified.returncode == 0, verified.stderr
    assert "out.mdv: 10 frames decode as they were coded" in verified.stderr


@pytest.mark.slow
def test_two_processes_make_what_one_makes(coder):
    """The streams name the arithmetic, of which the number of threads is a part."""
    short_video(coder.folder / "long.y4m", 48)
    threads = "device.threads=1"
    one = run(coder, "encode input=long.y4m output=one.mdv", threads)
    two = run(coder, "encode input=long.y4m output=two.mdv parallel=2", threads)
    assert (one.returncode, two.returncode) == (0, 0), one.stderr + two.stderr
    assert (coder.folder / "two.mdv").read_bytes() == (coder.folder / "one.mdv").read_bytes()
    for count in (1, 2):
        decoded = run(coder, f"decode input=two.mdv output={count}.y4m parallel={count} start=0.5s", threads)
        assert decoded.returncode == 0, decoded.stderr
    assert (coder.folder / "2.y4m").read_bytes() == (coder.folder / "1.y4m").read_bytes()


def test_a_damaged_stream_gives_the_frames_before(coder):
    spoil(coder.folder / "out.mdv", coder.folder / "damaged.mdv", 3 / 4)
    decoded = run(coder, "decode input=damaged.mdv output=rescued.y4m")
    assert decoded.returncode == 1
    assert "Traceback" not in decoded.stderr
    assert "packet 7" in decoded.stderr
    assert "The 7 frames before are in rescued.y4m" in decoded.stderr
    with open_video(coder.folder / "rescued.y4m") as reader:
        assert sum(1 for _ in reader) == 7


def test_a_mistake_is_one_sentence(coder):
    spoil(coder.folder / "out.mdv", coder.folder / "damaged.mdv", 3 / 4)
    other_model(coder.folder / "out.mdv", coder.folder / "other.mdv")
    told = coder(json.dumps(list(MISTAKES)), *CHOICES, TOY, program=("-c", MAKE_MISTAKES))
    assert told.returncode == 0, told.stderr
    sentences = json.loads(told.stdout)
    for mistake, sentence in MISTAKES.items():
        assert sentence in sentences[mistake], mistake
    assert not list(coder.folder.glob("*x.m*"))


def spoil(source, target, place):
    """A copy with one bit turned, at this share of the file."""
    data = bytearray(source.read_bytes())
    data[int(len(data) * place)] ^= 1
    target.write_bytes(data)


def other_model(source, target):
    """A copy that names another model."""
    with StreamReader(source) as reader:
        header, packets = replace(reader.header, fingerprint=bytes(16)), list(reader)
    with StreamWriter.create(target, header) as writer:
        for packet in packets:
            writer.write(packet)


def test_evaluate_measures_real_streams_beside_x264(coder):
    options = ["dataset=clips", "dataset.frames=3", "dataset.limit=2", "dataset.evaluation_crop=64"]
    told = run(coder, "evaluate pictures=1", *options, "metric=[psnr]", "output=measured")
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
    told = coder("experiment=none", "model=toy", "dataset=clips", "task=evaluate")
    assert told.returncode == 1
    assert "give codec=… or upscaler=…" in told.stderr
