"""Trained weights by name and by fingerprint: which are known, which are here, and how the others are got.

They are here where they come with a plugin, where they were fetched into the user's cache folder, or where a training
in the current folder left them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product
from pathlib import Path
from typing import Any, cast

from core import hooks
from core.errors import CheckpointError, PluginError
from core.files import user_cache
from core.registry import Plugin, Registry, suggestion
from core.words import path_options, word

RUNS = ("*/checkpoints", "*/*/checkpoints", "*/*/*/checkpoints")
"""Folders in which trainings of the current folder leave checkpoints: ``output=NAME``, ``runs/TIME``,
``sweeps/TIME/NUMBER``."""


def folder() -> Path:
    """The folder of weights that were fetched; raises `CheckpointError` where this user has no home."""
    try:
        return user_cache() / "weights"
    except RuntimeError as error:
        raise CheckpointError(f"there is no place for weights: {error}; set XDG_CACHE_HOME.") from None


def place(entry: hooks.WeightsEntry) -> Path:
    """The path of an entry's checkpoint, whether it was fetched or not."""
    return entry.file or folder() / f"{entry.name}.safetensors"


def find_weights(name: str, registry: Registry) -> Path:
    """The checkpoint of weights that have a name.

    Raises `CheckpointError` where there are none, or they are not here, with the command that gets them.
    """
    known = registry.weights()
    if name not in known:
        raise CheckpointError(
            f"there is neither a file nor weights called '{name}'{suggestion(name, known)}."
        )
    path = place(known[name])
    if not path.exists():
        raise CheckpointError(f"the weights '{name}' are not here: {how_to_get(known[name])}.")
    return path


def how_to_get(entry: hooks.WeightsEntry) -> str:
    """The advice for weights that are not here."""
    if entry.file:
        return "install the plugin that brings them again"
    return f"get them with mindvideo weights get {entry.name}"


def default_of(kind: str, registry: Registry) -> Path | None:
    """The checkpoint that a task takes where it needs a codec, or an upscaler, and none is given; None without one."""
    entries = (entry for entry in registry.weights().values() if entry.default_for == kind)
    return next((path for path in map(place, entries) if path.exists()), None)


def checkpoints(registry: Registry) -> Iterator[Path]:
    """All that are here: those with names, then those of trainings, the latest first."""
    yield from (path for path in map(place, registry.weights().values()) if path.exists())
    found = {path for pattern in RUNS for path in Path().glob(f"{pattern}/*.safetensors")}
    yield from sorted(found, key=lambda path: path.stat().st_mtime, reverse=True)


def deciding(source: Path, codec: str, fingerprint: bytes, registry: Registry) -> list[str]:
    """Words that choose what decodes a stream: its codec, and the weights of this fingerprint.

    Raises `PluginError` for a codec that is not here, `CheckpointError` for weights that are not.
    """
    if codec not in registry.names("codec"):
        known = ", ".join(registry.names("codec"))
        raise PluginError(
            f"{source} was made by codec '{codec}', which no installed plugin offers (known: {known})."
        )
    entry = cast(hooks.CodecEntry[Any], registry.find("codec", codec))
    if "network" not in entry.needs:
        return [f"codec={codec}"]
    found = _decoding(entry, fingerprint, registry)
    if found is None:
        raise CheckpointError(
            f"{source} needs weights that are not here: {_describe_model(codec, fingerprint, registry)}."
        )
    return found


def name_of(fingerprint: bytes, registry: Registry) -> hooks.WeightsEntry | None:
    """The weights of a fingerprint, where they have a name."""
    told = fingerprint.hex()
    return next((entry for entry in registry.weights().values() if entry.fingerprint == told), None)


def _describe_model(codec: str, fingerprint: bytes, registry: Registry) -> str:
    entry = name_of(fingerprint, registry)
    if entry:
        return f"'{entry.name}' ({fingerprint.hex()}); {how_to_get(entry)}"
    return (
        f"those of codec={codec} with fingerprint {fingerprint.hex()}; give the checkpoint that it was encoded with, "
        "as task.checkpoint=FILE"
    )


def _decoding(entry: hooks.CodecEntry[Any], fingerprint: bytes, registry: Registry) -> list[str] | None:
    """Words for the checkpoint of a fingerprint, or for the two that make it: of network and learned picture codec."""
    from core.coding.codec import join_fingerprints

    learned = list(_learned_intra(registry)) if "intra" in entry.needs else []
    owners = [registry.owner("codec", entry.name), *(registry.owner("intra", name) for name in learned)]
    of: dict[Path, bytes] = {}
    for path, own in _fingerprints(registry, owners):
        if own == fingerprint:
            return [word("task.checkpoint", str(path))]
        of[path] = own
    for name, (path, own), (pictures, theirs) in product(learned, of.items(), of.items()):
        if join_fingerprints(own, theirs) == fingerprint:
            return [
                word("task.checkpoint", str(path)),
                f"intra={name}",
                word("intra.checkpoint", str(pictures)),
            ]
    return None


def _learned_intra(registry: Registry) -> Iterator[str]:
    """Picture codecs that have a checkpoint."""
    for name in registry.names("intra"):
        if "checkpoint" in dict(path_options(registry.find("intra", name).config)):
            yield name


def _fingerprints(registry: Registry, owners: Sequence[Plugin | None]) -> Iterator[tuple[Path, bytes]]:
    """Fingerprints of the checkpoints that are here; what is unsound is none of them.

    One that does not tell its own is read as a whole, and only if its model is of a plugin among the ``owners``.
    """
    from core.training.checkpoint import Checkpoint, describe

    for path in checkpoints(registry):
        try:
            said = describe(path)
            if said.fingerprint:
                yield path, bytes.fromhex(said.fingerprint)
            elif registry.owner("model", str(said.model["model"])) in owners:
                yield path, Checkpoint.open(path).fingerprint
        except (CheckpointError, OSError):
            continue
