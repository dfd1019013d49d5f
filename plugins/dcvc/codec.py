"""DCVC's way to packets and back: intra packets hold another codec's pictures, inter packets motion and content.

The context models, which give every symbol its distribution, run in fixed point (`core.symbols.autoregressive`), which
a float network cannot stand in for; where streams are to be portable, what they are told of hyper-latents as well. All
else between pictures and symbols is in the stages.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from mindspore import Tensor

from core.codec import Latents, Made, PacketReader, PacketWriter, PredictiveCodec, stage
from core.hooks import IntraCodec, Part, Plane, Tables
from core.nn import SPYNET_LEVELS, Stage

from .cells import MULTIPLE, Dcvc
from .config import DcvcCodecConfig, Quantize

Side = Callable[..., Tensor]
"""Symbols of a hyper-latent, and the temporal prior if any, to all that is known of the latent."""
_CONVENTIONS = tuple(Quantize)
"""Conventions by the number that an inter packet begins with."""
_LATENT = 16
"""How many times smaller the latents of motion and content are."""
_HALO = 3
"""Rows of a latent beyond which no part of the network that is computed in strips can see: 48 pixels."""

_FRAME, _REFERENCE, _WARPED = Plane("frame", 3), Plane("reference", 3), Plane("warped", 3)
_FLOW, _MOTION = Plane("flow", 2), Plane("motion", 2)
_MOTION_LATENT, _LATENT_PLANE = Plane("latent", "motion", _LATENT), Plane("latent", "latent", _LATENT)
_Z, _TEMPORAL = Plane("z", "hyper", MULTIPLE), Plane("temporal", "latent", _LATENT)
_FEATURES, _MOVED, _CONTEXT = (Plane(name, "features") for name in ("features", "moved", "context"))


class CoarseFlow(Stage):
    """A frame and its reference, N,3,H,W, to flow, N,2,H,W, all but refined, and the reference warped by it."""

    inputs, outputs = (_FRAME, _REFERENCE), ("flow", "warped")

    def construct(self, frame: Tensor, reference: Tensor) -> tuple[Tensor, Tensor]:
        spynet = self.network.spynet
        return spynet.levels[SPYNET_LEVELS - 1].displace(reference, spynet.coarse(frame, reference))


class MotionAnalysis(Stage):
    """A frame, its warped reference and the flow to the motion's latent, N,C,H/16,W/16, alone."""

    inputs, outputs = (_FRAME, _WARPED, _FLOW), ("latent",)

    def construct(self, frame: Tensor, warped: Tensor, flow: Tensor) -> tuple[Tensor]:
        flow = self.network.spynet.levels[SPYNET_LEVELS - 1].refine(frame, warped, flow)
        return (self.network.motion.analysis(flow),)


class MotionHyper(Stage):
    """The motion's latent to its hyper-latent's symbols."""

    inputs, outputs = (_MOTION_LATENT,), ("z",)

    def construct(self, latent: Tensor) -> Tensor:
        return self.network.motion.prior.hyper_symbols(latent)


class Features(Stage):
    """The motion's decoded latent and the reference to motion, N,2,H,W, and features of the reference, N,F,H,W."""

    inputs, outputs = (_MOTION_LATENT, _REFERENCE), ("motion", "features")

    def construct(self, latent: Tensor, reference: Tensor) -> tuple[Tensor, Tensor]:
        return self.network.motion.decode(latent, reference), self.network.features(reference)


class Displacement(Stage):
    """Motion and features of the reference to the features moved, N,F,H,W."""

    inputs, outputs = (_MOTION, _FEATURES), ("moved",)

    def construct(self, motion: Tensor, features: Tensor) -> Tensor:
        return self.network.warp(features, motion)


class Context(Stage):
    """Moved features to the context, N,F,H,W, and the temporal prior, N,latent,H/16,W/16, where there is one."""

    inputs = (_MOVED,)

    @property
    def outputs(self) -> Sequence[str]:  # type: ignore[override]
        return ("context",) if self.network.config.portable else ("context", "temporal")

    def construct(self, moved: Tensor) -> tuple[Tensor, ...]:
        context = self.network.context_refinement(moved)
        return (context,) + self.network.contextual.expectation(context)


class ContentAnalysis(Stage):
    """A frame and its context to the content's latent, N,latent,H/16,W/16, alone."""

    inputs, outputs = (_FRAME, _CONTEXT), ("latent",)

    def construct(self, frame: Tensor, context: Tensor) -> tuple[Tensor]:
        return (self.network.contextual.encode(frame, context),)


