"""cheng2020-anchor: runs a fixture's picture through the network, as CompressAI estimates and as it codes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import recipe_cheng2020
from fixture import Comparison, Fixture, compare
from mindspore import Tensor

from core.entropy.conditional import bits
from core.testing.recipes import convert_weights, load_weights
from plugins.cheng2020.cells import Cheng2020
from plugins.cheng2020.codec import Cheng2020Codec
from plugins.cheng2020.config import Cheng2020CodecConfig, Cheng2020Config
from plugins.cheng2020.weights import published

Arrays = Mapping[str, np.ndarray]

FORWARD, CODEC = "forward", "codec"
_TOLERANCES = {
    "y": 2e-5,
    "z": 2e-5,
    "side": 5e-6,
    "means": 1e-5,
    "scales": 1e-5,
    "x_hat": 2e-6,
}
"""Largest absolute errors."""
_BITS = 1e-5
"""Of the estimated bits, relative."""
_CODED_TOLERANCES = {"ar_y_hat": 5e-5, "ar_x_hat": 2e-6}
"""Means are fixed-point numbers in real coding; a mean's error passes on to all that follow it."""
_BYTES = 16
"""Two published strings end with 8 bytes of state, or whole words; ours is one."""


def configs(fixture: Fixture) -> list[str]:
    """Names of what the fixture can replay."""
    return [FORWARD, CODEC]


def replay(fixture: Fixture, name: str) -> Iterator[Comparison]:
    """Every comparison of one configuration."""
    replayed = _replay_forward if name == FORWARD else _replay_codec
    yield from replayed(build(fixture.arrays), fixture.arrays)


def build(arrays: Arrays) -> Cheng2020:
    """The network with its name-seeded weights and the width that the fixture shows."""
    config = Cheng2020Config(channels=len(arrays["y"]))
    network, mapping = Cheng2020(config), published(config)
    shapes = {mapping.tensors[p.name].name: p.shape for p in network.get_parameters()}
    load_weights(network, convert_weights(mapping, recipe_cheng2020.weights(shapes)))
    return network.set_train(False)


def picture(arrays: Arrays) -> np.ndarray:
    """(3,H,W) in [0,1]."""
    return arrays["x_u8"].astype(np.float32) / np.float32(255)


def _replay_forward(network: Cheng2020, arrays: Arrays) -> Iterator[Comparison]:
    prior = network.prior
    x_hat, information = network(Tensor(picture(arrays)[None, None]))
    y = network.analysis(Tensor(picture(arrays)[None]))
    z = prior.analysis(y)
    z_hat, z_likelihood = prior.prior(z)
    side = prior.synthesis(z_hat)
    means, scales = prior.distributions(y.round(), side)
    ours = {"y": y, "z": z, "side": side, "means": means, "scales": scales, "x_hat": x_hat[0]}
    for name, tolerance in _TOLERANCES.items():
        yield compare(name, ours[name].asnumpy()[0], arrays[name], tolerance)
    z_bits = float(bits(z_likelihood))
    for name, value in (("bits_z", z_bits), ("bits_y", float(information) - z_bits)):
        expected = arrays[name]
        yield compare(name, np.array(value), expected, _BITS * float(expected))


def _replay_codec(network: Cheng2020, arrays: Arrays) -> Iterator[Comparison]:
    codec = Cheng2020Codec(Cheng2020CodecConfig(), network, Cheng2020Codec.tables(network))
    y, z = codec.analysis(Tensor(picture(arrays)[None]))
    packet = codec.writer()
    latent = packet.write("y", y, codec.side(packet.write("prior", z)))
    x_hat = codec.synthesis(latent)
    payload = packet.finish(x_hat).payload
    values = latent.asnumpy()[0]
    yield compare("symbols", np.rint(values - arrays["ar_y_hat"]), np.zeros_like(values), 0.0)
    ours = {"ar_y_hat": values, "ar_x_hat": x_hat.asnumpy()[0]}
    for name, tolerance in _CODED_TOLERANCES.items():
        yield compare(name, ours[name], arrays[name], tolerance)
    expected = arrays["bytes_y"] + arrays["bytes_z"]
    yield compare("bytes", np.array(len(payload)), expected, _BYTES)
    decoded = codec.decode_intra(codec.reader(payload, *arrays["x_u8"].shape[1:]))
    yield compare("decoded picture", decoded.asnumpy()[0], ours["ar_x_hat"], 0.0)
