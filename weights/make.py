"""Makes the weights that mindvideo ships, from data to checkpoint and card, on a bare machine: ``make weights``.

    python weights/make.py NAME [--folder runs/weights] [--shorten 100]

Lays out the data (`weights/data.py`), trains stage after stage, each from what the one before left, packs the network
as float16, a codec's with its coding tables, measures it on clips that nothing was trained on, and writes the
checkpoint ``NAME.safetensors`` and its card ``weights/NAME.json``: recipe, hours, machine, figures, learning curve,
sources and fingerprint. Everything resumes: the same command goes on where it was stopped. On another machine, which
rounds otherwise, the same recipe gives the same kind of figures and other bits.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE)]

import data  # noqa: E402 - from this folder

import core  # noqa: E402
from core.training.checkpoint import MODEL, Checkpoint, load_weights  # noqa: E402

BEST, LAST = Path("checkpoints/best.safetensors"), Path("checkpoints/last.safetensors")
"""What a training leaves."""


@dataclass(frozen=True)
class Stage:
    """A training: what it changes of the recipe's experiment, and how many steps it takes."""

    name: str
    steps: int
    words: tuple[str, ...]


@dataclass(frozen=True)
class Recipe:
    """How a network's weights are made."""

    name: str
    """Of the weights."""
    experiment: str
    """What each stage trains; what ``bench_`` and this name measures."""
    folder: Path
    """Where the checkpoint goes."""
    figures: str
    """File of the benchmark that the card quotes."""
    stages: tuple[Stage, ...]

    @property
    def target(self) -> Path:
        """The checkpoint."""
        return self.folder / f"{self.name}.safetensors"


COMPACT = Recipe(
    "compact",
    "compact",
    HERE.parent / "plugins" / "compact" / "weights",
    "deltas.csv",
    (
        Stage(
            "pictures",
            8000,
            ("step.learns=intra", "dataset.frames=1", "loader.batch_size=8", "optimizer.lr=1e-3"),
        ),
        Stage("pairs", 3000, ("step.learns=inter", "dataset.frames=3", "optimizer.lr=1e-3")),
        Stage("clips", 8000, ("dataset.frames=4", "optimizer.lr=8e-4")),
        Stage("groups", 4000, ("dataset.frames=7", "loader.batch_size=3", "optimizer.lr=4e-4")),
        Stage("long", 1500, ("dataset.frames=12", "loader.batch_size=2", "optimizer.lr=1e-4")),
    ),
)
"""One network for all qualities: some nine hours of two cores. Roll-outs grow, as much of the loss is drift."""
CYCMUNET = Recipe(
    "cycmunet-small-x2",
    "cycmunet_small_x2",
    HERE.parent / "plugins" / "cycmunet" / "weights",
    "upscaling.csv",
    (
        Stage("triplets", 2000, ("optimizer.schedule.floor=4.5e-4",)),
        Stage(
            "still",
            450,
            (
                *("dataset.stills.pan=8", "dataset.stills_share=0.5"),
                *("loss.low_middle=1.5", "optimizer.lr=6e-4"),
            ),
        ),
        Stage(
            "cubic",
            500,
            (
                *("dataset.stills.pan=8", "dataset.stills_share=0.5"),
                *("loss.low_middle=1.5", "optimizer.lr=8e-4"),
            ),
        ),
    ),
)
"""An upscaler that doubles sides and frame rate: some two hours of one core."""
QUOTED = {
    *("contender", "point", "test_set", "clip", "task", "psnr_rgb", "ssim"),  # of an upscaler
    *("anchor", "measure", "unit", "sequence", "value", "overlap"),  # of a codec
}
"""What a card says of each result, of the columns of the benchmark's tables."""
RECIPES = {recipe.name: recipe for recipe in (COMPACT, CYCMUNET)}


def make(recipe: Recipe, folder: Path, shorten: int, now: bool, device: Sequence[str]) -> None:
    """All of it; ``shorten`` divides the stages' steps, to try it, ``now`` takes what trainings have left so far."""
    material = folder / "data"
    if not now:
        material.mkdir(parents=True, exist_ok=True)
        data.lay_out(material)
    left: Path | None = None
    for stage in recipe.stages:
        output = folder / recipe.name / stage.name
        if not now:
            left = train(recipe, stage, output, left, material, shorten, device)
        elif (output / BEST).exists():
            left = output / BEST
    if left is None:
        sys.exit(f"No training has left anything in {folder / recipe.name} so far.")
    pack(left, recipe)
    figures = measure(recipe, folder, material, device)
    write_card(recipe, folder, material, figures)


