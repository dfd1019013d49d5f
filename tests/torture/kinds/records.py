"""What the product left for itself and reads again: journals, plans, parts, caches, records of jobs; all damaged."""

from __future__ import annotations

import json
import shutil
from abc import abstractmethod
from collections.abc import Callable, Sequence
from pathlib import Path

from .. import materials
from ..command import Command, killed_after
from ..mutations import Rng, cut, spoiled
from ..oracle import Outcome, differs, lost, new, observed, snapshot
from ..records import spoiled_record
from ..trial import Fault, Trial, Tried
from .base import Kind

_SET = [
    "dataset=clips",
    "dataset.frames=2",
    "dataset.evaluation_crop=32",
    "dataset.limit=1",
    "dataset.stills_share=0",
]


class Resumed(Kind):
    """A job that was killed in a folder; what it left there is damaged, and the same job must end as if it had not."""

    words: Sequence[str]
    killed_at: int
    """Frames."""
    output: str
    frames: int
    may_refuse = "\0"
    """A part of the sentence with which the job may rightly refuse to go on."""

    def make(self) -> None:
        self.place, self.state = self.folder / "place", self.folder / "state"
        self.place.mkdir()
        self.source = self.place / "in.y4m"
        shutil.copyfile(materials.video(self.folder, ".y4m", self.frames), self.source)
        self.made = self.place / self.output
        self.task = Command(self.folder, *self.words).keep_codec()
        self.options = self.further_options()
        killed_after(self.killed_at, self.folder, self.words, **self._options)
        shutil.copytree(self.place, self.state)
        self.left = [
            name for name, hash in snapshot(self.state).items() if name != "in.y4m" and hash != "folder"
        ]
        assert self.left, "a killed job left nothing"
        self.reference = self.folder / f"reference{self.made.suffix}"
        self.task(**{**self._options, "output": self.reference})

    def further_options(self) -> dict[str, Path]:
        """Of the task, beside input and output."""
        return {}

    @abstractmethod
    def damage(self, rng: Rng, path: Path) -> None:
        """Damage a file that the killed job left."""

    @property
    def _options(self) -> dict[str, Path]:
        return {"input": self.source, "output": self.made, **self.options}

    def run(self) -> None:
        self.task(**self._options)

    def undamaged(self) -> None:
        self._restore()
        self.run()
        assert not differs(self.made, self.reference), "a resumed job made something else"

    def _restore(self) -> None:
        """The state in which the job was killed, with all its times."""
        shutil.rmtree(self.place)
        shutil.copytree(self.state, self.place)

    def attempt(self, trial: Trial) -> Tried:
        rng = trial.rng
        self._restore()
        for _ in range(int(rng.integers(1, 3))):
            path = self.place / self.left[int(rng.integers(len(self.left)))]
            if path.exists():
                self.damage(rng, path)
        shutil.copytree(self.place, trial.folder / "damaged")
        sound = {"in.y4m": snapshot(self.place)["in.y4m"]}
        outcome = observed(self.run)
        after = snapshot(self.place)
        faults = [*outcome.faults, *lost(sound, after)]
        if outcome.told and self.may_refuse not in outcome.told:
            faults.append(Fault("left", f"the job cannot go on: {outcome.told}", "the job cannot go on"))
        if outcome.done:
            faults += self._result_faults(after)
        return Tried(faults, not outcome.done)

    def _result_faults(self, after: dict[str, str]) -> list[Fault]:
        faults = []
        if not self.made.exists() or differs(self.made, self.reference):
            faults.append(Fault("other", "the output is not that of an undisturbed job", "another output"))
        stays = new({"in.y4m": ""}, after, self.output)
        if stays:
            faults.append(Fault("left", f"these stay: {', '.join(stays)}", "files stay"))
        return faults


class Journal(Resumed):
    name = "journal"
    tries = "damaged journals and unfinished streams of encodes that were killed"
    killed_at, output, frames = 9, "out.mdv", 12

    @property
    def words(self) -> Sequence[str]:
        return ("task=encode", "task.input=x", "task.output=x", *materials.words("dvc"))

    def further_options(self) -> dict[str, Path]:
        return {"checkpoint": materials.checkpoint(self.folder, "dvc")}

    def damage(self, rng: Rng, path: Path) -> None:
        path.write_bytes(spoiled_lines(rng, path.read_bytes()))


def spoiled_lines(rng: Rng, data: bytes) -> bytes:
    """A file of lines of JSON of which one is spoiled, or spoiled as bytes."""
    lines = data.splitlines(keepends=True)
    if rng.random() < 0.4 or not lines:
        return spoiled(rng, data)
    at = int(rng.integers(len(lines)))
    lines[at] = spoiled_record(rng, lines[at]) + b"\n" * bool(rng.integers(4))
    return b"".join(lines)


class Parts(Resumed):
    """Bits that turn in a part are not looked for: parts have sizes, and no checksums."""

    name = "parts"
    tries = "damaged plans, and parts that are cut short or gone, of upscalings that were killed"
    killed_at, output, frames = 70, "out.y4m", 80
    may_refuse = "is not a folder of ours"  # its plan cannot be read: it could be the user's

    words = ("task=upscale", "task.input=x", "task.output=x", "experiment=none", "upscaler=floor")

    def damage(self, rng: Rng, path: Path) -> None:
        if path.suffix == ".json":
            path.write_bytes(spoiled_record(rng, path.read_bytes()))
        elif rng.random() < 0.3:
            path.unlink()
        else:
            path.write_bytes(cut(rng, path.read_bytes()))


