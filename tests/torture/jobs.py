"""Jobs as commands: what makes their input, their words, and what must come of them however often they are stopped."""

from __future__ import annotations

import json
import shutil
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any

import numpy as np

from . import materials
from .oracle import snapshot

FRAMES = 240
_X264 = ("codec=x264", "codec.preset=medium", "codec.gop=8")
_SET = "'dataset=clips','dataset.frames=4','dataset.evaluation_crop=64','dataset.limit=2','dataset.stills_share=0'"


class CommandJob(ABC):
    """A job that the command does in a folder."""

    name: str
    runs = ("run", "runs")
    """Folders of runs, which Hydra makes anew each time; other folders are results."""

    @abstractmethod
    def furnish(self, folder: Path, materials_at: Path) -> None:
        """Put the inputs into a folder."""

    @abstractmethod
    def words(self, again: bool) -> list[str]:
        """Of the command line; ``again``: after the job was stopped."""

    @abstractmethod
    def result(self, folder: Path) -> Any:
        """What must be the same after any disturbance; None where there is none."""

    def left(self, folder: Path) -> list[str]:
        """Files that should not be there once the job is done."""
        names = [name for name in snapshot(folder) if name.split("/")[0] not in self.runs]
        return [name for name in names if Path(name).name.startswith(".") or ".parts" in name]

    @property
    def sign(self) -> str:
        """A pattern of files that appear when the work itself begins."""
        return ".*"


class OneFile(CommandJob):
    """A job from one file to another."""

    task: str
    source: str
    output: str
    options: tuple[str, ...] = ()
    frames = FRAMES

    def furnish(self, folder: Path, materials_at: Path) -> None:
        shutil.copyfile(materials.video(materials_at, ".y4m", self.frames), folder / self.source)

    def words(self, again: bool) -> list[str]:
        files = [f"task.input={self.source}", f"task.output={self.output}", "output=run"]
        return [f"task={self.task}", *files, *self.options]

    def result(self, folder: Path) -> Any:
        made = folder / self.output
        if made.is_dir():
            return snapshot(made)
        return made.read_bytes() if made.exists() else None


class Encode(OneFile):
    name, task, source, output = "encode", "encode", "in.y4m", "out.mdv"
    options = ("experiment=none", *_X264)


class EncodeLearned(OneFile):
    name, task, source, output = "encode-dvc", "encode", "in.y4m", "out.mdv"
    frames = 48

    def furnish(self, folder: Path, materials_at: Path) -> None:
        super().furnish(folder, materials_at)
        shutil.copyfile(materials.checkpoint(materials_at, "dvc"), folder / "dvc.safetensors")

    def words(self, again: bool) -> list[str]:
        return [*super().words(again), *materials.words("dvc"), "task.checkpoint=dvc.safetensors"]


class Upscale(OneFile):
    name, task, source, output = "upscale", "upscale", "in.y4m", "out.y4m"
    options = ("experiment=none", "upscaler=floor")

    @property
    def sign(self) -> str:
        return "*.parts"


class UpscaleFolder(Upscale):
    name, output, frames = "upscale-folder", "out", 100


class UpscaleFilm(Upscale):
    name, output = "upscale-mp4", "out.mp4"


class Decode(OneFile):
    name, task, source, output = "decode", "decode", "in.mdv", "out.y4m"
    options = ("experiment=none", *_X264)

    def furnish(self, folder: Path, materials_at: Path) -> None:
        sound = materials_at / f"sound-{self.frames}.mdv"
        if not sound.exists():
            from .command import Command

            encode = Command(
                materials_at, "task=encode", "task.input=x", "task.output=x", "experiment=none", *_X264
            )
            encode(input=materials.video(materials_at, ".y4m", self.frames), output=sound)
        shutil.copyfile(sound, folder / self.source)


class DecodeFolder(Decode):
    name, output = "decode-folder", "out"


class Train(CommandJob):
    name, runs = "train", ()

    def furnish(self, folder: Path, materials_at: Path) -> None:
        """It trains on the clips that come with mindvideo."""

    def words(self, again: bool) -> list[str]:
        small = ("groups", "levels", "cycles", "front_blocks", "trunk_blocks")
        return [
            *("output=run", "task.resume=true", "model.features=4", *(f"model.{name}=1" for name in small)),
            *("dataset.crop=16", "dataset.evaluation_crop=32", "dataset.limit=1", "dataset.stills_share=0"),
            *(
                "loader.batch_size=2",
                "training.steps=40",
                "training.validate_every=9",
                "training.checkpoint_every=3",
            ),
            *("training.pictures=0", "task.evaluate=false", "device.threads=1"),
        ]

    def result(self, folder: Path) -> Any:
        from core.training.checkpoint import Checkpoint

        paths = [folder / "run" / "checkpoints" / f"{name}.safetensors" for name in ("last", "best")]
        if not all(path.exists() for path in paths):
            return None
        opened = [Checkpoint.open(path) for path in paths]
        tensors = [{n: np.asarray(v).tobytes() for n, v in one.tensors.items()} for one in opened]
        return tensors, [one.training for one in opened]

    def left(self, folder: Path) -> list[str]:
        return [name for name in snapshot(folder) if Path(name).name.startswith(".") and ".hydra" not in name]

    @property
    def sign(self) -> str:
        return "run/checkpoints"


class Bench(CommandJob):
    name, runs = "bench", ("run", "runs")

    def furnish(self, folder: Path, materials_at: Path) -> None:
        """It measures on the clips that come with mindvideo."""

    def words(self, again: bool) -> list[str]:
        words = "words:['codec=x264','codec.preset=ultrafast','codec.gop=4']"
        points = "points:{a:['codec.crf=20'],b:['codec.crf=30']}"
        return [
            *("experiment=none", "task=bench", f"+task.sets.tiny={{words:[{_SET}]}}"),
            *(f"+task.contenders.x264={{{words},{points}}}", "task.cache=cache", "output=run"),
        ]

    def result(self, folder: Path) -> Any:
        """Rates and quality; times are never the same."""
        path = folder / "run" / "bench.json"
        if not path.exists():
            return None
        points = json.loads(path.read_text())["points"]
        clips = [(point["record"] or {"clips": []})["clips"] for point in points]
        return [[(c["key"], c["file_bytes"], c["values"], c["stream"]) for c in some] for some in clips]

    @property
    def sign(self) -> str:
        return "run/jobs"


class Sweep(CommandJob):
    name, runs = "sweep", ()

    def furnish(self, folder: Path, materials_at: Path) -> None:
        """It measures on the clips that come with mindvideo."""

    def words(self, again: bool) -> list[str]:
        options = _SET.replace("'", "").split(",")
        return [
            *("--multirun", "experiment=none", "task=measure", "codec=x264", "codec.crf=20,30,40", *options),
            *("codec.preset=ultrafast", "task.cache=cache", "hydra.sweep.dir=sweep"),
        ]

    def result(self, folder: Path) -> Any:
        path = folder / "sweep" / "sweep.json"
        if not path.exists():
            return None
        jobs = json.loads(path.read_text())["jobs"]
        return [(job["number"], job["state"], job["score"]) for job in jobs]

    def left(self, folder: Path) -> list[str]:
        return [name for name in snapshot(folder) if Path(name).name.startswith(".") and ".hydra" not in name]

    @property
    def sign(self) -> str:
        return "sweep/*"


JOBS: dict[str, type[CommandJob]] = {
    job.name: job
    for job in (
        *(Encode, EncodeLearned, Upscale, UpscaleFolder, UpscaleFilm, Decode, DecodeFolder),
        *(Train, Bench, Sweep),
    )
}
