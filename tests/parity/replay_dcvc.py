"""DCVC: runs the two frames of a fixture through the network, as the published code estimates and as it codes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import recipe_dcvc
from fixture import Comparison, Fixture, compare
from mindspore import Tensor, nn

from core.codec.intra import NamedIntraCodec
from core.media.png import Png
from core.symbols.coder import SymbolDecoder, SymbolEncoder
from core.testing.recipes import convert_weights, load_weights
from plugins.dcvc.cells import Dcvc
from plugins.dcvc.codec import DcvcCodec
from plugins.dcvc.config import DcvcCodecConfig, DcvcConfig
from plugins.dcvc.weights import published

Arrays = Mapping[str, np.ndarray]

FORWARD, CODEC = "forward", "codec"
STORED = 16
"""Channels of full-size features that fixtures hold."""

_TOLERANCES = {
    "fwd_flow": 6e-5,
    "fwd_mv_y": 4e-5,
    "fwd_mv_z": 4e-5,
    "fwd_mv_mean": 2e-5,
    "fwd_mv_scale": 2e-5,
    "fwd_mv_hat_coarse": 2e-5,
    "fwd_mv_hat": 2e-5,
    "fwd_context": 1e-5,
    "fwd_temporal_prior": 3e-5,
    "fwd_y": 3e-5,
    "fwd_z": 3e-5,
    "fwd_mean": 2e-5,
    "fwd_scale": 2e-5,
    "fwd_recon_feature": 3e-6,
    "fwd_recon": 2e-6,
}
"""Largest absolute errors: two to three times those that were seen, of all kernels and fixtures."""
_CODED_TOLERANCES = {
    "ar_mv_sym": 0.0,
    "ar_mv_scale": 5e-5,
    "ar_mv_hat_latent": 5e-5,
    "ar_mv": 1e-4,
    "ar_context": 1.5e-5,
    "ar_y": 4e-5,
    "ar_z": 3e-5,
    "ar_y_sym": 0.0,
    "ar_y_scale": 5e-5,
    "ar_y_hat": 5e-5,
    "ar_recon_unclamped": 2e-6,
}
"""The same of real coding, whose means are fixed-point numbers: a mean's error passes on to all that follow it."""
_BYTES = 12
"""Of a string: the published coder's ends with 8 bytes of state and is a whole number of words."""


def configs(fixture: Fixture) -> list[str]:
    """Names of what the fixture can replay."""
    return [FORWARD] + ([CODEC] if fixture.under("ar_") else [])


def replay(fixture: Fixture, name: str) -> Iterator[Comparison]:
    """Every comparison of one configuration."""
    replayed = _replay_forward if name == FORWARD else _replay_codec
    yield from replayed(build(fixture), fixture.arrays)


def build(fixture: Fixture) -> Dcvc:
    """The network with its name-seeded weights and the widths that the fixture shows or names."""
    shown = {"motion": "fwd_mv_y", "latent": "fwd_y", "hyper": "fwd_z"}
    widths = {option: len(fixture.arrays[name]) for option, name in shown.items()}
    config = DcvcConfig(**widths | fixture.manifest.get("widths", {}))
    network, mapping = Dcvc(config), published(config)
    shapes = {mapping.tensors[p.name].name: p.shape for p in network.get_parameters()}
    load_weights(network, convert_weights(mapping, recipe_dcvc.weights(shapes)))
    return network.set_train(False)


def frames(arrays: Arrays) -> tuple[Tensor, Tensor]:
    """The frame and its reference."""
    pictures = (arrays[name][None].astype(np.float32) / np.float32(255) for name in ("x_u8", "ref_u8"))
    frame, reference = (Tensor(picture) for picture in pictures)
    return frame, reference


def _replay_forward(network: Dcvc, arrays: Arrays) -> Iterator[Comparison]:
    recorder = _Recorder(network)
    reconstruction, (flow, motion), _ = network(*frames(arrays))
    ours = recorder.tensors()
    ours |= {"fwd_flow": flow, "fwd_mv_hat": motion, "fwd_recon": reconstruction}
    for part, prefix in (("mv parameters", "fwd_mv_"), ("parameters", "fwd_")):
        ours[f"{prefix}mean"], ours[f"{prefix}scale"] = ours.pop(part).chunk(2, 1)
    for name, tolerance in _TOLERANCES.items():
        yield compare(name, _stored(ours[name], arrays[name]), arrays[name], tolerance)


