"""DCVC-UF: codes the frames of a fixture as the published code codes; `training_dcvc_uf` trains on them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

import numpy as np
import recipe_dcvc_uf
from fixture import Comparison, Fixture, compare
from mindspore import Tensor, nn, ops
from training_dcvc_uf import INTRA, RELATIVE, replay_training

from core.nn import crop_like, replicate_to_multiple
from core.symbols.tables import TableSet, fine_gaussian_tables
from core.testing.recipes import load_weights
from plugins.dcvcuf.codec import DcvcUfCodec, State
from plugins.dcvcuf.colour import to_rgb
from plugins.dcvcuf.config import (
    DcvcUfCodecConfig,
    DcvcUfConfig,
    DcvcUfIntraCodecConfig,
    DcvcUfIntraConfig,
    Structure,
)
from plugins.dcvcuf.image import PictureNetwork
from plugins.dcvcuf.parted import round_half_away
from plugins.dcvcuf.picture_codec import DcvcUfPictures
from plugins.dcvcuf.video import VideoNetwork
from plugins.dcvcuf.weights import published, published_intra

Arrays = Mapping[str, np.ndarray]

TRAIN, TABLES = "train", "tables"
_SHOWN = (0, 3, 7)
"""Frames of a chunk that fixtures hold."""
_CHUNKS = {"features": 512, "latent": 256}
_OPTIONS: dict[str, dict[str, Any]] = {
    "ld": {},
    "hts": {**_CHUNKS, "first": 4, "later": 6, "extractor": 5, "encoder": 6, "decoder": 7, "head": 3},
    "htl": {**_CHUNKS, "first": 3, "later": 10, "extractor": 2, "encoder": 7, "decoder": 11, "head": 5},
}
_TOLERANCES = {"z_q": 0.0, "y_q": 0.0, "coded_symbols": 0.0, "coded_index": 1.0}
"""Of what is whole; the index of a table may be its neighbour's where the scale is next to a threshold."""
_COUNTS = 6.0
"""Of 65536: published tables are computed in float32."""
_MAX_EXTENT = 8
"""Where published tables end; ours of y are wider then."""
_BYTES, _ESCAPE_BYTES = 16, 0.5
"""By how much our payload may be longer or shorter than the published string, and by how much more for each symbol
beyond its table, whose escape takes 0.3 bytes more here."""


def configs(fixture: Fixture) -> list[str]:
    """Names of what the fixture can replay."""
    cases = [
        name for name, value in fixture.manifest.items() if isinstance(value, dict) and "frames" in value
    ]
    tables = [TABLES] if "gauss_cdf" in fixture.arrays else []
    return cases + tables + ([TRAIN] if "training" in fixture.manifest else [])


def replay(fixture: Fixture, name: str) -> Iterator[Comparison]:
    """Every comparison of one configuration."""
    if name == TABLES:
        yield from _replay_tables(fixture)
    elif name == TRAIN:
        yield from replay_training(fixture, build)
    else:
        yield from _replay_case(fixture, name)


@lru_cache(maxsize=1)
def build(salt: str, kind: str) -> nn.Cell:
    """The network with its name-seeded weights: intra, ld, hts or htl."""
    if kind == INTRA:
        config = DcvcUfIntraConfig(portable=False)
        network, mapping = PictureNetwork(config), published_intra(config)
    else:
        options = DcvcUfConfig(structure=Structure(kind), portable=False, **_OPTIONS[kind])
        network, mapping = VideoNetwork(options), published(options)
    shapes = {mapping.tensors[p.name].name: p.shape for p in network.get_parameters()}
    made = recipe_dcvc_uf.weights(shapes, salt, kind)
    load_weights(network, {ours: made[tensor.name] for ours, tensor in mapping.tensors.items()})
    return network.set_train(False)


def planes_of(arrays: Arrays, prefix: str) -> Tensor:
    """Frames as the networks see them, N,3,H,W, padded to multiples of 16."""
    luma, chroma = (arrays[f"{prefix}_{name}"] for name in ("luma", "chroma"))
    if luma.ndim == 2:
        luma, chroma = luma[None], chroma[None]
    height, width = luma.shape[1:]
    full = chroma.repeat(2, 2).repeat(2, 3)[:, :, :height, :width]
    planes = np.concatenate((luma[:, None], full), 1).astype(np.float32) / np.float32(255) - np.float32(0.5)
    margins = ((0, 0), (0, 0), (0, -height % 16), (0, -width % 16))
    return Tensor(np.pad(planes, margins, mode="edge"))


