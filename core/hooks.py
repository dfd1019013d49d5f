"""The contract between core and its plugins: what a plugin may offer.

A plugin is named by an entry point of group ``mindvideo.plugins``: an object `Plugin` made of its entries, or a module
with functions that are hook implementations. *Entries* (`core.entries`) are frozen records that carry a name, a
dataclass of options and a function that builds the thing from its options; `core.interfaces` says what the things do.
Plugins import all of it from here. Nothing here, and nothing at the top of a plugin's module, imports MindSpore:
``--help``, shell completion and configuration errors must be fast.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib.util import find_spec
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import pluggy

from core.entries import HOOK_OF_KIND as HOOK_OF_KIND
from core.entries import KINDS as KINDS
from core.entries import CodecConfig as CodecConfig
from core.entries import CodecEntry as CodecEntry
from core.entries import Coding as Coding
from core.entries import DatasetEntry as DatasetEntry
from core.entries import DeviceEntry as DeviceEntry
from core.entries import Direction as Direction
from core.entries import Entry as Entry
from core.entries import FilePath as FilePath
from core.entries import GopConfig as GopConfig
from core.entries import IntraEntry as IntraEntry
from core.entries import LossEntry as LossEntry
from core.entries import MetricEntry as MetricEntry
from core.entries import ModelEntry as ModelEntry
from core.entries import Need as Need
from core.entries import OptimizerEntry as OptimizerEntry
from core.entries import Part as Part
from core.entries import Plane as Plane
from core.entries import PublishedTensor as PublishedTensor
from core.entries import PublishedWeights as PublishedWeights
from core.entries import StepEntry as StepEntry
from core.entries import Supervision as Supervision
from core.entries import TaskEntry as TaskEntry
from core.entries import UpscalerEntry as UpscalerEntry
from core.entries import WeightsEntry as WeightsEntry
from core.interfaces import Array as Array
from core.interfaces import ClipSource as ClipSource
from core.interfaces import Codec as Codec
from core.interfaces import CodedFrame as CodedFrame
from core.interfaces import ConventionalCodec as ConventionalCodec
from core.interfaces import DecodedFrame as DecodedFrame
from core.interfaces import Device as Device
from core.interfaces import FetchesLate as FetchesLate
from core.interfaces import FrameDecoder as FrameDecoder
from core.interfaces import FrameEncoder as FrameEncoder
from core.interfaces import HasQualities as HasQualities
from core.interfaces import InterLoss as InterLoss
from core.interfaces import IntraCodec as IntraCodec
from core.interfaces import KnowsRates as KnowsRates
from core.interfaces import NamesOutputs as NamesOutputs
from core.interfaces import Output as Output
from core.interfaces import Packet as Packet
from core.interfaces import PacketType as PacketType
from core.interfaces import Picture as Picture
from core.interfaces import PictureFormat as PictureFormat
from core.interfaces import Qualities as Qualities
from core.interfaces import Resumable as Resumable
from core.interfaces import Split as Split
from core.interfaces import Tables as Tables
from core.interfaces import Threaded as Threaded
from core.interfaces import Upscaler as Upscaler
from core.interfaces import fetch_period as fetch_period
from core.options import Options as Options
from core.options import option as option

if TYPE_CHECKING:
    from mindspore.train import Callback

    from core.run import Run

PROJECT = "mindvideo"
HOOK_API = 2
"""Version of this contract. A plugin that is a module states the one it was written for as ``HOOK_API = 2``."""

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@dataclass(frozen=True)
class Lazy:
    """A function or class that is imported when it is first called; made by `lazy`."""

    target: str
    package: str | None

    def resolve(self) -> Callable[..., Any]:
        """Import it; raises ImportError or AttributeError when it is not there."""
        module, _, name = self.target.partition(":")
        return attrgetter(name)(importlib.import_module(module, self.package))

    def __call__(self, *arguments: Any) -> Any:
        return self.resolve()(*arguments)


def lazy(target: str) -> Lazy:
    """What ``.module:name`` names within the caller's package, to be imported when it is first called.

    By it a plugin names what builds its things without importing MindSpore. It is Python of the plugin's own: no
    configuration can name code. Raises ValueError for a target of another form.
    """
    if not all(target.partition(":")):
        raise ValueError(f"lazy('{target}') names nothing to call: write it as lazy('.module:name').")
    return Lazy(target, sys._getframe(1).f_globals["__package__"])


class Plugin:
    """A plugin that is made of its entries; its methods are hook implementations.

    There is one for each kind of entry, beside `weights`, `callbacks`, which calls what it is given with the run, and
    `config_package`: the package ``conf`` within that of the caller, where there is one.
    """

    HOOK_API = HOOK_API

    def __init__(
        self,
        *entries: Entry[Any] | WeightsEntry,
        callbacks: Callable[[Run], Iterable[Callback]] | None = None,
    ) -> None:
        for entry in entries:
            if not isinstance(entry, (*KINDS.values(), WeightsEntry)):
                raise TypeError(f"a Plugin is made of entries, and {entry!r} is none")
        scope = sys._getframe(1).f_globals
        self.__name__, self._package = scope["__name__"], scope["__package__"]
        self.entries, self._callbacks = entries, callbacks

    @hookimpl
    def weights(self) -> Iterable[WeightsEntry]:
        """Weights that have names."""
        return [entry for entry in self.entries if isinstance(entry, WeightsEntry)]

    @hookimpl
    def callbacks(self, run: Run) -> Iterable[Callback]:
        """Callbacks for training."""
        return self._callbacks(run) if self._callbacks else ()

    @hookimpl
    def config_package(self) -> str | None:
        """The package of YAML."""
        conf = f"{self._package}.conf"
        return conf if self._package and find_spec(conf) else None


def _offer(kind: str) -> Callable[[Plugin], Iterable[Entry[Any]]]:
    return hookimpl(lambda self: [entry for entry in self.entries if isinstance(entry, KINDS[kind])])


for _kind, _hook in HOOK_OF_KIND.items():
    setattr(Plugin, _hook, _offer(_kind))


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
    """Tasks of the command: ``task=<name>``."""


@hookspec
def weights() -> Iterable[WeightsEntry]:  # type: ignore[empty-body]
    """Trained weights that have names: ``task.checkpoint=<name>``."""


@hookspec
def callbacks(run: Run) -> Iterable[Callback]:  # type: ignore[empty-body]
    """MindSpore callbacks for training, added to core's own. ``run`` gives settings, output folder and rank."""


@hookspec
def config_package() -> str:  # type: ignore[empty-body]
    """Import name of the package that holds the plugin's YAML (``<plugin>.conf``): presets and experiments."""