def _replay_codec(network: Dcvc, arrays: Arrays) -> Iterator[Comparison]:
    coding = NamedIntraCodec("png", Png(), {"png": Png})
    codec = DcvcCodec(DcvcCodecConfig(), network, DcvcCodec.tables(network), coding)
    frame, reference = frames(arrays)
    ours: dict[str, Any] = {}

    flow, warped = codec.coarse_flow(frame, reference)
    (y,) = codec.motion_analysis(frame, warped, flow)
    z = codec.motion_hyper(y)
    motion = _Strings(codec, "motion", y, z, codec.motion_side(z))
    ours |= {"ar_mv_sym": motion.symbols, "ar_mv_scale": motion.scales, "ar_mv_hat_latent": motion.values}
    ours["ar_mv"] = network.motion.decode(motion.values, reference)

    context, temporal = codec.predict(motion.values, reference)
    (y,) = codec.content_analysis(frame, context)
    z = codec.content_hyper(y)
    content = _Strings(codec, "contextual", y, z, codec.content_side(z, temporal))
    ours |= {"ar_context": context, "ar_y": y, "ar_z": network.contextual.prior.analysis(y)}
    ours |= {"ar_y_sym": content.symbols, "ar_y_scale": content.scales, "ar_y_hat": content.values}
    (ours["ar_recon_unclamped"],) = codec.content_synthesis(content.values, context)

    for name, tolerance in _CODED_TOLERANCES.items():
        yield compare(name, _stored(ours[name], arrays[name]), arrays[name], tolerance)
    yield from motion.compare(arrays, "mv_")
    yield from content.compare(arrays, "")


class _Strings:
    """A latent and its hyper-latent, coded by themselves."""

    def __init__(self, codec: DcvcCodec, name: str, y: Tensor, z: Tensor, side: Tensor) -> None:
        self._coder, self._side = codec.coded_latents[name].coder, side
        latent, hyper = SymbolEncoder(), SymbolEncoder()
        codec.coded_latents[f"{name}.hyper"].coder.encode(z, hyper)
        self.values, (self.symbols, self.scales) = self._coder.encode(y, latent, side)
        self._payloads = {"y": latent.finish(), "z": hyper.finish()}

    def compare(self, arrays: Arrays, prefix: str) -> Iterator[Comparison]:
        """Lengths of the strings; and what the latent's decodes to."""
        for name, payload in self._payloads.items():
            if f"bs_{prefix}{name}" in arrays:
                expected = arrays[f"bs_{prefix}{name}"].size
                name = f"bytes of {prefix}{name}"
                yield compare(name, np.array(len(payload)), np.array(expected), _BYTES)
        decoded = self._coder.decode(SymbolDecoder(self._payloads["y"]), 0, 0, self._side)
        yield compare(f"{prefix}y decoded", decoded.asnumpy(), self.values.asnumpy(), 0.0)


def _stored(ours: Any, expected: np.ndarray) -> np.ndarray:
    """Of the first picture, the channels that the fixture holds."""
    array = ours.asnumpy()[0] if isinstance(ours, Tensor) else ours
    return array[: len(expected)]


class _Recorder:
    """Keeps what comes out of the parts of a network."""

    def __init__(self, network: Dcvc) -> None:
        self._made: dict[str, Tensor] = {}
        motion, content = network.motion, network.contextual
        self._watch(motion.analysis, "fwd_mv_y")
        self._watch(motion.prior.analysis, "fwd_mv_z")
        self._watch(motion.prior.parameters_of, "mv parameters")
        self._watch(motion.synthesis, "fwd_mv_hat_coarse")
        self._watch(network.context_refinement, "fwd_context")
        self._watch(content.temporal, "fwd_temporal_prior")
        self._watch(content.analysis, "fwd_y")
        self._watch(content.prior.analysis, "fwd_z")
        self._watch(content.prior.parameters_of, "parameters")
        self._watch(content.synthesis, "fwd_recon_feature")

    def _watch(self, cell: nn.Cell, name: str) -> None:
        def keep(_cell: nn.Cell, _inputs: Any, output: Tensor) -> None:
            self._made[name] = output

        cell.register_forward_hook(keep)

    def tensors(self) -> dict[str, Tensor]:
        return dict(self._made)
