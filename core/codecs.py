"""How a run builds its codec: over a trained network, without one, or around another codec."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from core import hooks
from core.coding.entries import ResampledCodecConfig, ResampledCodecEntry
from core.config import entry_section, explain
from core.errors import ConfigError

if TYPE_CHECKING:
    from mindspore import nn

    from core.coding.codec import LoadedCodec
    from core.registry import Registry
    from core.run import Run
    from core.training.checkpoint import Checkpoint

E = TypeVar("E", bound=hooks.Entry[Any])

NO_CHECKPOINT = "no trained codec is given: train one (task=train), then task.checkpoint=FILE."


def load_codec(run: Run, weights: str | Path | None) -> LoadedCodec:
    """The codec that a run's settings choose; ``weights`` is its checkpoint (else ``settings.weights``)."""
    entry = run.entry("codec", hooks.CodecEntry)
    options = run.settings.codec
    if isinstance(entry, ResampledCodecEntry):
        return _resampled(run, entry, options)
    if isinstance(entry, hooks.ConventionalCodecEntry):
        return _conventional(entry, options)
    source = weights or run.settings.weights
    if not source:
        raise ConfigError(NO_CHECKPOINT)
    return _learned(run, entry, options, run.model(weights), run.checkpoint(source))


def axes(entry: hooks.CodecEntry[Any], options: Any, registry: Registry) -> dict[str, str]:
    """Where a codec stands among others."""
    placed, kind = entry, "learned"
    direction = entry.direction
    if isinstance(entry, ResampledCodecEntry):
        placed = _chosen(registry, "codec", options.inner, hooks.CodecEntry)
        direction = entry.direction if options.temporal else placed.direction
        conventional = options.upscaler_checkpoint is None and options.inner_checkpoint is None
        kind = "conventional" if conventional else kind
    elif isinstance(entry, hooks.ConventionalCodecEntry):
        kind = "conventional"
    return {
        "kind": kind,
        "coding": placed.coding.value,
        "supervision": placed.supervision.value,
        "direction": direction.value,
    }


def _conventional(entry: hooks.ConventionalCodecEntry[Any], options: Any) -> LoadedCodec:
    from core.coding.codec import EXACT, LoadedCodec

    codec = entry.build(options)
    return LoadedCodec(
        name=entry.name,
        codec=codec,
        fingerprint=codec.fingerprint,
        gop=options.gop,
        scene_cut=False,
        arithmetic=EXACT,
        places_intra=True,
    )


def _learned(
    run: Run, entry: hooks.CodecEntry[Any], options: Any, network: nn.Cell, checkpoint: Checkpoint
) -> LoadedCodec:
    from core.coding.codec import LoadedCodec, joined

    parts = (options, network, checkpoint.tables)
    fingerprint, intra = checkpoint.fingerprint, None
    if isinstance(entry, hooks.InterCodecEntry):
        pictures = run.intra()
        codec = entry.build(*parts, pictures)
        fingerprint, intra = joined(fingerprint, pictures.fingerprint), pictures.name
    else:
        codec = entry.build(*parts)
    return LoadedCodec(
        name=entry.name,
        codec=codec,
        fingerprint=fingerprint,
        intra=intra,
        gop=options.gop,
        scene_cut=options.scene_cut,
        arithmetic=run.arithmetic,
    )


def _resampled(run: Run, entry: ResampledCodecEntry, config: ResampledCodecConfig) -> LoadedCodec:
    parts = Resampling.of(config, run.registry)
    inner = parts.inner.load(run)
    return replace(
        inner,
        name=entry.name,
        codec=entry.build(config, inner.codec, parts.upscaler.build(run)),
        fingerprint=parts.fingerprint(inner.fingerprint),
        gop=config.gop,
        scene_cut=config.scene_cut,
        arithmetic=run.arithmetic,
        places_intra=False,
    )


@dataclass(frozen=True)
class _Part:
    """A codec or an upscaler that works within another codec: chosen and opened, but not built."""

    options: Any
    checkpoint: Checkpoint | None

    @property
    def section(self) -> dict[str, Any] | None:
        """Name and options of its network."""
        return self.checkpoint.model_section if self.checkpoint else None

    @property
    def parameters(self) -> int:
        """Numbers in its network."""
        return self.checkpoint.parameters if self.checkpoint else 0


