"""What of the network can leave MindSpore: all of it, and what lies between pictures, latents and side information.

The context model, which gives every symbol its distribution, runs in fixed point (`core.symbols.autoregressive`),
which a float network cannot stand in for.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from core.hooks import Part, Plane

from . import stages
from .cells import MULTIPLE

_FRAMES, _PICTURE = Plane("frames", 3, leading=(1, 1)), Plane("picture", 3)


def parts(network: Any) -> Sequence[Part]:
    """Of a `Cheng2020`."""
    channels = network.config.channels
    z, latent = Plane("z", channels, MULTIPLE), Plane("latent", channels, 16)
    made = (
        ("network", network, (_FRAMES,), ("reconstructions", "bits")),
        ("analysis", stages.Analysis(network), (_PICTURE,), ("y", "z")),
        ("side", stages.Side(network), (z,), ("side_information",)),
        ("synthesis", stages.Synthesis(network), (latent,), ("picture",)),
    )
    return [Part(name, cell, inputs, outputs, MULTIPLE) for name, cell, inputs, outputs in made]
