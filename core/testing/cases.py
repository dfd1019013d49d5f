"""The cases of the conformance suite: parts of a plugin that words of the command line choose, built and run
once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from importlib import resources
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np
import yaml

from core.app import open_run
from core.hooks import Array, CodedFrame, PictureFormat, Split
from core.registry import Plugin
from core.run import Run
from core.selection import codec_of
from core.tasks.measure import settle_words
from core.testing.material import COUNT, HEIGHT, WIDTH, moving_frames

if TYPE_CHECKING:
    from mindspore import Tensor, nn

    from core.coding.codec import LoadedCodec

GROUP = "conformance"
"""The folder of a plugin's YAML that says what to try."""
STEPS = 25
"""Steps of the training of each case."""
ALWAYS = (
    *("task=doctor", "loader.batch_size=2"),
    *("optimizer=adam", "optimizer.lr=1e-3", "optimizer.schedule={shape:constant,warmup:0}"),
)
"""Words for all cases. Adam moves a parameter if and only if a gradient has reached it."""


@dataclass(frozen=True)
class Training:
    """Result of a short training on one fixed batch."""

    losses: list[float]
    """The loss of each step."""
    unmoved: list[str]
    """Trainable parameters that are what they were."""


@dataclass
class Case:
    """Parts of a plugin at small sizes; each is built when it is first asked for, and kept."""

    name: str
    words: list[str]
    """Words of the command line."""
    temporary: TemporaryDirectory[str] = field(
        default_factory=lambda: TemporaryDirectory(prefix="conformance-"), repr=False
    )

    @property
    def folder(self) -> Path:
        """Folder of its files; it goes with the case."""
        return Path(self.temporary.name)

    def chooses(self, kind: str) -> bool:
        """Whether its words choose something of a kind."""
        return self.run.settings.section(kind) is not None

    @cached_property
    def run(self) -> Run:
        """The composed run; the first part that is asked of it sets the device."""
        return open_run(self.words, output=self.folder)

    @cached_property
    def batch(self) -> tuple[Tensor, ...]:
        """Two training clips of its data set, column by column."""
        assert self.run.device is not None
        from mindspore import Tensor

        source = self.run.source(Split.TRAIN)
        numbers = (0, len(source) // 2)
        clips = [source.clip(number, np.random.default_rng(number)) for number in numbers]
        return tuple(Tensor(np.stack(column)) for column in zip(*clips, strict=True))

    @cached_property
    def network(self) -> nn.Cell:
        """The network with fresh weights; `training` trains it."""
        return self.run.model()

    @cached_property
    def training(self) -> Training:
        """A short training of the network on one batch."""
        from core.training.checkpoint import tensors_of

        network, batch = self.network, self.batch
        step = self.run.step(network, STEPS).set_train()
        before = tensors_of(network, "")
        losses = [_first(step(*batch)) for _ in range(STEPS)]
        after = tensors_of(network, "")
        names = [parameter.name for parameter in network.trainable_params()]
        return Training(losses, [name for name in names if np.array_equal(before[name], after[name])])

    @cached_property
    def codec(self) -> LoadedCodec:
        """The codec of a checkpoint of the network, after its training where it has a step."""
        from core.training.checkpoint import MODEL, Checkpoint, tensors_of

        run = self.run
        chosen = codec_of(run)
        if not chosen.has_network:
            return chosen.load()
        if self.chooses("step"):
            assert self.training
        path = self.folder / "network.safetensors"
        weights = tensors_of(self.network, MODEL)
        checkpoint = Checkpoint(path, weights, run.model_section, run.model_plugin, {})
        checkpoint.with_tables(chosen.tables_of(self.network)).save()
        return run.codec(path)

    @cached_property
    def coded(self) -> list[CodedFrame]:
        """`COUNT` moving frames of a small odd size, as the codec's encoder leaves them."""
        return self.encode(moving_frames(COUNT, HEIGHT, WIDTH), PictureFormat(WIDTH, HEIGHT))

    def encode(
        self, frames: Iterable[Array], format: PictureFormat, estimate: bool = False
    ) -> list[CodedFrame]:
        """Frames to packets, in groups as the command makes them, in order of decoding."""
        from core.coding.clips import encode_frames

        loaded = self.codec
        return list(
            encode_frames(
                loaded.codec,
                frames,
                format,
                group=loaded.group,
                scene_cut=loaded.scene_cut,
                estimate=estimate,
            )
        )


def cases(plugin: Plugin, words: Sequence[str]) -> list[Case]:
    """The cases that a plugin's YAML names, with further words for all of them."""
    names = sorted(preset.partition("/")[2] for preset in plugin.presets if preset.startswith(f"{GROUP}/"))
    return [
        Case(
            name,
            [*settle_words(yaml.safe_load(yaml_text(plugin, f"{GROUP}/{name}"))["words"]), *ALWAYS, *words],
        )
        for name in names
    ]


def yaml_text(plugin: Plugin, preset: str) -> str:
    """One of a plugin's YAML files."""
    assert plugin.config_package is not None
    return (resources.files(plugin.config_package) / f"{preset}.yaml").read_text("utf-8")


def _first(values: Tensor | tuple[Tensor, ...]) -> float:
    """The loss, which stands first in what a step gives."""
    return float((values[0] if isinstance(values, tuple) else values).asnumpy())
