"""The contract between core and its plugins: what a plugin may offer.

A plugin is a module with hook implementations, named by an entry point of group ``mindvideo.plugins``.
Each hook returns *entries* (`core.entries`): frozen records that carry a name, a dataclass of options and a function
that builds the thing from its options; `core.interfaces` says what the things do. Plugins import all of it from here.
Nothing here, and nothing at the top of a plugin module, imports MindSpore: ``--help``, shell completion and
configuration errors must be fast.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import pluggy

from core.entries import (
    KINDS,
    CodecConfig,
    CodecEntry,
    Coding,
    Components,
    DatasetEntry,
    DeviceEntry,
    Direction,
    Entry,
    FilePath,
    GopConfig,
    IntraEntry,
    LossEntry,
    MetricEntry,
    ModelEntry,
    Need,
    OptimizerEntry,
    Part,
    Plane,
    PublishedTensor,
    PublishedWeights,
    StepEntry,
    Supervision,
    TaskEntry,
    UpscalerEntry,
)
from core.interfaces import (
    Array,
    ClipSource,
    Codec,
    CodedFrame,
    ConventionalCodec,
    DecodedFrame,
    Device,
    FrameDecoder,
    FrameEncoder,
    IntraCodec,
    Output,
    Packet,
    PacketType,
    Picture,
    PictureFormat,
    Split,
    Tables,
    Upscaler,
)

if TYPE_CHECKING:
    from mindspore.train import Callback

    from core.run import Run

__all__ = [
    "HOOK_API",
    "KINDS",
    "PROJECT",
    "Array",
    "ClipSource",
    "Codec",
    "CodecConfig",
    "CodecEntry",
    "CodedFrame",
    "Coding",
    "Components",
    "ConventionalCodec",
    "DatasetEntry",
    "DecodedFrame",
    "Device",
    "DeviceEntry",
    "Direction",
    "Entry",
    "FilePath",
    "FrameDecoder",
    "FrameEncoder",
    "GopConfig",
    "IntraCodec",
    "IntraEntry",
    "LossEntry",
    "MetricEntry",
    "ModelEntry",
    "Need",
    "OptimizerEntry",
    "Output",
    "Packet",
    "PacketType",
    "Part",
    "Picture",
    "PictureFormat",
    "Plane",
    "PublishedTensor",
    "PublishedWeights",
    "Split",
    "StepEntry",
    "Supervision",
    "Tables",
    "TaskEntry",
    "Upscaler",
    "UpscalerEntry",
    "callbacks",
    "codecs",
    "config_package",
    "datasets",
    "devices",
    "hookimpl",
    "hookspec",
    "intra_codecs",
    "losses",
    "metrics",
    "models",
    "optimizers",
    "steps",
    "tasks",
    "upscalers",
]

PROJECT = "mindvideo"
HOOK_API = 2
"""Version of this contract. A plugin module states the one it was written for as ``HOOK_API = 2``."""

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec
def models() -> Iterable[ModelEntry[Any]]:  # type: ignore[empty-body]
    """Networks: ``model=<name>``."""


@hookspec
def losses() -> Iterable[LossEntry[Any]]:  # type: ignore[empty-body]
    """Training losses: ``loss=<name>``."""


@hookspec
def datasets() -> Iterable[DatasetEntry[Any]]:  # type: ignore[empty-body]
    """Data sets: ``dataset=<name>``."""


@hookspec
def metrics() -> Iterable[MetricEntry[Any]]:  # type: ignore[empty-body]
    """Quality measures, several at a time: ``metric=[<name>,<name>]``."""


@hookspec
def devices() -> Iterable[DeviceEntry[Any]]:  # type: ignore[empty-body]
    """Devices: ``device=<name>``."""


@hookspec
def optimizers() -> Iterable[OptimizerEntry[Any]]:  # type: ignore[empty-body]
    """Optimizers with their schedules: ``optimizer=<name>``."""


@hookspec
def steps() -> Iterable[StepEntry[Any]]:  # type: ignore[empty-body]
    """Training steps: ``step=<name>``."""


@hookspec
def upscalers() -> Iterable[UpscalerEntry[Any]]:  # type: ignore[empty-body]
    """Ways to upscale video with a trained network: ``upscaler=<name>``."""


@hookspec
def codecs() -> Iterable[CodecEntry[Any]]:  # type: ignore[empty-body]
    """Ways to code video with a trained network: ``codec=<name>``."""


@hookspec
def intra_codecs() -> Iterable[IntraEntry[Any]]:  # type: ignore[empty-body]
    """Picture codecs for the intra frames of codecs that code none: ``intra=<name>``."""


@hookspec
def tasks() -> Iterable[TaskEntry[Any]]:  # type: ignore[empty-body]
    """What the command can do: ``task=<name>``."""


@hookspec
def callbacks(run: Run) -> Iterable[Callback]:  # type: ignore[empty-body]
    """MindSpore callbacks for training, added to core's own. ``run`` gives settings, output folder and rank."""


@hookspec
def config_package() -> str:  # type: ignore[empty-body]
    """Import name of the package that holds the plugin's YAML (``<plugin>.conf``): presets and experiments."""
