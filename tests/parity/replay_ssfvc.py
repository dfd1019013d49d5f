"""SSFVC: runs the frames of a fixture through the network and compares everything between picture and symbols."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import recipe_ssfvc
from fixture import Comparison, Fixture
from mindspore import Tensor, nn

from core.entropy.latents import HyperpriorLatent
from core.nn.warp import warp_volume
from core.testing.recipes import convert_weights, load_weights
from plugins.ssfvc.cells import Autoencoder, ScaleSpaceFlow
from plugins.ssfvc.config import SsfvcConfig
from plugins.ssfvc.scale_space import ScaleSpaceWarp
from plugins.ssfvc.weights import published

Arrays = Mapping[str, np.ndarray]
Record = dict[str, np.ndarray]

UNIT, FRAMES = "scale_space_unit", "frames"
_TENSORS = (2e-5, 1e-4)
_LIKELIHOODS = (1e-5, 1e-3)
_BITS = (0.0, 1e-4)
_EXACT = (0.0, 0.0)
"""Tolerances: absolute, and relative to the expected value."""


def configs(fixture: Fixture) -> list[str]:
    """Names of what the fixture can replay."""
    return ([UNIT] if fixture.under("unit_") else []) + [FRAMES]


def replay(fixture: Fixture, name: str) -> Iterator[Comparison]:
    """Every comparison of one configuration."""
    if name == UNIT:
        yield from _replay_unit(fixture.under("unit_"))
    else:
        yield from _replay_frames(fixture.arrays)


def build(latent: int) -> ScaleSpaceFlow:
    """The network with its name-seeded weights."""
    config = SsfvcConfig(latent=latent)
    network, mapping = ScaleSpaceFlow(config), published(config)
    shapes = {mapping.tensors[p.name].name: p.shape for p in network.get_parameters()}
    load_weights(network, convert_weights(mapping, recipe_ssfvc.weights(shapes)))
    return network.set_train(False)


def _replay_unit(unit: Arrays) -> Iterator[Comparison]:
    x, volume, flow, scale = (Tensor(unit[name][None]) for name in ("x", "volume", "flow", "scale"))
    yield _compare("unit_volume", ScaleSpaceWarp().stack(x).asnumpy()[0], unit["volume"], _TENSORS)
    yield _compare("unit_warped", warp_volume(volume, flow, scale).asnumpy()[0], unit["warped"], _TENSORS)


def _replay_frames(arrays: Arrays) -> Iterator[Comparison]:
    frames = arrays["frames_u8"].astype(np.float32) / np.float32(255)
    network = build(arrays["f0_img_y"].shape[0])
    recorder = _Recorder(network)
    reconstructions, bits = network(Tensor(frames[None]))
    expected_bits = 0.0
    for time, reconstruction in enumerate(reconstructions.asnumpy()[0]):
        parts = {"img": network.image} if time == 0 else {"motion": network.motion, "res": network.residual}
        for part, autoencoder in parts.items():
            prefix = f"f{time}_{part}_"
            record = recorder.latent(autoencoder, time)
            yield from _compare_latent(prefix, record, arrays)
            yield from _compare_coding(prefix, autoencoder.hyperprior, record, arrays)
            expected_bits += _bits(arrays, prefix)
        if time:
            motion, prediction = recorder.motion(network, time)
            yield _compare(f"f{time}_motion_info", motion, arrays[f"f{time}_motion_info"], _TENSORS)
            yield _compare(f"f{time}_x_pred", prediction, arrays[f"f{time}_x_pred"], _TENSORS)
        yield _compare(f"f{time}_x_hat", reconstruction, arrays[f"f{time}_x_hat"], _TENSORS)
    yield _compare("bits", bits.asnumpy(), np.asarray(expected_bits), _BITS)


def _compare_latent(prefix: str, record: Record, arrays: Arrays) -> Iterator[Comparison]:
    """What the network's own pass made of a latent."""
    for name in ("y", "z", "means", "scales"):
        yield _compare(prefix + name, record[name], arrays[prefix + name], _TENSORS)
    for name in ("lik_y", "lik_z"):
        yield _compare(prefix + name, record[name], arrays[prefix + name], _LIKELIHOODS)


def _compare_coding(
    prefix: str, hyperprior: HyperpriorLatent, record: Record, arrays: Arrays
) -> Iterator[Comparison]:
    """The symbols, and what they give back: the codec's side of the same latent."""
    z_symbols, y_symbols = hyperprior.symbols(Tensor(record["y"][None]))
    for name, symbols in (("sym_z", z_symbols), ("sym_y", y_symbols)):
        yield _compare(prefix + name, symbols.asnumpy()[0], arrays[prefix + name], _EXACT)
    restored = hyperprior.restore(z_symbols, y_symbols).asnumpy()[0]
    expected = arrays[prefix + "sym_y"] + arrays[prefix + "means"]
    yield _compare(prefix + "y restored", restored, expected, _TENSORS)
    information = hyperprior.information(z_symbols, y_symbols).asnumpy()
    yield _compare(prefix + "information", information, np.asarray(_bits(arrays, prefix)), _BITS)


def _bits(arrays: Arrays, prefix: str) -> float:
    return sum(-np.log2(arrays[prefix + name].astype(np.float64)).sum() for name in ("lik_y", "lik_z"))


def _compare(
    name: str, ours: np.ndarray, expected: np.ndarray, tolerances: tuple[float, float]
) -> Comparison:
    """Error and tolerance of the element whose error is the largest share of its tolerance."""
    absolute, relative = tolerances
    if ours.shape != expected.shape:
        return Comparison(name, expected.shape, float("inf"), absolute)
    errors = np.abs(ours.astype(np.float64) - expected).ravel()
    allowed = absolute + relative * np.abs(expected.astype(np.float64)).ravel()
    worst = (errors / np.maximum(allowed, np.finfo(np.float64).tiny)).argmax()
    return Comparison(name, expected.shape, float(errors[worst]), float(allowed[worst]))


class _Recorder:
    """Keeps what the parts of a network return, call by call."""

    def __init__(self, network: ScaleSpaceFlow) -> None:
        self.outputs: dict[int, list[Any]] = {}
        for part in (network.image, network.motion, network.residual):
            prior = part.hyperprior
            for cell in (part.analysis, part.synthesis, prior.analysis, prior.mean_synthesis):
                self._watch(cell)
            for cell in (prior.scale_synthesis, prior.prior, prior.conditional):
                self._watch(cell)
        self._watch(network.warp)

    def _watch(self, cell: nn.Cell) -> None:
        calls = self.outputs[id(cell)] = []

        def keep(_cell: nn.Cell, _inputs: Any, output: Any) -> None:
            calls.append(output)

        cell.register_forward_hook(keep)

    def _array(self, cell: nn.Cell, time: int) -> np.ndarray:
        """What a cell returned for a frame; of a pair (quantised, likelihood) the likelihood."""
        output = self.outputs[id(cell)][max(0, time - 1)]
        return (output[1] if isinstance(output, tuple) else output).asnumpy()[0]

    def latent(self, part: Autoencoder, time: int) -> Record:
        prior = part.hyperprior
        cells = {
            "y": part.analysis,
            "z": prior.analysis,
            "means": prior.mean_synthesis,
            "scales": prior.scale_synthesis,
            "lik_z": prior.prior,
            "lik_y": prior.conditional,
        }
        return {name: self._array(cell, time) for name, cell in cells.items()}

    def motion(self, network: ScaleSpaceFlow, time: int) -> tuple[np.ndarray, np.ndarray]:
        return self._array(network.motion.synthesis, time), self._array(network.warp, time)
