"""What of the network can leave MindSpore: all of it, for two frames, and what lies between pictures and symbols.

Which tables the symbols y are coded under follows from z in integers (`plugins.ssfvc.latents`), which a float network
cannot stand in for.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from core.hooks import Part, Plane

from . import stages
from .cells import MULTIPLE

_FRAMES = Plane("frames", 3, leading=(1, 2))
_FRAME, _REFERENCE, _PREDICTION = Plane("frame", 3), Plane("reference", 3), Plane("prediction", 3)


def parts(network: Any) -> Sequence[Part]:
    """Of a `ScaleSpaceFlow`."""
    latent = network.config.latent
    symbols = Plane("z", latent, MULTIPLE), Plane("y", latent, 16)
    motion = Plane("motion", latent, 16)
    made = (
        ("network", network, (_FRAMES,), ("reconstructions", "bits")),
        ("image_analysis", stages.ImageAnalysis(network), (_FRAME,), ("z", "y")),
        ("image_synthesis", stages.ImageSynthesis(network), symbols, ("frame",)),
        ("motion_analysis", stages.MotionAnalysis(network), (_FRAME, _REFERENCE), ("z", "y")),
        (
            "motion_synthesis",
            stages.MotionSynthesis(network),
            (*symbols, _REFERENCE),
            ("prediction", "motion"),
        ),
        ("residual_analysis", stages.ResidualAnalysis(network), (_FRAME, _PREDICTION), ("z", "y")),
        (
            "residual_synthesis",
            stages.ResidualSynthesis(network),
            (*symbols, _PREDICTION, motion),
            ("frame",),
        ),
    )
    return [Part(name, cell, inputs, outputs, MULTIPLE) for name, cell, inputs, outputs in made]
