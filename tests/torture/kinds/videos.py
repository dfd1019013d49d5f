"""Video files and pictures, cut short, rearranged and spoiled, through ``task=upscale`` and ``task=encode``."""

from __future__ import annotations

from pathlib import Path

from core.errors import StreamError
from core.stream import StreamReader

from .. import materials
from ..command import Command
from ..containers import spoiled_media
from ..oracle import Job, judged, replace
from ..trial import Fault, Trial, Tried
from .base import Kind
from .streams import unreadable

UNBOUNDED = (".ts",)
"""Formats that do not say where they end: one that is cut short between pictures is whole."""


class Videos(Kind):
    """Of one format."""

    suffix: str

    def make(self) -> None:
        self.sound = materials.video(self.folder, self.suffix)
        words = ["experiment=none", "task.input=x", "task.output=x"]
        floor = Command(self.folder, *words, "task=upscale", "upscaler=floor")
        codec = Command(
            self.folder, *words, "task=encode", "codec=x264", "codec.preset=ultrafast", "codec.gop=4"
        )
        self.tasks = {".y4m": floor, ".mdv": codec}
        self.references = {ending: self.folder / f"reference{ending}" for ending in self.tasks}

    def undamaged(self) -> None:
        for ending, path in self.references.items():
            self.tasks[ending](input=self.sound, output=path, overwrite=True)

    def attempt(self, trial: Trial) -> Tried:
        rng, folder = trial.rng, trial.folder
        ending = list(self.tasks)[int(rng.integers(2))]
        source, output = folder / f"damaged{self.sound.suffix}", folder / f"made{ending}"
        replace(self.sound, source)
        spoiled = source
        if source.is_dir():
            pictures = sorted(source.iterdir())
            spoiled = pictures[int(rng.integers(len(pictures)))]
        data, cut = spoiled_media(rng, spoiled.read_bytes(), self.suffix)
        spoiled.write_bytes(data)
        if rng.random() < 0.3:
            replace(self.references[ending], output)
        job = Job(
            folder,
            source,
            output,
            run=lambda: self.tasks[ending](input=source, output=output, overwrite=True),
            sound=self.sound,
            complaint=unreadable if ending == ".y4m" else unreadable_stream,
            reference=self.references[ending],
        )
        faults, outcome = judged(job)
        whole = outcome.done and pictures_of(output) == pictures_of(self.references[ending])
        if outcome.done and cut and self.suffix not in UNBOUNDED and not whole:
            told = f"cut after {len(data)} bytes and it was not told"
            faults.append(Fault("silent", told, "a missing end is not told"))
        return Tried(faults, not outcome.done)


def pictures_of(output: Path) -> list[bytes]:
    """What an output holds of the source's pictures: packets of a stream without its header, or all of a file."""
    if output.suffix != ".mdv":
        return [output.read_bytes()]
    with StreamReader(output) as reader:
        return [packet.payload for packet in reader]


def unreadable_stream(path: Path) -> str | None:
    """What is wrong with a stream; None where its container is whole."""
    try:
        with StreamReader(path) as reader:
            return None if sum(1 for _ in reader) else "it holds no packet"
    except StreamError as error:
        return str(error)


def _kind(suffix: str) -> type[Kind]:
    name = suffix[1:]
    tries = (
        f"damaged {name} {'pictures' if suffix in materials.PICTURES else 'files'} through upscale and encode"
    )
    return type(f"Videos_{name}", (Videos,), {"name": f"video-{name}", "suffix": suffix, "tries": tries})


KINDS = [_kind(suffix) for suffix in materials.FORMATS]