class ContentHyper(Stage):
    """The content's latent to its hyper-latent's symbols."""

    inputs, outputs = (_LATENT_PLANE,), ("z",)

    def construct(self, latent: Tensor) -> Tensor:
        return self.network.contextual.prior.hyper_symbols(latent)


class ContentSynthesis(Stage):
    """The content's decoded latent and its context to the frame alone."""

    inputs, outputs = (_LATENT_PLANE, _CONTEXT), ("frame",)

    def construct(self, latent: Tensor, context: Tensor) -> tuple[Tensor]:
        return (self.network.contextual.decode(latent, context),)


class MotionSide(Stage):
    """The hyper-latent's symbols to all that is known of the motion's latent."""

    inputs, outputs = (_Z,), ("side",)

    def construct(self, z: Tensor) -> Tensor:
        return self.network.motion.prior.side(z)


class ContentSide(Stage):
    """The hyper-latent's symbols and the temporal prior to all that is known of the content's latent."""

    inputs, outputs = (_Z, _TEMPORAL), ("side",)

    def construct(self, z: Tensor, temporal: Tensor) -> Tensor:
        return self.network.contextual.prior.side(z, temporal)


class DcvcCodec(PredictiveCodec):
    """The codec of a trained `Dcvc`."""

    multiple = MULTIPLE
    inputs = _FRAME, _REFERENCE
    outputs = (
        *("reconstruction", "flow", "motion"),
        *("motion_bits", "motion_hyper_bits", "content_bits", "content_hyper_bits"),
    )

    coarse_flow = stage(CoarseFlow)
    motion_analysis = stage(MotionAnalysis, _HALO, unit=_LATENT)
    motion_hyper = stage(MotionHyper)
    features = stage(Features, _HALO)
    displacement = stage(Displacement)
    context = stage(Context, _HALO, unit=_LATENT)
    content_analysis = stage(ContentAnalysis, _HALO, unit=_LATENT)
    content_hyper = stage(ContentHyper)
    content_synthesis = stage(ContentSynthesis, _HALO)
    motion_side: Side = stage(MotionSide)
    content_side: Side = stage(ContentSide)

    def __init__(self, config: DcvcCodecConfig, network: Dcvc, tables: Tables, intra: IntraCodec) -> None:
        super().__init__(config, network, tables, intra)
        if network.config.portable:
            self.motion_side = network.motion.prior.exact_side(tables, "motion")
            self.content_side = network.contextual.prior.exact_side(tables, "contextual")

    @staticmethod
    def latents(network: Dcvc) -> Latents:
        motion, content = network.motion.prior, network.contextual.prior
        return {
            "motion.hyper": (motion.prior, MULTIPLE),
            "motion": (motion, _LATENT),
            "contextual.hyper": (content.prior, MULTIPLE),
            "contextual": (content, _LATENT),
        }

    @classmethod
    def parts(cls, network: Dcvc) -> Sequence[Part]:
        """The parts without what hyper-latents tell, where that is computed in integers."""
        parts = super().parts(network)
        return [part for part in parts if not (network.config.portable and part.name.endswith("_side"))]

    def encode(self, frame: Tensor, reference: Tensor, packet: PacketWriter) -> Made:
        whole = self.config.quantize is Quantize.forward
        packet.write_number(_CONVENTIONS.index(self.config.quantize), range(len(_CONVENTIONS)))

        flow, warped = self.coarse_flow(frame, reference)
        (y,) = self.motion_analysis(frame, warped, flow)
        side = self.motion_side(packet.write("motion.hyper", self.motion_hyper(y)))
        motion = packet.write("motion", y, side, whole)

        context, *temporal = self.predict(motion, reference)
        (y,) = self.content_analysis(frame, context)
        side = self.content_side(packet.write("contextual.hyper", self.content_hyper(y)), *temporal)
        content = packet.write("contextual", y, side, whole)
        return self.content_synthesis(content, context)[0]

    def decode(self, packet: PacketReader, reference: Tensor) -> Made:
        whole = _CONVENTIONS[packet.read_number(range(len(_CONVENTIONS)))] is Quantize.forward

        side = self.motion_side(packet.read("motion.hyper"))
        motion = packet.read("motion", side, whole)

        context, *temporal = self.predict(motion, reference)
        side = self.content_side(packet.read("contextual.hyper"), *temporal)
        content = packet.read("contextual", side, whole)
        return self.content_synthesis(content, context)[0]

    def predict(self, motion: Tensor, reference: Tensor) -> tuple[Tensor, ...]:
        """The motion's decoded latent and the reference to the context, 1,F,H,W, and the temporal prior if any."""
        return self.context(self.displacement(*self.features(motion, reference)))
