"""Files of weights, damaged: checkpoints of ours through decode and encode, others through imports and as weights."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import numpy as np

from .. import materials
from ..command import Command
from ..mutations import Rng, spoiled
from ..oracle import Job, judged
from ..trial import Trial, Tried
from ..weights import rezipped, spoiled_npz, spoiled_safetensors
from .base import Kind, Skipped
from .streams import unreadable
from .videos import unreadable_stream

SHARE_CODED = 0.1
"""Trials that code with the checkpoint, where it is accepted: a network is compiled for each."""


class Checkpoints(Kind):
    name = "checkpoint"
    tries = "damaged checkpoints, with right checksums as well, through decode and encode"

    def make(self) -> None:
        self.sound = materials.checkpoint(self.folder, "cheng2020")
        self.video = materials.video(self.folder, ".y4m", 2)
        self.stream = self.folder / "sound.mdv"
        words = [*materials.words("cheng2020"), "task.input=x", "task.output=x"]
        self.encode, self.decode = (
            Command(self.folder, *words, f"task={task}") for task in ("encode", "decode")
        )

    def undamaged(self) -> None:
        self.encode(input=self.video, output=self.stream, checkpoint=self.sound, overwrite=True)
        self.decode(input=self.stream, output=self.folder / "out.y4m", checkpoint=self.sound)

    def attempt(self, trial: Trial) -> Tried:
        rng, folder = trial.rng, trial.folder
        damaged = folder / "damaged.safetensors"
        damaged.write_bytes(spoiled_safetensors(rng, self.sound.read_bytes()))
        task, input, output = self.decode, self.stream, folder / "out.y4m"
        if rng.random() < SHARE_CODED:
            task, input, output = self.encode, self.video, folder / "out.mdv"
        complaint = unreadable if output.suffix == ".y4m" else unreadable_stream

        def run() -> None:
            task(input=input, output=output, checkpoint=damaged, overwrite=True)

        faults, outcome = judged(Job(folder, damaged, output, run, self.sound, complaint))
        return Tried(faults, not outcome.done)


class Imports(Kind):
    """Of one format."""

    suffix: str

    def make(self) -> None:
        if self.suffix == ".pth" and find_spec("torch") is None:
            raise Skipped("PyTorch is not installed")
        small = {"features": 4, "groups": 1, "levels": 2, "cycles": 1, "front_blocks": 1, "trunk_blocks": 1}
        words = ["experiment=none", "model=cycmunet", "model.format=rgb", "device.threads=1"]
        words += [f"model.{name}={value}" for name, value in small.items()]
        self.imports = Command(self.folder, *words, "task=import_weights", "task.input=x")
        self.sound = self.folder / f"sound{self.suffix}"
        self._save(self._state(small))

    def _state(self, small: dict[str, int]) -> dict[str, np.ndarray]:
        """Published weights of the small network."""
        from core.testing.recipes import named_tensor
        from plugins.cycmunet.config import CycMuNetConfig, Format
        from plugins.cycmunet.interface import VideoCycMuNet
        from plugins.cycmunet.weights import published

        config = CycMuNetConfig(format=Format.rgb, **small)
        shapes = {name: p.shape for name, p in VideoCycMuNet(config).parameters_and_names()}
        return {t.name: named_tensor(t.name, shapes[n], 1.0) for n, t in published(config).tensors.items()}

    def _save(self, state: dict[str, np.ndarray]) -> None:
        if self.suffix == ".npz":
            np.savez(self.sound, **state)
        elif self.suffix == ".safetensors":
            from safetensors.numpy import save_file

            save_file(state, self.sound)
        else:
            import torch

            torch.save({name: torch.from_numpy(value) for name, value in state.items()}, self.sound)

    def undamaged(self) -> None:
        self.imports(input=self.sound, output=self.folder / "imported.safetensors")

    def damaged(self, rng: Rng) -> bytes:
        data = self.sound.read_bytes()
        if self.suffix == ".safetensors":
            return spoiled_safetensors(rng, data)
        if self.suffix == ".npz":
            return spoiled_npz(rng, data)
        return spoiled(rng, data) if rng.random() < 0.5 else rezipped(rng, data)

    def attempt(self, trial: Trial) -> Tried:
        rng, folder = trial.rng, trial.folder
        source, output = folder / f"damaged{self.suffix}", folder / "imported.safetensors"
        source.write_bytes(self.damaged(rng))
        run = lambda: self.imports(input=source, output=output)  # noqa: E731
        faults, outcome = judged(Job(folder, source, output, run, self.sound, no_checkpoint))
        return Tried(faults, not outcome.done)


def no_checkpoint(path: Path) -> str | None:
    """What is wrong with a checkpoint; None where it is sound."""
    from core.errors import CheckpointError
    from core.training.checkpoint import Checkpoint

    try:
        Checkpoint.open(path)
    except CheckpointError as error:
        return str(error)
    return None


class MindSporeFiles(Kind):
    name = "weights-ckpt"
    tries = "damaged files of MindSpore as the weights to decode with"

    def make(self) -> None:
        import mindspore as ms

        self.task = Command(self.folder, *materials.words("cheng2020"), "task=doctor")
        assert self.task.run.device.target == "CPU"
        self.sound = self.folder / "sound.ckpt"
        ms.save_checkpoint(materials.network("cheng2020"), str(self.sound))

    def undamaged(self) -> None:
        self.task.run.model(self.sound)

    def attempt(self, trial: Trial) -> Tried:
        source, output = trial.folder / "damaged.ckpt", trial.folder / "loaded"
        source.write_bytes(spoiled(trial.rng, self.sound.read_bytes()))

        def run() -> None:
            self.task.run.model(source)
            output.touch()

        faults, outcome = judged(Job(trial.folder, source, output, run, self.sound, lambda _: None))
        return Tried(faults, not outcome.done)


IMPORTED = [
    type(
        f"Imports_{suffix[1:]}",
        (Imports,),
        {
            "name": f"weights-{suffix[1:]}",
            "suffix": suffix,
            "tries": f"damaged {suffix} files through import_weights",
        },
    )
    for suffix in (".npz", ".safetensors", ".pth")
]
KINDS = [Checkpoints, *IMPORTED, MindSporeFiles]
