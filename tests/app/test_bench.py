"""The benchmark as a user runs it: one command to a report, again from what was measured, after a kill as well."""

import csv
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from core.coding.clips import decode_clip
from core.stream import StreamReader
from core.testing.limits import becomes_true

MAKE = """
from pathlib import Path
import core
from core.hooks import CodecEntry
from core.training.checkpoint import MODEL, Checkpoint, tensors_of

run = core.open_run(["experiment=none", "model=toy", "codec=toy", "task=doctor"])
network = run.model()
made = Checkpoint(
    Path("toy.safetensors"), tensors_of(network, MODEL), run.model_section, run.model_plugin, {}
)
made.with_tables(run.entry("codec", CodecEntry).tables(network)).save()
"""
SET = "'dataset=clips','dataset.frames=4','dataset.evaluation_crop=64','dataset.limit=2','dataset.stills_share=0'"
SETS = f"+task.sets.tiny={{words:[{SET}]}}"
X264 = (
    "+task.contenders.x264={words:['codec=x264','codec.preset=ultrafast','codec.gop=4'],points:{"
    "q20:['codec.crf=20'],q26:['codec.crf=26'],q32:['codec.crf=32'],q38:['codec.crf=38']}}"
)
SMALLER = (
    "+task.contenders.smaller={words:['codec=resampled','codec.inner=x264','codec.upscaler=floor','codec.gop=4',"
    "'+codec.inner_options.preset=ultrafast'],points:{q14:['+codec.inner_options.crf=14'],"
    "lost:['codec.upscaler=cycmunet','codec.upscaler_checkpoint=lost.safetensors']}}"
)
TOY = (
    "+task.contenders.toy={words:['model=toy','codec=toy','codec.gop=4'],points:{"
    "a:['task.checkpoint=toy.safetensors'],lost:['task.checkpoint=lost.safetensors']}}"
)
BENCH = ("experiment=none", "task=bench", SETS, "task.anchors=[x264]")


@pytest.fixture(scope="module")
def bench(make_command, make_site):
    """A command with the toy codec, its checkpoint, and the report of a benchmark."""
    command = make_command()
    site = make_site(command)
    site.install("toy", Path(__file__).with_name("toy_codec.py").read_text())
    made = command(program=("-c", MAKE))
    assert made.returncode == 0, made.stderr
    command.ran = command(*BENCH, X264, TOY, SMALLER, "output=out", "task.parallel=2")
    assert command.ran.returncode == 0, command.ran.stderr
    return command


def report(command, folder="out"):
    return json.loads((command.folder / folder / "bench.json").read_text())


def test_one_command_makes_the_report(bench):
    assert "8 jobs, 2 at a time" in bench.ran.stderr
    assert "2 of 8 jobs failed" in bench.ran.stderr
    for name in ("bench.html", "bench.md", "bench.json", "points.csv", "deltas.csv"):
        assert (bench.folder / "out" / name).stat().st_size > 100
    points = report(bench)["points"]
    assert [(p["contender"], p["point"]) for p in points] == [
        *(("x264", q) for q in ("q20", "q26", "q32", "q38")),
        ("toy", "a"),
        ("toy", "lost"),
        ("smaller", "q14"),
        ("smaller", "lost"),
    ]
    for point in (points[5], points[7]):
        assert point["record"] is None
        assert point["failure"] == "there is no checkpoint lost.safetensors: train it, or give another one."
    rates = [point["means"]["bpp"] for point in points[:4]]
    assert rates == sorted(rates, reverse=True)
    assert points[4]["record"]["parameters"] == 1
    assert points[4]["record"]["axes"]["coding"] == "residual"
    assert points[4]["record"]["multiply_adds"] == {
        "encode intra": 0, "encode inter": 0, "decode intra": 0, "decode inter": 0
    }  # fmt: skip
    axes = points[6]["record"]["axes"]
    assert (axes["kind"], axes["direction"]) == ("conventional", "bidirectional")
    assert points[6]["conditions"] == points[0]["conditions"], "it stands on the same curves"


