"""``task=profile``: time and memory of a network, cell by cell, and how they grow with the picture."""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from core.errors import ConfigError
from core.files import write_json
from core.hooks import FilePath, TaskEntry
from core.progress import Meter
from core.selection import CodecSelection, selection_of

if TYPE_CHECKING:
    from mindspore import nn

    from core.bench.profile import Work
    from core.run import Run

log = logging.getLogger(__name__)


@dataclass
class ProfileConfig:
    """Say where the time and memory of a codec's or an upscaler's network go, and how they grow with the picture."""

    checkpoint: FilePath | None = None
    """Trained network; by default the settings' ``weights``, or fresh ones, which take as long."""
    sizes: list[str] = field(default_factory=lambda: ["128x128", "192x192", "256x256", "384x384"])
    """Sizes of the pictures (of an upscaler's inputs), as 1920x1080."""
    compiled: bool = False
    """Also time the whole in graph mode, which compiles it once for each size."""

    def __post_init__(self) -> None:
        for size in self.sizes:
            if not re.fullmatch(r"[1-9]\d*x[1-9]\d*", size):
                raise ValueError(f"sizes: {size} is not a size such as 1920x1080.")
        if not self.sizes:
            raise ValueError("sizes is empty: give one or more, as [128x128,256x256].")


def _profile(config: ProfileConfig, run: Run) -> None:
    from core.bench.profile import profile
    from core.report.pictures import save_picture
    from core.report.profile import draw_profile, print_profile, to_json

    network, work, title = _work(config, run)
    sizes = [(int(width), int(height)) for width, height in (size.split("x") for size in config.sizes)]
    profiles = []
    with Meter("Profiling", len(sizes)) as meter:
        for one in profile(network, work, sizes, config.compiled):
            profiles.append(one)
            meter.advance(f"{one.width}x{one.height}: {one.seconds:.2f} s")
    print_profile(profiles, title)
    write_json(
        run.output / "profile.json", {"of": title, "device": run.device.description, **to_json(profiles)}
    )
    save_picture(draw_profile(profiles, title), run.output / "profile.png")
    log.info("Profile: %s", run.output / "profile.json")


def _work(config: ProfileConfig, run: Run) -> tuple[nn.Cell, Work, str]:
    """The network, what it is to compute, and what that is called."""
    from core.bench.profile import coding, upscaling

    run.backend = replace(run.backend, interpreted=0)  # what is timed in graph mode is compiled at once
    chosen = selection_of(run, config.checkpoint)
    if chosen is None:
        raise ConfigError("there is nothing to profile: give codec=… or upscaler=…, or an experiment=….")
    if not chosen.has_network:
        raise ConfigError(f"{chosen.name} has no network of its own: profile one that has.")
    network = chosen.network
    network.set_train(False)
    title = f"{chosen.role}={chosen.name}"
    if isinstance(chosen, CodecSelection):
        codec = chosen.build(None if chosen.is_trained else network)
        return network, coding(codec), f"{title}: an intra and an inter frame, encoded and decoded"
    return network, upscaling(chosen.build()), f"{title}: two frames of two"


PROFILE = TaskEntry(
    "profile",
    ProfileConfig,
    _profile,
    needs=("device",),
    takes=("codec", "upscaler"),
    positional=("task.checkpoint",),
)
