"""The codec or upscaler of a run: entry, options and weights. It is described without being built, and built in one
place."""

from __future__ import annotations

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from functools import cached_property
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar, cast

from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from core import hooks, identity
from core.config import entry_section, explain
from core.entries import NAMED_BY_OPTIONS
from core.errors import ConfigError
from core.facts import Facts, facts
from core.words import path_options

if TYPE_CHECKING:
    from mindspore import nn

    from core.codec.intra import NamedIntraCodec
    from core.coding.codec import LoadedCodec
    from core.run import Run
    from core.training.checkpoint import Checkpoint

E = TypeVar("E", bound=hooks.CodecEntry[Any] | hooks.UpscalerEntry[Any])


def codec_of(run: Run, weights: str | Path | None = None) -> CodecSelection:
    """The codec of a run; ``weights`` is its checkpoint (else ``settings.weights``).

    Raises `ConfigError` where none is chosen, or one within it cannot be.
    """
    entry = run.entry("codec", hooks.CodecEntry)
    return CodecSelection(run, "codec", entry, run.settings.codec, weights or run.settings.weights)


def upscaler_of(run: Run, weights: str | Path | None = None) -> UpscalerSelection:
    """The upscaler of a run, as `codec_of`."""
    entry = run.entry("upscaler", hooks.UpscalerEntry)
    return UpscalerSelection(run, "upscaler", entry, run.settings.upscaler, weights or run.settings.weights)


def selection_of(run: Run, weights: str | Path | None = None) -> CodecSelection | UpscalerSelection | None:
    """The codec of a run, or else its upscaler, if it has one."""
    if run.settings.codec is not None:
        return codec_of(run, weights)
    return upscaler_of(run, weights) if run.settings.upscaler is not None else None


class Selection(ABC, Generic[E]):
    """A codec or an upscaler, and all that it is made of. Its checkpoint is opened once, when that is first needed.

    ``role`` is the option that names it: ``codec`` or ``upscaler`` of the run itself, by the network of ``model=``; or
    ``codec.inner`` or ``codec.upscaler`` of one within a codec, by the network that its checkpoint tells of.
    """

    kind: ClassVar[hooks.Need]
    """Its kind."""

    def __init__(self, run: Run, role: str, entry: E, options: Any, weights: str | Path | None) -> None:
        self.run, self.role, self.entry, self.options = run, role, entry, options
        self.weights = str(weights) if weights else None

    @property
    def name(self) -> str:
        """The entry's."""
        return self.entry.name

    @property
    def has_network(self) -> bool:
        """Whether it works by a network of its own."""
        return "network" in self.entry.needs

    @property
    def parts(self) -> Mapping[hooks.Need, CodecSelection | UpscalerSelection]:
        """The parts that work within it, by what the entry calls its need."""
        return {}

    @property
    def computes(self) -> bool:
        """Whether networks are among what it is made of."""
        return self.has_network or any(part.computes for part in self.parts.values())

    @property
    def parameters(self) -> int | None:
        """Numbers in its networks; None where it has none."""
        own = self.checkpoint.parameters if self.has_network else 0
        return (own + sum(part.parameters or 0 for part in self.parts.values())) or None

    @cached_property
    def checkpoint(self) -> Checkpoint:
        """The checkpoint of its network.

        Raises `ConfigError` where none is given, `CheckpointError` where it is unsound or of another model.
        """
        from core.training.checkpoint import Checkpoint

        if not self.weights:
            raise ConfigError(self._missing_weights())
        checkpoint = Checkpoint.open(Path(self.weights))
        if self._is_within:
            self._require_own_plugin(checkpoint)
        else:
            checkpoint.require_model(self.run.model_section, self.run.model_defaults)
        return checkpoint

    @cached_property
    def network(self) -> nn.Cell:
        """Its network, with the weights that are given, of any kind of file; fresh ones, where none are."""
        if self._has_checkpoint:
            return self.run.network_of(self.checkpoint)
        return self.run.model(self.weights, self.run.inferring)

    def missing(self) -> str:
        """A sentence that says what must be given before it can be loaded; empty where nothing is missing."""
        return self._missing_weights() or self.missing_parts()

    def missing_parts(self) -> str:
        """The same of what it is built from beside its own network, which need not be trained yet."""
        return next(filter(None, (part.missing() for part in self.parts.values())), "")

    def identity(self) -> Facts:
        """All that decides what it makes: contents of files, never their names. Asks for the device if it computes."""
        told = {**self._facts(), **identity.computing(self.run, self.computes)}
        return facts(told, without=identity.CANNOT_MATTER)

    @property
    @abstractmethod
    def fingerprint(self) -> bytes:
        """16 bytes that tell all that decodes from all others; none where nothing was learned. Reads checkpoints."""

    def _backend(self) -> AbstractContextManager[object]:
        """The backend that it is built under; what has no network needs no device."""
        return self.run.inferring if self.computes else nullcontext()

    @property
    def _is_within(self) -> bool:
        return "." in self.role

    @property
    def _has_checkpoint(self) -> bool:
        """Whether its weights are a checkpoint of ours; within a codec they always are."""
        from core.training.checkpoint import is_ours

        known = self._is_within or "checkpoint" in vars(self)
        return known or (self.weights is not None and is_ours(Path(self.weights)))

    def _weights_identity(self) -> str:
        """All of a checkpoint that decodes; the name of another file, which `facts` replaces by its content."""
        return self.checkpoint.fingerprint.hex() if self._has_checkpoint else self.weights or ""

    def _missing_weights(self) -> str:
        if not self.has_network:
            return ""
        if not self.weights and self._is_within:
            return f"{self.role}={self.name} needs a trained network: give {self.role}_checkpoint=FILE."
        if not self.weights:
            return f"no trained {self.role} is given: train one (task=train), then task.checkpoint=FILE."
        return _absent(self.weights)

    def _require_own_plugin(self, checkpoint: Checkpoint) -> None:
        registry, model = self.run.registry, checkpoint.model_section["model"]
        if registry.owner("model", model) is not registry.owner(self.kind, self.name):
            raise ConfigError(
                f"{self.weights} holds a network of model={model}, which {self.role}={self.name} does not take."
            )

    def _facts(self) -> dict[str, Any]:
        named_apart = {f"{NAMED_BY_OPTIONS[need]}_checkpoint" for need in self.parts}
        options = {k: v for k, v in entry_section(self.options).items() if k not in named_apart}
        told = {self.role: options, **identity.entry_facts(self.run, self.role, self.kind, self.name)}
        if self.has_network:
            told |= {**identity.chosen_facts(self.run, "model"), "weights": self._weights_identity()}
        for need, part in self.parts.items():
            role = NAMED_BY_OPTIONS[need]
            told |= identity.entry_facts(self.run, role, need, part.name)
            if part.has_network:
                told[f"{role}.weights"] = part.checkpoint.fingerprint.hex()
        return told


