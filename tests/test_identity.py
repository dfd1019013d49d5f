"""Every option of everything that codes, upscales or trains is part of what a job is; few, named here, are not."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass, replace
from enum import EnumMeta
from functools import cache
from pathlib import Path
from typing import Any, get_args, get_type_hints

import numpy as np
import pytest

import core
from core import identity
from core.facts import Facts, changes
from core.run import Run
from core.selection import codec_of, upscaler_of
from core.training.checkpoint import MODEL, Checkpoint

WORDS = {
    "codec": ["experiment=none", "task=encode", "task.input=in.mp4", "task.output=out.mdv"],
    "upscaler": ["experiment=none", "task=upscale", "task.input=in.mp4", "task.output=out.mp4"],
    "training": ["task=train"],
}
REVIEWED = {
    "task.input": "told by the source's own facts",
    "task.output": "where, not what",
    "task.overwrite": "where, not what",
    "task.page": "a page beside the output, made of it",
    "task.parallel": "any number of processes makes the same; their threads stand with the device",
    "task.engine": "where they run",
    "task.report": "written beside, from the same records",
    "task.checkpoint": "told by the weights' content",
    "task.resume": "whether to go on at all",
    "task.changed": "whether to go on at all",
    "task.evaluate": "after the training",
    "device.device_id": "cards of a machine are alike",
    "device.fetch_every": "when losses are looked at",
    "loader.workers": "clips come in an order that only the seed decides",
    "loader.processes": "the same",
    "training.checkpoint_every": "how much a kill loses",
    "training.pictures": "what is drawn",
    "training.beside": "trainings of their own",
}


def test_the_list_of_what_cannot_matter_was_reviewed() -> None:
    assert REVIEWED.keys() == identity.CANNOT_MATTER


@cache
def opened(*words: str) -> Run:
    return core.open_run(words)


@pytest.fixture(autouse=True)
def arithmetic(monkeypatch: pytest.MonkeyPatch) -> None:
    """Device and runtime are not started for this: what they would say is in a test of its own."""
    monkeypatch.setattr(Run, "arithmetic", "of this machine")


@pytest.fixture
def weights(tmp_path: Path) -> Callable[..., str]:
    """Writes a checkpoint of a run's model, of one number."""

    def write(run: Run, name: str = "weights", value: float = 0) -> str:
        path = tmp_path / f"{name}.safetensors"
        tensors = {f"{MODEL}number": np.float32([value])}
        Checkpoint(path, tensors, run.model_section, run.model_plugin, {}).save()
        return str(path)

    return write


def with_settings(run: Run, **sections: Any) -> Run:
    return Run(replace(run.settings, **sections), run.registry, run.output, run.overrides)


def changed(section: Any, name: str, folder: Path) -> Iterator[Any]:
    """Copies of a section with another value of one option, whether or not it could be used."""
    value = getattr(section, name)
    for other in others(value, get_type_hints(type(section))[name], folder):
        made = copy.copy(section)
        object.__setattr__(made, name, other)
        assert other != value
        yield made


def others(value: Any, hint: Any, folder: Path) -> list[Any]:
    """Other values of the type of an option; a path to a file among them where it takes texts."""
    types = [hint, *get_args(hint)]
    if isinstance(value, list):
        return [[*value, 1 if int in types else 1.5 if float in types else "other"]]
    enums = [member for kind in types if isinstance(kind, EnumMeta) for member in kind if member is not value]
    file = folder / "other.safetensors"
    file.write_bytes(b"other")
    found = [*enums]
    found += [not value] if bool in types else []
    found += [(value or 0) + 1] if int in types else [(value or 0) + 1.5] if float in types else []
    found += ["other", str(file)] if str in types else []
    found += [{**value, "other": 1}] if isinstance(value, dict) else []
    if is_dataclass(value):
        found = [made for field in fields(value) for made in changed(value, field.name, folder)]
    assert found, f"no other value of {hint}"
    return found


def checked(kind: str, section: Any, folder: Path, tell: Any) -> int:
    """Asserts that each option of a section changes what ``tell`` says, but for the reviewed; how many did."""
    before, count = tell(section), 0
    for field in fields(section):
        for other in changed(section, field.name, folder):
            differs = changes(before, tell(other))
            assert bool(differs) is (f"{kind}.{field.name}" not in REVIEWED), field.name
            assert not differs or differs.startswith(f"{kind}.{field.name}"), differs
            count += bool(differs)
    return count


def names(kind: str) -> list[str]:
    return opened("experiment=none", "task=doctor").registry.names(kind)


def options_of(kind: str, name: str) -> Any:
    """The default options of an entry, with values for those that have none."""
    entry = opened("experiment=none", "task=doctor").registry.find(kind, name)
    return entry.config()


@pytest.mark.parametrize("name", [name for name in names("codec") if name != "resampled"])
def test_every_option_of_every_codec(name: str, tmp_path: Path, weights: Callable[..., str]) -> None:
    run = opened(*WORDS["codec"], f"codec={name}", *_model("codec", name))
    file = weights(run) if _model("codec", name) else None

    def tell(section: Any) -> Facts:
        return codec_of(with_settings(run, codec=section), file).identity()

    assert checked("codec", run.settings.codec, tmp_path, tell) >= len(fields(run.settings.codec))


def _model(kind: str, name: str) -> list[str]:
    """The model of the plugin that offers an entry, where it works by one."""
    registry = opened("experiment=none", "task=doctor").registry
    entry: Any = registry.find(kind, name)
    if "network" not in entry.needs:
        return []
    owner = registry.owner(kind, name)
    return [
        next(f"model={model}" for model in registry.names("model") if registry.owner("model", model) is owner)
    ]


