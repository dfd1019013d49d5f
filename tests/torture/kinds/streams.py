"""Streams (.mdv) of every codec, damaged by byte and forged with right checksums, through ``task=decode``."""

from __future__ import annotations

from pathlib import Path

from core.media.reader import open_video

from .. import materials, streams
from ..command import Command
from ..mutations import BYTEWISE, spoiled
from ..oracle import Job, differs, judged, replace
from ..trial import Fault, Trial, Tried
from .base import Kind

ENDINGS = (".y4m", ".y4m", ".y4m", "", ".mp4", ".mkv")
"""Of what is decoded to, the cheap one most often."""


class Streams(Kind):
    """Of one codec."""

    codec: str

    def make(self) -> None:
        codec, folder = self.codec, self.folder
        self.sound = folder / "sound.mdv"
        learned = codec in materials.LEARNED
        weights = {"checkpoint": materials.checkpoint(folder, codec)} if learned else {}
        words = [*materials.words(codec), "task.input=x", "task.output=x"]
        encode = Command(folder, *words, "task=encode").keep_codec()
        encode(input=materials.video(folder, ".y4m"), output=self.sound, **weights)
        self.decode = Command(folder, *words, "task=decode").keep_codec()
        self.weights = weights
        self.parts = streams.Parts.read(self.sound)
        assert self.parts.joined() == self.sound.read_bytes()
        self.references: dict[str, Path] = {}

    def undamaged(self) -> None:
        for ending in sorted(set(ENDINGS)):
            self.references[ending] = self.folder / f"reference{ending}"
            self._decode(self.sound, self.references[ending])

    def _decode(self, source: Path, output: Path) -> None:
        self.decode(input=source, output=output, overwrite=True, **self.weights)

    def attempt(self, trial: Trial) -> Tried:
        rng, folder = trial.rng, trial.folder
        ending = ENDINGS[int(rng.integers(len(ENDINGS)))]
        source, output = folder / "damaged.mdv", folder / f"decoded{ending}"
        forged = rng.random() < 0.6
        data = self.sound.read_bytes()
        if forged:
            data = streams.forged(rng, self.parts)
        else:
            way = int(rng.integers(len(BYTEWISE) + 1))
            data = BYTEWISE[way](rng, data) if way < len(BYTEWISE) else spoiled(rng, data)
        source.write_bytes(data)
        if rng.random() < 0.3:
            earlier = materials.video(self.folder, ".y4m" if ending else ".png", 2)
            if ending in ("", ".y4m"):
                replace(earlier, output)
        job = Job(
            folder,
            source,
            output,
            run=lambda: self._decode(source, output),
            sound=self.sound,
            complaint=unreadable,
            reference=self.references[ending] if ending in ("", ".y4m") else None,
            keeps=True,
        )
        faults, outcome = judged(job)
        undamaged = data == self.sound.read_bytes()
        if outcome.done and not forged and not undamaged:
            faults.append(Fault("silent", "a damaged stream decodes without a word"))
        if outcome.done and undamaged and job.reference and differs(output, job.reference):
            faults.append(Fault("other", "a sound stream decodes to something else"))
        return Tried(faults, not outcome.done)


def unreadable(output: Path) -> str | None:
    """What is wrong with a video that the product made; None where every frame of it can be read."""
    from core.errors import MediaError

    try:
        with open_video(output) as reader:
            return None if sum(1 for _ in reader) else "it holds no frame"
    except MediaError as error:
        return str(error)


KINDS = [
    type(
        f"Streams_{codec}",
        (Streams,),
        {
            "name": f"stream-{codec}",
            "codec": codec,
            "tries": f"damaged and forged streams of {codec} through decode",
        },
    )
    for codec in (*materials.LEARNED, *materials.ANCHORS)
]
