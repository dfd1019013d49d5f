"""What of the network can leave MindSpore: all of it, and what lies between pictures, latents and side information.

The context models, which give every symbol its distribution, run in fixed point (`core.symbols.autoregressive`), which
a float network cannot stand in for; where streams are to be portable, what they are told of hyper-latents as well.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from core.hooks import Part, Plane

from . import stages
from .cells import MULTIPLE

_FRAME, _REFERENCE = Plane("frame", 3), Plane("reference", 3)
_OUTPUTS = (
    *("reconstruction", "flow", "motion"),
    *("motion_bits", "motion_hyper_bits", "content_bits", "content_hyper_bits"),
)


def parts(network: Any) -> Sequence[Part]:
    """Of a `Dcvc`."""
    config = network.config
    motion_latent, latent = Plane("latent", config.motion, 16), Plane("latent", config.latent, 16)
    temporal, z = Plane("temporal", config.latent, 16), Plane("z", config.hyper, MULTIPLE)
    flow, motion, warped = Plane("flow", 2), Plane("motion", 2), Plane("warped", 3)
    features, moved, context = (Plane(name, config.features) for name in ("features", "moved", "context"))
    motion_prior, content_prior = network.motion.prior, network.contextual.prior
    sides = (
        ("motion_side", stages.MotionSide(network), (z,), ("side",)),
        ("content_side", stages.ContentSide(network), (z, temporal), ("side",)),
    )
    made = (
        ("network", network, (_FRAME, _REFERENCE), _OUTPUTS),
        ("coarse_flow", stages.CoarseFlow(network), (_FRAME, _REFERENCE), ("flow", "warped")),
        ("motion_analysis", stages.MotionAnalysis(network), (_FRAME, warped, flow), ("latent",)),
        ("motion_hyper", stages.HyperAnalysis(motion_prior), (motion_latent,), ("z",)),
        ("features", stages.Features(network), (motion_latent, _REFERENCE), ("motion", "features")),
        ("displacement", stages.Displacement(network), (motion, features), ("moved",)),
        (
            "context",
            stages.Context(network),
            (moved,),
            ("context",) if config.portable else ("context", "temporal"),
        ),
        ("content_analysis", stages.ContentAnalysis(network), (_FRAME, context), ("latent",)),
        ("content_hyper", stages.HyperAnalysis(content_prior), (latent,), ("z",)),
        ("content_synthesis", stages.ContentSynthesis(network), (latent, context), ("frame",)),
        *(() if config.portable else sides),
    )
    return [Part(name, cell, inputs, outputs, MULTIPLE) for name, cell, inputs, outputs in made]