def _replay_case(fixture: Fixture, name: str) -> Iterator[Comparison]:
    case, salt = fixture.manifest[name], fixture.manifest.get("weights_salt", "")
    kind = name if name in _OPTIONS else "ld"
    state: State | None = None
    for number, frame in enumerate(case["frames"]):
        tag = frame["tag"]
        expected = fixture.under(f"{tag}_")
        if kind == "ld" and number == 0:
            made = _code_picture(build(salt, INTRA), planes_of(fixture.arrays, tag), case)
            state = State(build(salt, kind).start(ops.clamp(made.pop("picture"), -0.5, 0.5)))
        else:
            network = build(salt, kind)
            if state is None:
                state = State(network.start(planes_of(fixture.arrays, f"{name}_ref")))
            resets = number in case["resets"]
            made, state = _code_frames(network, planes_of(fixture.arrays, tag), state, case, resets)
        length = made.pop("stream")
        yield from (_compare(f"{tag}_{key}", made.get(key), array) for key, array in _told(expected))
        apart = _BYTES + _ESCAPE_BYTES * _escapes(fixture, tag)
        yield compare(f"{tag} bytes", length, np.array(frame["stream_bytes"]), apart)
        for key in ("y_bits", "z_bits"):
            yield compare(f"{tag} {key}", made[key], np.array(frame[key]), 1e-4 * frame[key])


def _escapes(fixture: Fixture, tag: str) -> int:
    """How many of a frame's symbols lie beyond the published tables."""
    reach = (fixture.arrays["gauss_cdf_length"].astype(np.int64) - 3) // 2
    symbols, index = (fixture.arrays[f"{tag}_coded_{key}"].ravel() for key in ("symbols", "index"))
    return int((np.abs(symbols.astype(np.int64)) > reach[index]).sum())


def _told(expected: Arrays) -> Iterator[tuple[str, np.ndarray]]:
    inputs = ("luma", "chroma", "stream")
    return ((key, array) for key, array in expected.items() if key not in inputs)


def _compare(name: str, ours: np.ndarray | None, expected: np.ndarray) -> Comparison:
    key = name.split("_", 2)[2]
    largest = max(1.0, float(np.abs(expected.astype(np.float64)).max()))
    if ours is not None and expected.ndim == 3:
        ours = ours[: len(expected)]
    return compare(name, ours, expected, _TOLERANCES.get(key, RELATIVE * largest))


def _code_picture(network: PictureNetwork, picture: Tensor, case: Mapping[str, Any]) -> dict[str, Any]:
    codec = DcvcUfPictures(DcvcUfIntraCodecConfig(), network, DcvcUfPictures.tables(network))
    quality = case["qp_intra"]
    factors = {name: codec.factors(name, quality) for name in codec.factor_tables}
    y, z = codec.analysis(to_rgb(picture), factors["q_scale_enc"], factors["q_scale_y_enc"])
    packet = _Packet(codec, case["skip"])
    known = codec.expect(packet.write("z", z, quality), quality, *y.shape[2:])
    y_hat = packet.write_latent(y, *known)
    scaled = y_hat * factors["q_scale_y_dec"]
    made = network.synthesise(y_hat, factors["q_scale_y_dec"], factors["q_scale_dec"])
    unscaled = y.asnumpy() / factors["q_scale_y_enc"].asnumpy()
    return packet.record(network, by_steps=True) | {
        "y": unscaled[0],
        "z": network.hyper_enc(replicate_to_multiple(Tensor(unscaled), 4)).asnumpy()[0],
        "y_hat": scaled.asnumpy()[0],
        "params": known[0].asnumpy()[0],
        "x_hat_unclamped": made.asnumpy()[0],
        "picture": made,
    }


def _code_frames(
    network: VideoNetwork, frames: Tensor, state: State, case: Mapping[str, Any], resets: bool
) -> tuple[dict[str, Any], State]:
    codec = DcvcUfCodec(DcvcUfCodecConfig(), network, DcvcUfCodec.tables(network), NoIntra())
    quality = case["qp_inter"]
    memory, context, temporal = codec.recall(state, quality)
    y, z = codec.analysis(to_rgb(frames), context, codec.factors("q_encoder", quality))
    packet = _Packet(codec, case["skip"])
    z_symbols = packet.write("z", z, quality)
    expected, step, means, scales = codec.expect(z_symbols, quality, temporal)
    scaled = Tensor(y.asnumpy() / step.asnumpy())
    y_hat = packet.write_latent(scaled, expected, means, scales)
    features = codec.synthesis(y_hat, step, context, codec.factors("q_decoder", quality))
    shown = network.show(features).asnumpy()[0]
    if len(shown) > 3:
        shown = np.concatenate([shown[3 * index : 3 * index + 3] for index in _SHOWN])
    following = codec.next_state(state, features, memory, int(resets))
    made = packet.record(network, by_steps=network.config.structure is Structure.htl) | {
        "memory": memory.asnumpy()[0],
        "ctx": context.asnumpy()[0],
        "temporal": network.temporal_prior_encoder(memory).asnumpy()[0],
        "hyper": crop_like(network.hyper_decoder(z_symbols), y).asnumpy()[0],
        "params": expected.asnumpy()[0],
        "y": y.asnumpy()[0],
        "z": network.hyper_encoder(replicate_to_multiple(y, 4)).asnumpy()[0],
        "y_hat": (y_hat * step).asnumpy()[0],
        "feature": features.asnumpy()[0],
        "x_hat_unclamped": shown,
        "ref_after_reset": following.features.asnumpy()[0],
    }
    return made, following


