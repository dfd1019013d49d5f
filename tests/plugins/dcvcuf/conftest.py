"""Networks small enough for seconds that the tests of DCVC-UF share: random weights whose latents are worth coding."""

import zlib

import numpy as np
import pytest
from mindspore import Tensor

from core.codec.decoded_pictures import DecodedPictures
from core.hooks import Packet, PacketType, PictureFormat
from core.testing.recipes import randomise, scale_values, set_values
from plugins.dcvcuf.config import DcvcUfConfig, DcvcUfIntraConfig
from plugins.dcvcuf.image import MULTIPLE, PictureNetwork
from plugins.dcvcuf.video import VideoNetwork

from ..codecs.material import build_frames, extreme_symbols, intra_codec

SMALLEST = {
    **{"features": 4, "latent": 4, "hyper": 2},
    **{"first": 1, "later": 1, "extractor": 1, "encoder": 2, "decoder": 1, "head": 1},
}
WIDTHS = {**SMALLEST, "features": 16, "latent": 8, "hyper": 4}


def build_network(seed=7, **options):
    """The video network for a seed, in evaluation mode."""
    network = VideoNetwork(DcvcUfConfig(**{**WIDTHS, **options})).set_train(False)
    _randomise(network, seed)
    scale_values(network.encoder.down.weight, 6)
    scale_values(network.hyper_encoder.conv[-1].down.weight, 3)
    for name, parameter in network.parameters_dict().items():
        if name.startswith("recon_head") and name.endswith(("head.weight", f"{network.config.head}.weight")):
            scale_values(parameter, 0.3)
    return network


def build_pictures(seed=7, **options):
    """The picture network for a seed, in evaluation mode."""
    widths = {"features": 16, "latent": 8, "hyper": 4, "encoder": 1, "decoder": 1}
    network = PictureNetwork(DcvcUfIntraConfig(**{**widths, **options})).set_train(False)
    _randomise(network, seed)
    scale_values(network.enc.enc_2[-1].weight, 6)
    return network


def _randomise(network, seed):
    qualities = np.linspace(0.6, 1.4, 64)[:, None]
    tables = {
        **{
            f"q_{name}": lambda noise: qualities + 0.1 * noise
            for name in ("encoder", "feature", "scale_enc", "scales")
        },
        **{f"q_{name}": lambda noise: qualities[::-1] + 0.1 * noise for name in ("decoder", "scale_dec")},
        "q_scale_y_enc": lambda noise: qualities + 0.1 * noise,
        "q_scale_y_dec": lambda noise: 1 / qualities + 0.1 * noise,
    }
    priors = {
        "h": lambda noise: 0.5 + 0.2 * noise,
        "b": lambda noise: 0.3 * noise,
        "a": lambda noise: 0.5 * noise,
    }
    randomise(network, seed, {**tables, **priors})
    for name, parameter in network.parameters_dict().items():
        if name.endswith(("dc.3.weight", "ffn.2.weight")):
            scale_values(parameter, 0.2)
    last = network.y_prior_fusion.conv[-1]
    parts = last.out_channels // network.config.latent
    set_values(last.bias, np.repeat([1.0, 0.8, 0.0][: parts - 1] + [0.0], network.config.latent))
    if network.latent is not None:
        last = network.latent.scales_of[-1]
        set_values(last.bias, np.full(last.out_channels, 1.0))


def forged(codec, rng, largest):
    """An intra and an inter packet of 40x24 pixels; most symbols are zero, some as large as can be.

    The inter packet is coded under the intra packet's picture, as what its last symbols mean depends on that.
    """
    format = PictureFormat(40, 24)
    picture_codec = intra_codec("png")
    intra = picture_codec.encode(build_frames(1, 24, 40)[0], format, 0)
    pictures = DecodedPictures(format, MULTIPLE)
    reference = pictures.reference(pictures.samples(picture_codec.decode(intra, format)))
    state = codec.state_of(Tensor(reference[None]))

    packet = codec.writer()
    quality, skip = codec.write_settings(packet)
    packet.write_number(0, range(2))
    _, _, temporal = codec.recall(state, quality)
    z = packet.write("z", Tensor(extreme_symbols(rng, (1, 2, 1, 1), largest)), quality)
    expected, _, means, scales = codec.expect(z, quality, temporal)
    y = Tensor(extreme_symbols(rng, (1, 4, 2, 3), largest))
    codec.write_latent(packet, y, skip, expected, means, scales)
    coded = packet.finish(None)
    inter = Packet(PacketType.INTER, 1, coded.payload, coded.symbols, 0)
    return Packet(PacketType.INTRA, 0, intra, zlib.crc32(intra), 0), inter


@pytest.fixture(scope="session")
def make():
    return build_network