class Folder(Kind):
    """A folder of the product's records, some of whose files are damaged before it is read."""

    def make(self) -> None:
        self.sound = self.folder / "sound"
        self.fill()
        self.files = [name for name, digest in snapshot(self.sound).items() if digest != "folder"]

    @abstractmethod
    def fill(self) -> None:
        """Make the sound folder."""

    @abstractmethod
    def read(self, folder: Path) -> None:
        """What the product does with it."""

    def writes(self, name: str) -> bool:
        """Whether reading may replace a file, or make it."""
        return False

    def undamaged(self) -> None:
        copy = self.folder / "copy"
        shutil.copytree(self.sound, copy)
        self.read(copy)

    def attempt(self, trial: Trial) -> Tried:
        rng, folder = trial.rng, trial.folder / "records"
        shutil.copytree(self.sound, folder)
        for _ in range(int(rng.integers(1, 3))):
            path = folder / self.files[int(rng.integers(len(self.files)))]
            self.damage(rng, path)
        before = snapshot(folder)
        outcome = observed(lambda: self.read(folder))
        kept = {name: digest for name, digest in before.items() if not self.writes(name)}
        faults = [*outcome.faults, *lost(kept, snapshot(folder)), *self.further(folder, outcome)]
        return Tried(faults, not outcome.done)

    def damage(self, rng: Rng, path: Path) -> None:
        """Damage a file."""
        data = path.read_bytes()
        path.write_bytes(spoiled_record(rng, data) if path.suffix == ".json" else spoiled(rng, data))

    def further(self, folder: Path, outcome: Outcome) -> list[Fault]:
        """What else is wrong with what was left."""
        made = new(dict.fromkeys(self.files, ""), snapshot(folder))
        stays = [name for name in made if Path(name).name.startswith(".")]
        return [Fault("left", f"these stay: {', '.join(stays)}", "files stay")] if stays else []


class BenchCache(Folder):
    name = "bench-cache"
    tries = "damaged records, streams and pictures of the benchmark's cache, through measuring and reports"

    def fill(self) -> None:
        words = ["experiment=none", "task=measure", "codec=x264", "codec.preset=ultrafast", "codec.gop=4"]
        self.measure = Command(self.folder, *words, *_SET)
        self.read(self.sound)

    def writes(self, name: str) -> bool:
        return True

    def read(self, folder: Path) -> None:
        from core.bench.records import Outcome as Point
        from core.bench.results import Results
        from core.measure.records import record_of
        from core.report.bench import write_report

        result, report = folder.parent / "result.json", folder.parent / f"report-{folder.name}"
        self.measure(cache=folder, result=result)
        record = record_of(json.loads(result.read_text()))
        results = Results(
            title="Torture",
            outcomes=[Point("x264", "p", "tiny", ["python"], 1.0, record)],
            anchors=[],
            axes={"x264": {"codec": "x264", **record.axes}},
            sets={"tiny": {"name": "clips", "options": {}}},
            command="python",
            parallel=1,
            machine="",
        )
        report.mkdir(exist_ok=True)
        write_report(results, report, folder, 1)


class SweepRecords(Folder):
    name = "sweep-records"
    tries = "damaged records of a sweep's jobs, through its report"

    def fill(self) -> None:
        from core.sweeping import Job

        for number in range(3):
            words = ["task=toy", f"optimizer.lr={number + 1}e-3"]
            job = Job(number, words, "5" * 64, score=20.0 + number, seconds=3.5)
            job.save(self.sound / str(number))
        self.report = Command(self.folder, "experiment=none", "task=sweep_report")

    def read(self, folder: Path) -> None:
        self.report(folder=folder)

    def writes(self, name: str) -> bool:
        return Path(name).stem == "sweep"


class TrainingFolder(Folder):
    name = "training-folder"
    tries = "damaged checkpoints of a training that is resumed"
    cost = 2.0

    def fill(self) -> None:
        small = ("features", "groups", "levels", "cycles", "front_blocks", "trunk_blocks")
        words = [
            *(f"model.{name}=1" for name in small if name != "features"),
            *("model.features=4", "dataset.crop=16", "dataset.evaluation_crop=32", "dataset.limit=1"),
            *("dataset.stills_share=0", "loader.batch_size=1", "loader.workers=1", "training.steps=1"),
            *(
                "training.validate_every=1",
                "training.checkpoint_every=1",
                "training.pictures=0",
                "device.threads=1",
            ),
        ]
        self.train = Command(self.sound, "task=train", *words)
        self.train(evaluate=False)

    def read(self, folder: Path) -> None:
        self.train.run.output = folder
        self.train(evaluate=False, resume=True)

    def writes(self, name: str) -> bool:
        """A training that goes on writes all of its folder, but for what it goes on from when it is refused."""
        return "last" not in name

    def damage(self, rng: Rng, path: Path) -> None:
        from ..weights import spoiled_safetensors

        checkpoint = path.suffix == ".safetensors"
        change: Callable[[Rng, bytes], bytes] = spoiled_safetensors if checkpoint else spoiled
        path.write_bytes(change(rng, path.read_bytes()))


KINDS = [Journal, Parts, BenchCache, SweepRecords, TrainingFolder]