def train(
    recipe: Recipe,
    stage: Stage,
    output: Path,
    start: Path | None,
    material: Path,
    shorten: int,
    device: Sequence[str],
) -> Path:
    """The checkpoint that a stage leaves; one that is done is not done again."""
    best = output / BEST
    if (output / "metrics.json").exists():
        return best
    words = [
        f"experiment={recipe.experiment}",
        f"output={output}",
        f"dataset.files=[{material / 'film'}]",
        f"dataset.stills.root={material / 'stills'}",
        f"training.steps={max(stage.steps // shorten, 20)}",
        "task.evaluate=false",
        "task.resume=true",
        *stage.words,
        *device,
    ]
    if start is not None:
        words.append(f"weights={start}")
    command(words)
    return best


def command(words: Sequence[str]) -> None:
    """Run mindvideo; ends this process where it fails."""
    done = subprocess.run([sys.executable, "-m", "core", *words], cwd=HERE.parent, check=False)
    if done.returncode:
        sys.exit(done.returncode)


def pack(source: Path, recipe: Recipe) -> None:
    """The network of a training as float16, a codec's with the tables of what it then is, and nothing that only
    training needs."""
    run = core.open_run([f"experiment={recipe.experiment}", "task=doctor"])
    checkpoint = Checkpoint.open(source)
    half = {name: value for name, value in checkpoint.tensors.items() if name.startswith(MODEL)}
    half = {name: value.astype("float16") for name, value in half.items()}
    made_for = {kind: section for kind, section in checkpoint.made_for.items() if kind != "dataset"}
    target = recipe.target
    target.parent.mkdir(exist_ok=True)
    packed = replace(checkpoint, path=target, tensors=half, training={}, made_for=made_for)
    packed.save()
    network = run.model()
    load_weights(network, target, run.model_section, run.model_defaults)
    if run.settings.codec is not None:
        packed.with_tables(run.registry.find("codec", recipe.experiment).tables(network)).save()
    print(f"{target}: {target.stat().st_size / 1e6:.1f} MB")


def measure(recipe: Recipe, folder: Path, material: Path, device: Sequence[str]) -> dict[str, Any]:
    """The machine and the benchmark: Bjontegaard deltas of a codec, decibels of an upscaler and its baseline."""
    os.environ["MINDVIDEO_DATA"] = str(material.resolve())
    output = folder / recipe.name / "bench"
    command(
        [
            f"experiment=bench_{recipe.experiment}",
            f"output={output}",
            f"task.cache={folder / 'bench_cache'}",
            *device,
        ]
    )
    with (output / recipe.figures).open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["contender"] in (recipe.experiment, "floor")]
    rows = [{name: value for name, value in row.items() if name in QUOTED} for row in rows]
    machine = json.loads((output / "bench.json").read_text())["machine"]
    return {"machine": machine, Path(recipe.figures).stem: rows}


def write_card(recipe: Recipe, folder: Path, material: Path, figures: dict[str, Any]) -> None:
    """What was done, with what, and what came of it."""
    stages = []
    for stage in recipe.stages:
        output = folder / recipe.name / stage.name
        if not (output / LAST).exists():
            continue
        training = Checkpoint.open(output / LAST).training
        stages.append(
            {
                "name": stage.name,
                "words": training_words(output),
                "steps": training["step"],
                "hours": hours(output / "mindvideo.log"),
                "curve": training["history"],
            }
        )
    card = {
        "weights": recipe.name,
        "experiment": recipe.experiment,
        "fingerprint": Checkpoint.open(recipe.target).fingerprint.hex(),
        "bytes": recipe.target.stat().st_size,
        "version": core.__version__,
        "stages": stages,
        **figures,
        "sources": json.loads((material / "sources.json").read_text()),
    }
    path = HERE / f"{recipe.name}.json"
    path.write_text(json.dumps(card, indent=1) + "\n")
    print(f"The card is {path}.")


def training_words(output: Path) -> list[str]:
    """The words that a training was started with, but for those that name places."""
    lines = (output / ".hydra" / "overrides.yaml").read_text("utf-8").splitlines()
    return [line[2:] for line in lines if "/" not in line and not line.startswith("- task.")]


def hours(log: Path) -> float:
    """Of the processes that wrote a training's log, from the first line of each to its last."""
    spans: list[list[datetime]] = []
    for line in log.read_text("utf-8").splitlines():
        with suppress(ValueError):
            at = datetime.strptime(line[:19], "%Y-%m-%d %H:%M:%S")
            if " core.run: Device: " in line or not spans:
                spans.append([at, at])
            spans[-1][1] = at
    return round(sum((last - first).total_seconds() for first, last in spans) / 3600, 2)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("recipe", choices=RECIPES)
    parser.add_argument(
        "--folder", type=Path, default=Path("runs/weights"), help="of data, runs and benchmark"
    )
    parser.add_argument("--shorten", type=int, default=1, help="divide all steps by this, to try the recipe")
    parser.add_argument(
        "--now", action="store_true", help="lay out and train nothing: take what trainings have left"
    )
    parser.add_argument(
        "words", nargs="*", help="words of the command line for all runs, as device.threads=1"
    )
    chosen = parser.parse_intermixed_args()
    make(RECIPES[chosen.recipe], chosen.folder, chosen.shorten, chosen.now, chosen.words)