def test_every_option_of_a_codec_within_a_codec(tmp_path: Path) -> None:
    words = ["codec=resampled", "codec.inner=x264", "codec.upscaler=floor", "+codec.upscaler_options.scale=2"]
    run = opened(*WORDS["codec"], *words)

    def tell(**options: Any) -> Facts:
        return codec_of(with_settings(run, codec=replace(run.settings.codec, **options))).identity()

    before = tell()
    for options in (
        {"inner": "x265"},
        {"inner_options": {"crf": 30}},
        {"upscaler_options": {"scale": 3}},
        {"temporal": False},
        {"gop": 5},
        {"scene_cut": True},
    ):
        (name,) = options
        assert changes(before, tell(**options)).startswith(f"codec.{name}")


@pytest.mark.parametrize("name", names("intra"))
def test_every_option_of_every_picture_codec(name: str, tmp_path: Path, weights: Callable[..., str]) -> None:
    run = opened(*WORDS["codec"], "codec=dvc", "model=dvc")
    file = weights(run)
    section = options_of("intra", name)
    other = options_of("intra", "png" if name != "png" else "hevc")

    def tell(intra: Any) -> Facts:
        return codec_of(with_settings(run, intra=intra), file).identity()

    assert checked("intra", section, tmp_path, tell) >= len(fields(section))
    assert "intra.entry was" in changes(tell(section), tell(other))


@pytest.mark.parametrize("name", names("upscaler"))
def test_every_option_of_every_upscaler(name: str, tmp_path: Path, weights: Callable[..., str]) -> None:
    run = opened(*WORDS["upscaler"], f"upscaler={name}", *_model("upscaler", name))
    file = weights(run) if _model("upscaler", name) else None

    def tell(section: Any) -> Facts:
        return upscaler_of(with_settings(run, upscaler=section), file).identity()

    assert checked("upscaler", run.settings.upscaler, tmp_path, tell) >= len(fields(run.settings.upscaler))


@pytest.mark.parametrize(("kind", "more"), [("codec", ["codec=x264"]), ("upscaler", ["upscaler=floor"])])
def test_every_option_of_the_tasks(kind: str, more: list[str], tmp_path: Path) -> None:
    run = opened(*WORDS[kind], *more)

    def tell(section: Any) -> Facts:
        return identity.task(with_settings(run, task=section))

    assert checked("task", run.settings.task, tmp_path, tell) >= 3


@pytest.mark.parametrize(
    "kind",
    ["model", "loss", "dataset", "optimizer", "step", "upscaler", "loader", "training", "seed", "weights"],
)
def test_every_option_of_a_training(kind: str, tmp_path: Path) -> None:
    run = opened(*WORDS["training"])
    section = getattr(run.settings, kind)
    if kind in ("seed", "weights"):
        other = identity.training(with_settings(run, **{kind: 7 if kind == "seed" else "other"}))
        assert changes(identity.training(run), other).startswith(f"{kind} was")
        return
    found = checked(
        kind, section, tmp_path, lambda made: identity.training(with_settings(run, **{kind: made}))
    )
    assert found or not fields(section)


def test_runtime_device_and_arithmetic_are_part_of_a_codec_s_and_an_upscaler_s_job(
    monkeypatch: pytest.MonkeyPatch, weights: Callable[..., str]
) -> None:
    codec = opened(*WORDS["codec"], "codec=dvc", "model=dvc")
    upscaler = opened(*WORDS["upscaler"], "upscaler=cycmunet", "model=cycmunet")
    for run, chosen in ((codec, codec_of), (upscaler, upscaler_of)):
        file = weights(run)
        before = chosen(run, file).identity()
        runtime = type(run.settings.runtime).onnxruntime
        assert changes(before, chosen(with_settings(run, runtime=runtime), file).identity())
        with monkeypatch.context() as patch:
            patch.setattr(Run, "arithmetic", "other kernels")
            assert "arithmetic was" in changes(before, chosen(run, file).identity())


def test_weights_are_told_by_content(tmp_path: Path, weights: Callable[..., str]) -> None:
    run = opened(*WORDS["codec"], "codec=dvc", "model=dvc")
    first, second = (weights(run, name) for name in "ab")
    before = codec_of(run, first).identity()
    assert codec_of(run, second).identity() == before
    weights(run, "b", value=1)
    assert changes(before, codec_of(run, second).identity()).startswith("weights was")
    learned = options_of("intra", "cheng2020")
    intra = [with_settings(run, intra=replace(learned, checkpoint=path)) for path in (first, second)]
    assert changes(*(codec_of(made, first).identity() for made in intra)).startswith("intra.checkpoint was")
    assert str(tmp_path) not in str(codec_of(intra[0], first).identity())


def test_an_upscaler_s_weights_of_another_kind_are_told_by_content(tmp_path: Path) -> None:
    run = opened(*WORDS["upscaler"], "upscaler=cycmunet", "model=cycmunet")
    file = tmp_path / "weights.npz"
    told = []
    for content in (b"one", b"two"):
        file.write_bytes(content)
        told.append(upscaler_of(run, file).identity())
    assert changes(*told).startswith("weights was") and str(tmp_path) not in str(told)


def test_what_a_codec_does_not_use_is_not_its_job() -> None:
    run = opened(*WORDS["codec"], "codec=x264")
    told = codec_of(run).identity()
    assert not [name for name in told if name.startswith(("intra", "model", "device", "arithmetic"))]
    assert codec_of(with_settings(run, intra=options_of("intra", "png"))).identity() == told