class UpscalerSelection(Selection[hooks.UpscalerEntry[Any]]):
    """The upscaler of a run, or of a codec. A run's own may have weights of another kind of file, or fresh ones."""

    kind = "upscaler"

    @property
    def fingerprint(self) -> bytes:
        """Fingerprint of its network."""
        return self.checkpoint.fingerprint if self.has_network else b""

    @property
    def decodes(self) -> list[Any]:
        """What a codec around it says of it in its fingerprint."""
        section = entry_section(self.options)
        return [json.dumps([self.name, section, self.fingerprint.hex()], sort_keys=True)]

    def build(self) -> hooks.Upscaler:
        """Build it; raises `CheckpointError` as `core.training.checkpoint.load_weights`."""
        components = [self.network] if self.has_network else []
        with self._backend():
            return self.entry.build(self.options, *components)


class CodecSelection(Selection[hooks.CodecEntry[Any]]):
    """The codec of a run, or the one within it."""

    kind = "codec"

    def __init__(
        self, run: Run, role: str, entry: hooks.CodecEntry[Any], options: Any, weights: str | Path | None
    ) -> None:
        super().__init__(run, role, entry, options, weights)
        self._parts = {need: self._within(need) for need in NAMED_BY_OPTIONS if need in entry.needs}

    @property
    def parts(self) -> Mapping[hooks.Need, CodecSelection | UpscalerSelection]:
        """The codec and the upscaler within it."""
        return self._parts

    @property
    def inner(self) -> CodecSelection | None:
        """The codec within it."""
        return cast("CodecSelection | None", self._parts.get("codec"))

    @property
    def is_conventional(self) -> bool:
        """Whether it brings streams of its own and decides where intra frames stand."""
        return not self.entry.needs

    @property
    def axes(self) -> dict[str, str]:
        """Its class among codecs."""
        around = self.inner.axes if self.inner else {}
        direction = self.entry.direction
        if not isinstance(direction, hooks.Direction):
            told = direction(self.options)
            direction = told or hooks.Direction(around["direction"])
        coding, supervision = self.entry.coding, self.entry.supervision
        return {
            "kind": "learned" if self.computes else "conventional",
            "coding": coding.value if coding else around["coding"],
            "supervision": supervision.value if supervision else around["supervision"],
            "direction": direction.value,
        }

    @cached_property
    def intra(self) -> NamedIntraCodec | None:
        """The picture codec of its intra frames, built once; None where it codes these itself."""
        return self.run.intra() if "intra" in self.entry.needs else None

    @property
    def intra_name(self) -> str | None:
        """Name of the picture codec of intra frames, also of those of the codec within."""
        if "intra" in self.entry.needs:
            return self.run.entry("intra", hooks.IntraEntry).name
        return self.inner.intra_name if self.inner else None

    @cached_property
    def fingerprint(self) -> bytes:
        """Fingerprint of what decodes its streams: weights and tables, also of a picture codec, or what a
        conventional one needs."""
        from core.coding.codec import join_fingerprints

        if self.is_conventional:
            return cast(hooks.ConventionalCodec, self.build()).fingerprint
        own = self.checkpoint.fingerprint if self.has_network else b""
        if self.intra is not None:
            own = join_fingerprints(own, self.intra.fingerprint)
        if not self.parts and not self.entry.decoding:
            return own
        around = [value for part in self.parts.values() for value in part.decodes]
        options = [getattr(self.options, name) for name in self.entry.decoding]
        told = json.dumps([*([own.hex()] if own else []), *around, *options])
        return hashlib.sha256(told.encode()).digest()[:16]

    @property
    def decodes(self) -> list[Any]:
        """What a codec around it says of it in its fingerprint."""
        return [self.name, self.fingerprint.hex()]

    def load(self, streams: bool = False) -> LoadedCodec:
        """Build it as its checkpoint has it, to make or read whole ``streams`` or for clips.

        Raises `ConfigError` or `CheckpointError` as `checkpoint`; `ConfigError` also where clips are to have a rate.
        """
        from core.coding.codec import EXACT, LoadedCodec

        if any(self.options.goal) and not streams:
            raise ConfigError(
                "codec.bitrate and codec.size are for task=encode: measure a codec at the qualities that its options "
                "have."
            )

        conventional, fingerprint = self.is_conventional, self.fingerprint
        return LoadedCodec(
            name=self.name,
            codec=self.build(),
            fingerprint=fingerprint,
            intra=self.intra_name,
            gop=self.options.gop,
            scene_cut=not conventional and getattr(self.options, "scene_cut", False),
            arithmetic=EXACT if conventional else self.run.arithmetic,
            places_intra=conventional and not getattr(self.options, "closed", False),
            parts=tuple(part.role for part in self.parts.values()),
            identity=self.identity(),
        )

    def build(self, network: nn.Cell | None = None) -> hooks.Codec:
        """The codec over the network and tables of its checkpoint; or over ``network``, with tables made of that."""
        components: list[Any] = []
        if network is not None:
            components = [network, self.tables_of(network)]
        elif self.has_network:
            components = [self.network, self.checkpoint.tables if self.entry.tables else {}]
        if self.intra is not None:
            components.append(self.intra)
        components += [part.build() for part in self.parts.values()]
        with self._backend():
            return self.entry.build(self.options, *components)

    @property
    def is_trained(self) -> bool:
        """Whether its checkpoint is given and has the tables that it codes by."""
        from core.training.checkpoint import TABLES

        return self._has_checkpoint and bool(self.checkpoint.part(TABLES) or not self.entry.tables)

    def tables_of(self, network: nn.Cell) -> hooks.Tables:
        """The integer tables by which it codes with a network; none where it has none."""
        return self.entry.tables(network) if self.entry.tables else {}

    def missing_parts(self) -> str:
        """See `Selection.missing_parts`; files that the picture codec of intra frames reads are among them."""
        return super().missing_parts() or next(filter(None, self._missing_intra()), "")

    def _missing_intra(self) -> Iterator[str]:
        if "intra" in self.entry.needs:
            options = self.run.settings.intra
            for name, option in path_options(type(options)):
                value = attrgetter(name)(options)
                yield from map(_absent, value if option.many else [value])

    def _facts(self) -> dict[str, Any]:
        has_intra = self.intra_name is not None
        return {**super()._facts(), **(identity.chosen_facts(self.run, "intra") if has_intra else {})}

    def _within(self, need: hooks.Need) -> CodecSelection | UpscalerSelection:
        """What the options name; raises `ConfigError` where that cannot be."""
        option = NAMED_BY_OPTIONS[need]
        role, name = f"{self.role}.{option}", getattr(self.options, option)
        given: dict[str, Any] = getattr(self.options, f"{option}_options")
        weights: str | None = getattr(self.options, f"{option}_checkpoint")
        entry: Any = self.run.registry.find(need, name)
        if "codec" in entry.needs:
            raise ConfigError(f"{role}={name} is no codec of its own: give another one.")
        if weights and "network" not in entry.needs:
            raise ConfigError(f"{role}={name} has no network: leave {role}_checkpoint out.")
        if need == "upscaler":
            return UpscalerSelection(self.run, role, entry, options_of(entry, given, role), weights)
        options = options_of(entry, {"gop": self.options.gop, **given}, role)
        return CodecSelection(self.run, role, entry, options, weights)


def _absent(path: str | None) -> str:
    if not path or Path(path).exists():
        return ""
    return f"there is no checkpoint {path}: train it, or give another one."


def options_of(entry: hooks.Entry[Any], given: Mapping[str, Any], role: str) -> Any:
    """An entry's options, with some of them given by ``{role}_options``; raises `ConfigError` where they cannot be."""
    try:
        return OmegaConf.to_object(OmegaConf.merge(OmegaConf.structured(entry.config), given))
    except (OmegaConfBaseException, ValueError) as error:
        raise ConfigError(f"{role}_options: {explain(error)}") from None
