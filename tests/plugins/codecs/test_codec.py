"""What codecs make of their networks, tables and options; that packets decode is tried in test_round_trip.py."""

import mindspore as ms
import numpy as np
import pytest
from mindspore import Tensor

from core.errors import CheckpointError
from core.hooks import Coding, PictureFormat, Supervision
from plugins.cheng2020 import plugin as cheng2020
from plugins.cheng2020.config import Cheng2020CodecConfig
from plugins.dcvc.config import DcvcCodecConfig
from plugins.dvc.config import DvcCodecConfig

from ..cheng2020.conftest import build_network as build_cheng2020
from .cases import CASES
from .material import build_frames, encoded, intra_codec, mode

PICTURES = {"dvc": (4, 64), "ssfvc": (3, 128)}
"""Codecs whose real coding computes what the network itself does; on how many frames of what side that is tried."""
DIVERGED = {
    "compact": [
        ("intra.head", np.inf, "latents"),
        ("inter.down.2.ffn", 1e12, "latents"),
        ("intra.tail", np.nan, "picture"),
    ],
    "dvc": [
        ("motion.analysis", np.inf, "latents"),
        ("residual.analysis", 1e12, "latents"),
        ("residual.synthesis", np.nan, "picture"),
    ],
    "dcvc": [
        ("motion.analysis", np.inf, "latents"),
        ("contextual.analysis", 1e12, "latents"),
        ("contextual.temporal", np.nan, "latents"),
        ("contextual.generation", np.nan, "picture"),
    ],
    "dcvcuf": [
        ("hyper_encoder.conv.2.conv.ffn", np.inf, "latents"),
        ("encoder.conv2.ffn", 1e12, "latents"),
        ("recon_head.conv.0.ffn", np.nan, "picture"),
    ],
    "ssfvc": [
        ("image.analysis", np.inf, "latents"),
        ("image.analysis", 1e12, "latents"),
        ("image.synthesis", np.nan, "picture"),
    ],
}
"""Which bias becomes what, and what is said of it."""
TABLES = {
    "compact": ["intra.hyper.tables", "inter.offsets", "laplace", "vectors.sizes"],
    "dvc": ["motion.prior", "residual.prior", "laplace", "residual.scales"],
    "dcvc": ["motion.hyper", "contextual.hyper", "laplace"],
    "dcvcuf": ["z", "fine_gaussian", "y.scales"],
    "ssfvc": ["motion.scales.form"],
}


def rows(table):
    """Name and row of each, for `parametrize`."""
    return [(name, *(row if isinstance(row, tuple) else [row])) for name in table for row in table[name]]


@pytest.mark.parametrize("name", PICTURES)
def test_pictures_are_those_of_the_network(name):
    """Each from the picture before, to less than a rounding step and a little."""
    case, (count, side) = CASES[name], PICTURES[name]
    network, frames = case.network(), build_frames(count, side, side)
    with mode(ms.GRAPH_MODE):
        coded = encoded(case.codec(), PictureFormat(side, side), frames, estimate=True)
    for number, item in enumerate(coded):
        before = None if number == 0 else Tensor(coded[number - 1].picture[None].astype(np.float32) / 255)
        with mode(ms.PYNATIVE_MODE):
            computed = case.tests.computed(network, Tensor(frames[number][None]), before)
        if computed is None:  # an intra frame, which another codec codes
            continue
        picture, bits = computed
        samples = 255 * np.clip(picture.asnumpy()[0], 0, 1)
        assert np.abs(item.picture - samples).max() < 0.51
        assert item.picture.std() > 5
        assert item.estimated_bits == pytest.approx(float(bits), rel=1e-5)
        # Random latents do not follow their priors; escapes cost less than their floor of 1e-9 says.
        assert 8 * len(item.packet.payload) == pytest.approx(item.estimated_bits, rel=0.15)


@pytest.mark.parametrize(("name", "part", "value", "words"), rows(DIVERGED))
def test_a_diverged_network_is_named(name, part, value, words):
    case = CASES[name]
    network = case.network()
    tables = case.entry.tables(network)
    bias = network.parameters_dict()[f"{part}{last_of(network, part)}.bias"]
    bias.set_data(Tensor(np.full(bias.shape, value, np.float32)))
    codec = case.codec(network, tables)
    with mode(ms.PYNATIVE_MODE), pytest.raises(CheckpointError, match=f"{words}.*diverged"):
        encoded(codec, PictureFormat(8, 8), build_frames(2, 8, 8))


def last_of(network, part):
    """Number of the last cell of a chain, after a dot; nothing where the part is a cell by itself."""
    parts = [
        name.removeprefix(f"{part}.").split(".")[0]
        for name in network.parameters_dict()
        if name.startswith(f"{part}.")
    ]
    return "" if "bias" in parts else f".{max(map(int, parts))}"


@pytest.mark.parametrize(("name", "table"), rows(TABLES))
def test_tables_are_checked(name, table):
    case = CASES[name]
    network = case.network()
    tables = {key: value for key, value in case.entry.tables(network).items() if not key.startswith(table)}
    with pytest.raises(CheckpointError, match=table.removesuffix(".form")):
        case.codec(network, tables)


@pytest.mark.parametrize("table", ["prior", "gaussian"])
def test_tables_of_a_picture_codec_are_checked(table):
    network = build_cheng2020()
    tables = {k: v for k, v in cheng2020.CODEC.tables(network).items() if not k.startswith(table)}
    with pytest.raises(CheckpointError, match=table):
        cheng2020.CODEC.build(Cheng2020CodecConfig(), network, tables)


@pytest.mark.parametrize("name", ["dvc", "dcvc"])
def test_intra_frames_without_loss(name):
    case = CASES[name]
    network, frames = case.network(), build_frames(1, 64, 64)
    tables = case.entry.tables(network)
    codec = case.entry.build(case.config, network, tables, intra_codec("png"))
    (item,) = encoded(codec, PictureFormat(64, 64), frames)
    np.testing.assert_array_equal(item.picture, np.rint(255 * frames[0]))
    assert item.packet.payload.startswith(b"\x03png")


@pytest.mark.parametrize("config", [DvcCodecConfig, DcvcCodecConfig])
@pytest.mark.parametrize(
    ("lmbda", "crf"), [(256, 29), (512, 26), (1024, 23), (2048, 20), (1, 51), (1 << 20, 0)]
)
def test_rate_factors_of_intra_frames(config, lmbda, crf):
    """As published for DVC, and beyond."""
    assert config(lmbda=float(lmbda)).crf == pytest.approx(crf)


@pytest.mark.parametrize(
    ("entry", "coding"),
    [
        (CASES["dvc"].entry, Coding.RESIDUAL),
        (CASES["dcvc"].entry, Coding.CONDITIONAL),
        (CASES["ssfvc"].entry, Coding.RESIDUAL),
        (cheng2020.CODEC, Coding.CONDITIONAL),
        (CASES["dcvcuf"].entry, Coding.CONDITIONAL),
    ],
    ids=lambda value: getattr(value, "name", None),
)
def test_where_they_stand_among_codecs(entry, coding):
    assert entry.coding is coding and entry.supervision is Supervision.OBJECTIVE