@dataclass(frozen=True)
class InnerCodec(_Part):
    """The codec within a resampled one."""

    entry: hooks.CodecEntry[Any]

    @property
    def fingerprint(self) -> bytes:
        """What decodes its packets, but for a picture codec of intra frames."""
        if isinstance(self.entry, hooks.ConventionalCodecEntry):
            return self.entry.build(self.options).fingerprint
        assert self.checkpoint is not None
        return self.checkpoint.fingerprint

    def load(self, run: Run) -> LoadedCodec:
        """Build it."""
        if isinstance(self.entry, hooks.ConventionalCodecEntry):
            return _conventional(self.entry, self.options)
        assert self.checkpoint is not None
        return _learned(run, self.entry, self.options, run.network_of(self.checkpoint), self.checkpoint)


@dataclass(frozen=True)
class InnerUpscaler(_Part):
    """The upscaler within a resampled codec."""

    entry: hooks.UpscalerEntry[Any]

    @property
    def identity(self) -> str:
        """Tells it from all others."""
        weights = self.checkpoint.fingerprint.hex() if self.checkpoint else ""
        return json.dumps([self.entry.name, entry_section(self.options), weights], sort_keys=True)

    def build(self, run: Run) -> hooks.Upscaler:
        """Build it."""
        if isinstance(self.entry, hooks.ConventionalUpscalerEntry):
            return self.entry.build(self.options)
        assert self.checkpoint is not None
        return self.entry.build(self.options, run.network_of(self.checkpoint))


@dataclass(frozen=True)
class Resampling:
    """The parts of a resampled codec."""

    inner: InnerCodec
    upscaler: InnerUpscaler
    temporal: bool

    @classmethod
    def of(cls, config: ResampledCodecConfig, registry: Registry) -> Resampling:
        """What the options choose; raises `ConfigError` where that cannot be, `CheckpointError` as for any codec."""
        codec = _chosen(registry, "codec", config.inner, hooks.CodecEntry)
        if isinstance(codec, ResampledCodecEntry):
            raise ConfigError(f"codec.inner={config.inner} is no codec of its own: give another one.")
        coding = _options(codec, {"gop": config.gop, **config.inner_options}, "codec.inner_options")
        upscaler = _chosen(registry, "upscaler", config.upscaler, hooks.UpscalerEntry)
        upscaling = _options(upscaler, config.upscaler_options, "codec.upscaler_options")
        trained = (
            _opened(registry, "codec", codec, config.inner_checkpoint, "codec.inner"),
            _opened(registry, "upscaler", upscaler, config.upscaler_checkpoint, "codec.upscaler"),
        )
        inner = InnerCodec(coding, trained[0], codec)
        return cls(inner, InnerUpscaler(upscaling, trained[1], upscaler), config.temporal)

    def fingerprint(self, inner: bytes) -> bytes:
        """16 bytes that tell what decodes a stream; ``inner`` is the inner codec's, with its picture codec."""
        told = json.dumps([self.inner.entry.name, inner.hex(), self.upscaler.identity, self.temporal])
        return hashlib.sha256(told.encode()).digest()[:16]


def _chosen(registry: Registry, kind: str, name: str, record: type[E]) -> E:
    return cast(E, registry.find(kind, name))


def _options(entry: hooks.Entry[Any], given: Mapping[str, Any], key: str) -> Any:
    """An entry's options, with some of them given."""
    try:
        return OmegaConf.to_object(OmegaConf.merge(OmegaConf.structured(entry.config), given))
    except (OmegaConfBaseException, ValueError) as error:
        raise ConfigError(f"{key}: {explain(error)}") from None


def _opened(
    registry: Registry,
    kind: str,
    entry: hooks.CodecEntry[Any] | hooks.UpscalerEntry[Any],
    path: str | None,
    key: str,
) -> Checkpoint | None:
    """The checkpoint of a part, where it has one; its model must be of the plugin that offers the part."""
    from core.training.checkpoint import Checkpoint

    if not entry.takes_model:
        if path:
            raise ConfigError(f"{key}={entry.name} has no network: leave {key}_checkpoint out.")
        return None
    if not path:
        raise ConfigError(f"{key}={entry.name} needs a trained network: give {key}_checkpoint=FILE.")
    checkpoint = Checkpoint.open(Path(path))
    model = checkpoint.model_section["model"]
    if registry.owner("model", model) is not registry.owner(kind, entry.name):
        raise ConfigError(f"{path} holds a network of model={model}, which {key}={entry.name} does not take.")
    return checkpoint
