"""What of the network can leave MindSpore: all of it, and what lies between pictures and symbols.

Which tables the residual's symbols are coded under follows from z in integers (`plugins.dvc.latents`), which a float
network cannot stand in for.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from core.hooks import Part, Plane

from . import stages
from .cells import MULTIPLE

_FRAME, _REFERENCE, _PREDICTION = Plane("frame", 3), Plane("reference", 3), Plane("prediction", 3)
_OUTPUTS = (
    *("reconstruction", "flow", "warped", "prediction"),
    *("motion_bits", "residual_bits", "hyper_bits"),
)


def parts(network: Any) -> Sequence[Part]:
    """Of a `Dvc`, which DVC-P's network is as well."""
    motion, y = Plane("motion", network.config.motion, 16), Plane("y", network.config.latent, 16)
    made = (
        ("network", network, (_FRAME, _REFERENCE), _OUTPUTS),
        ("motion_analysis", stages.MotionAnalysis(network), (_FRAME, _REFERENCE), ("motion",)),
        ("motion_synthesis", stages.MotionSynthesis(network), (motion, _REFERENCE), ("prediction",)),
        ("residual_analysis", stages.ResidualAnalysis(network), (_FRAME, _PREDICTION), ("z", "y")),
        ("residual_synthesis", stages.ResidualSynthesis(network), (y, _PREDICTION), ("frame",)),
    )
    return [Part(name, cell, inputs, outputs, MULTIPLE) for name, cell, inputs, outputs in made]