def test_numbers_come_from_the_files(bench):
    """Bytes and PSNR of every clip, computed from streams in the cache without what measured them."""
    with (bench.folder / "out" / "points.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 12
    for row in rows:
        path = bench.folder / "runs/bench_cache" / row["key"][:2] / f"{row['key']}.mdv"
        with StreamReader(path) as reader:
            packets = sum(len(packet.payload) for packet in reader)
        counted = packets if row["contender"] == "x264" else path.stat().st_size
        assert int(row["counted_bytes"]) == counted
        assert float(row["bpp"]) == pytest.approx(8 * counted / (4 * 64 * 64))
    means = {p["point"]: p["means"] for p in report(bench)["points"] if p["record"]}
    for point in ("q20", "a"):
        values = [float(row["psnr_rgb"]) for row in rows if row["point"] == point]
        assert means[point]["psnr_rgb"] == pytest.approx(np.mean(values))


WINDOW = np.exp(-np.square(np.arange(11) - 5) / (2 * 1.5**2))


def blurred(picture):
    """A plane under a Gaussian window, where it fits."""
    weights = np.outer(WINDOW, WINDOW) / WINDOW.sum() ** 2
    return np.einsum("ijkl,kl->ij", np.lib.stride_tricks.sliding_window_view(picture, (11, 11)), weights)


def ssim(first, second):
    """Of two planes in [0,1], by the formula."""
    means, squares = (blurred(first), blurred(second)), blurred(first * second)
    variances = [blurred(plane**2) - mean**2 for plane, mean in zip((first, second), means, strict=True)]
    above = (2 * means[0] * means[1] + 0.01**2) * (2 * (squares - means[0] * means[1]) + 0.03**2)
    below = (means[0] ** 2 + means[1] ** 2 + 0.01**2) * (sum(variances) + 0.03**2)
    return (above / below).mean()


@pytest.mark.parametrize(
    ("point", "words"),
    [
        ("q26", ["codec=x264", "codec.preset=ultrafast", "codec.crf=26"]),
        (
            "q14",
            [
                "codec=resampled",
                "codec.inner=x264",
                "codec.upscaler=floor",
                "+codec.inner_options.preset=ultrafast",
            ],
        ),
    ],
)
def test_numbers_are_those_of_the_stream_against_the_clip(bench, point, words):
    """Rate, PSNR and SSIM by plain NumPy from the file that the benchmark kept."""
    import core
    from core.hooks import Split

    run = core.open_run(
        ["experiment=none", *words, "codec.gop=4", *SET.replace("'", "").split(","), "task=doctor"]
    )
    clip = next(p for p in report(bench)["points"] if p["point"] == point)["record"]["clips"][1]
    truth = np.rint(run.source(Split.TEST).clip(1, np.random.default_rng(0))[0].astype(float) * 255)
    path = bench.folder / "runs/bench_cache" / clip["key"][:2] / f"{clip['key']}.mdv"
    pictures = np.rint(decode_clip(run.codec(), path).astype(float) * 255)
    errors = np.square(pictures - truth).mean(axis=(1, 2, 3))
    assert clip["values"]["psnr_rgb"] == pytest.approx(np.mean(10 * np.log10(255**2 / errors)), abs=1e-6)
    planes = zip(pictures.reshape(-1, 64, 64) / 255, truth.reshape(-1, 64, 64) / 255, strict=True)
    assert clip["values"]["ssim"] == pytest.approx(np.mean([ssim(*pair) for pair in planes]), abs=1e-6)
    assert clip["file_bytes"] == path.stat().st_size


@pytest.mark.slow
def test_an_extended_benchmark_measures_what_is_new(bench):
    more = X264.partition("q26:")[0] + "q35:['codec.crf=35'],q38:['codec.crf=38']}}"
    again = bench(*BENCH, more, "output=again")
    assert again.returncode == 0, again.stderr
    cached = {point["point"]: point["record"]["cached"] for point in report(bench, "again")["points"]}
    assert cached == {"q20": 2, "q35": 0, "q38": 2}


def test_killed_half_way_it_goes_on(bench):
    """Nothing is tidied up by a kill; of what was measured, every clip is there."""
    long = SETS.replace("dataset.limit=2", "dataset.limit=9").replace(
        "dataset.evaluation_crop=64", "dataset.crop=64"
    )
    points = "points:{q30:['codec.crf=30']}}"
    words = (*BENCH[:2], long, "task.cache=cache", X264.partition("points:")[0] + points, "output=killed")
    process = subprocess.Popen(
        [sys.executable, "-m", "core", *words],
        cwd=bench.folder,
        env=bench._environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    done = bench.folder / "cache"
    assert becomes_true(lambda: len(list(done.glob("*/[!.]*.json"))) >= 3, 100)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    measured = len(list(done.glob("*/[!.]*.json")))
    assert measured < 9
    again = bench(*words)
    assert again.returncode == 0, again.stderr
    record = report(bench, "killed")["points"][0]["record"]
    assert record["cached"] == measured and len(record["clips"]) == 9


@pytest.mark.slow
def test_upscalers_beside_their_floor(bench):
    """Tables for the three tasks; an upscaler without a checkpoint or without low-resolution frames is a row."""
    words = "'dataset=clips','dataset.scale=2','dataset.evaluation_crop=64','dataset.limit=2'"
    ran = bench(
        *BENCH[:2],
        f"+task.sets.low={{words:[{words}]}}",
        f"+task.sets.high={{words:[{SET}]}}",
        "+task.contenders.floor={words:['upscaler=floor'],points:{f:[]}}",
        "+task.contenders.trained={words:['model=cycmunet','upscaler=cycmunet'],"
        "points:{a:['task.checkpoint=lost.safetensors']}}",
        "output=upscaled",
    )
    assert ran.returncode == 0, ran.stderr
    points = {(p["contender"], p["test_set"]): p for p in report(bench, "upscaled")["points"]}
    assert "no low-resolution frames" in points["floor", "high"]["failure"]
    assert points["trained", "low"]["failure"].startswith("there is no checkpoint lost.safetensors")
    with (bench.folder / "upscaled" / "upscaling.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["task"] for row in rows] == 2 * ["S-VSR", "T-VSR", "ST-VSR"]
    means = points["floor", "low"]["means"]
    for task in means:
        values = [float(row["psnr_rgb"]) for row in rows if row["task"] == task]
        assert means[task]["psnr_rgb"] == pytest.approx(np.mean(values)) and 15 < np.mean(values) < 50
    page = (bench.folder / "upscaled" / "bench.html").read_text()
    assert all(f"{task}, low: x2 to 64x64, 2 clips" in page for task in means)


def test_every_problem_is_told_before_anything_runs(bench):
    wrong = bench(
        "experiment=none",
        "task=bench",
        "task.anchors=[vtm]",
        "+task.sets.odd={words:['dataset=clip']}",
        SETS,
        "+task.contenders.a={words:['codec=x263'],points:{p:[]}}",
        "+task.contenders.b={words:['codec=x264'],points:{p:['codec.crf=99']}}",
        "+task.contenders.c={words:['codec=x264'],points:{}}",
    )
    assert wrong.returncode == 1 and "Traceback" not in wrong.stderr
    for sentence in (
        "the anchor vtm is no contender (known: a, b, c)",
        "test set odd: dataset=clip: there is no dataset 'clip'; did you mean 'clips'?",
        "codec=x263: there is no codec 'x263'; did you mean 'x26",
        "contender b at p: codec.crf is 99.0; it must be between 0 and 51.",
        "contender c has no points",
    ):
        assert sentence in wrong.stderr
    assert not list(bench.folder.glob("runs/*/jobs"))


@pytest.mark.parametrize(
    ("word", "sentence"),
    [
        (
            "+task.contenders.a={words:['codec=x264']}",
            "task.contenders.a must be {words: [...], points: {NAME: [...]}}",
        ),
        ("+task.contenders.a={words:[x],points:{p:x}}", "task.contenders.a.points must be lists of words"),
        ("+task.sets.a=[x]", "task.sets.a must be {words: [...]}"),
        ("task.parallel=0", "task.parallel is 0; it must be at least 1"),
        ("task.timeout=0", "task.timeout is 0.0; it must be above 0"),
    ],
)
def test_what_is_no_benchmark(word, sentence):
    import core
    from core.errors import ConfigError

    with pytest.raises(ConfigError) as told:
        core.open_run(["experiment=none", "task=bench", word])
    assert sentence in str(told.value)


def test_a_benchmark_of_nothing(bench):
    empty = bench("experiment=none", "task=bench")
    assert empty.returncode == 1
    assert "there is no contender" in empty.stderr and "there is no test set" in empty.stderr


def test_a_test_set_that_is_not_there_is_a_row(bench):
    ran = bench(
        *BENCH[:2],
        "+task.sets.mine={words:['dataset=frames','dataset.root=nowhere']}",
        X264,
        "output=absent",
    )
    assert ran.returncode == 0, ran.stderr
    failures = {point["failure"] for point in report(bench, "absent")["points"]}
    assert len(failures) == 1 and "there is no folder nowhere" in failures.pop()
    assert "there is no folder nowhere" in (bench.folder / "absent" / "bench.html").read_text()