class NoIntra:
    """In place of a picture codec: none is asked for."""

    fingerprint = b""


class _Packet:
    """A packet that keeps what is coded, and what was known of it."""

    def __init__(self, codec: Any, skip: float) -> None:
        self._codec, self._packet, self._skip = codec, codec.writer(), skip
        self._steps: list[tuple[np.ndarray, ...]] = []

    def write(self, name: str, latent: Tensor, quality: int) -> Tensor:
        self._z, self._quality = latent, quality
        return self._packet.write(name, latent, quality)

    def write_latent(self, latent: Tensor, expected: Tensor, means: np.ndarray, scales: np.ndarray) -> Tensor:
        conditional, parts = (
            self._codec.spatial.conditional,
            iter(self._codec.spatial.places(*means.shape[1:])),
        )

        def write(means: np.ndarray, scales: np.ndarray, coded: np.ndarray) -> Tensor:
            places = next(parts)
            symbols = np.where(coded, round_half_away(latent.asnumpy() - means), np.float32(0))
            self._steps.append((symbols[0], means[0] * places, scales[0] * places, coded))
            return self._packet.write("y", Tensor(symbols), coded, conditional.table_index(scales[0][coded]))

        return self._codec.in_parts(write, self._skip, expected, means, scales)

    def record(self, network: Any, by_steps: bool) -> dict[str, Any]:
        """What was coded; ``by_steps`` as four runs, each with its quarters of the channels laid over each other."""
        symbols, means, scales, coded = (sum(step[i] for step in self._steps) for i in range(4))
        runs = [(symbols, scales, coded > 0)]
        if by_steps:
            runs = [tuple(_folded(part) for part in (step[0], step[2], step[3])) for step in self._steps]
        places = [_channels_last(coded) > 0 for *_, coded in runs]
        of_symbols = [_channels_last(run[0])[place] for run, place in zip(runs, places, strict=True)]
        of_scales = [_channels_last(run[1])[place] for run, place in zip(runs, places, strict=True)]
        return {
            "z_q": self._z.asnumpy()[0],
            "y_q": symbols,
            "means": means,
            "scales": scales,
            "coded_symbols": np.concatenate(of_symbols),
            "coded_index": network.spatial.conditional.table_index(np.concatenate(of_scales)),
            "stream": np.array(len(self._packet.finish(None).payload)),
            "y_bits": network.spatial.bits(*(Tensor(x[None]) for x in (symbols, scales))).asnumpy()[0],
            "z_bits": network.bit_estimator_z.bits(
                self._z, Tensor(np.array([self._quality], np.int32))
            ).asnumpy()[0],
        }


def _folded(part: np.ndarray) -> np.ndarray:
    channels, height, width = part.shape
    return part.reshape(4, channels // 4, height, width).sum(0)


def _channels_last(part: np.ndarray) -> np.ndarray:
    return part.transpose(1, 2, 0)


def _replay_tables(fixture: Fixture) -> Iterator[Comparison]:
    """Tables as the published coder has them: symbols in the order 0, 1, -1, 2, -2, ..."""
    salt = fixture.manifest.get("weights_salt", "")
    yield _compare_tables("gauss_cdf", fine_gaussian_tables(), fixture.arrays, "gauss_cdf_length", 0)
    for name in sorted(fixture.arrays):
        kind, _, quality = name.partition("_z_cdf_")
        if quality.isdigit():
            tables = build(salt, kind).bit_estimator_z.table_set()
            length = f"{kind}_z_cdf_length_{quality}"
            yield _compare_tables(name, tables, fixture.arrays, length, int(quality))


def _compare_tables(name: str, tables: TableSet, arrays: Arrays, lengths: str, quality: int) -> Comparison:
    expected = arrays[name]
    first = quality * len(expected)
    ours = expected.copy()
    for row_, counts in enumerate(tables.frequencies[first : first + len(expected)]):
        extent = -int(tables.offsets[first + row_])
        if name == "gauss_cdf" and extent >= _MAX_EXTENT and arrays[lengths][row_] == 2 * _MAX_EXTENT + 3:
            continue
        alternating = np.append(0, np.stack((np.arange(1, extent + 1), -np.arange(1, extent + 1)), 1))
        cdf = np.append(0, np.cumsum(np.append(counts[alternating + extent], counts[-1])))
        if cdf.size != arrays[lengths][row_]:
            return Comparison(name, expected.shape, float("inf"), _COUNTS)
        ours[row_, : cdf.size] = cdf
    return compare(name, ours, expected, _COUNTS)
