"""Pictures to bytes and back: as frames of a stream of its own, and as intra frames of another codec."""

import mindspore as ms
import numpy as np
import pytest
from mindspore import Tensor

from core.config import entry_section
from core.errors import CheckpointError, StreamError
from core.hooks import Coding, PacketType, PictureFormat, Supervision
from core.training.checkpoint import MODEL, Checkpoint, tensors_of
from plugins.cheng2020.config import Cheng2020CodecConfig, Cheng2020Config, Cheng2020IntraConfig
from plugins.cheng2020.plugin import CODEC, INTRA

from ..codecs.material import build_frames, decoded, encoded, intra_codec, mode
from .conftest import build_network

FORMAT = PictureFormat(100, 44)


@pytest.fixture(scope="module", autouse=True)
def _graph_mode():
    with mode(ms.GRAPH_MODE):
        yield


@pytest.fixture(scope="module")
def network():
    return build_network()


@pytest.fixture(scope="module")
def write(tmp_path_factory, network):
    """A checkpoint of the network, of any model section."""

    def written(**section):
        section = {"model": "cheng2020", **entry_section(network.config), **section}
        path = tmp_path_factory.mktemp("weights") / "trained.safetensors"
        checkpoint = Checkpoint(path, tensors_of(network, MODEL), section, {}, {})
        checkpoint.with_tables(CODEC.tables(network)).save()
        return path

    return written


@pytest.fixture(scope="module")
def intra(write):
    return INTRA.build(Cheng2020IntraConfig(str(write())))


@pytest.fixture(scope="module")
def frames():
    return build_frames(2, 44, 100)


def test_round_trip(network, frames):
    """Every frame by itself, at a size that is padded; the decoder shows the encoder's pictures."""
    codec = CODEC.build(Cheng2020CodecConfig(), network, CODEC.tables(network))
    coded = encoded(codec, FORMAT, frames, estimate=True)
    assert [item.packet.type for item in coded] == [PacketType.INTRA] * 2
    for item in coded:
        assert item.picture.shape == (3, 44, 100) and item.picture.std() > 1
        assert 8 * len(item.packet.payload) == pytest.approx(item.estimated_bits, rel=0.1)
    shown = decoded(codec, FORMAT, [item.packet for item in coded[::-1]])
    for item, frame in zip(coded[::-1], shown, strict=True):
        np.testing.assert_array_equal(frame.picture, item.picture)


def test_real_coding_is_near_the_estimate(network, frames):
    """The estimate rounds y, real coding its distance from the mean."""
    codec = CODEC.build(Cheng2020CodecConfig(), network, CODEC.tables(network))
    (item,) = encoded(codec, PictureFormat(64, 64), build_frames(1, 64, 64), estimate=True)
    with mode(ms.PYNATIVE_MODE):
        _, bits = network(Tensor(build_frames(1, 64, 64)[None]))
    assert item.estimated_bits == pytest.approx(float(bits), rel=0.05)


def test_intra_frames(intra, write, frames):
    named = intra_codec("cheng2020", intra)
    payload = named.encode(frames[0], FORMAT, 20)
    assert payload.startswith(b"\x09cheng2020")
    other = intra_codec("cheng2020", INTRA.build(Cheng2020IntraConfig(str(write()))))
    picture = other.decode(payload, FORMAT)
    np.testing.assert_array_equal(named.decode(payload, FORMAT), picture)
    assert picture.shape == (3, 44, 100) and picture.std() > 0.004
    assert intra.fingerprint == Checkpoint.open(write()).fingerprint


def test_damage_is_a_stream_error(intra, frames):
    payload = intra.encode(frames[0], FORMAT, 20)
    rng = np.random.default_rng(2)
    tried = [b"", payload[:4], payload[: len(payload) // 2], payload[:4] + rng.bytes(300)]
    for at in rng.integers(0, len(payload) - 4, 20):
        tried.append(payload[:at] + bytes([payload[at] ^ 0x55]) + payload[at + 1 :])
    for data in tried:
        with pytest.raises(StreamError):
            intra.decode(data, FORMAT)


@pytest.mark.parametrize(
    ("section", "sentence"),
    [
        ({"model": "ssfvc"}, "a checkpoint of model=cheng2020 is needed"),
        ({"depth": 3}, "made for model=cheng2020 with options that this version does not take .*'depth'"),
    ],
)
def test_checkpoints_of_other_models_are_refused(write, section, sentence):
    with pytest.raises(CheckpointError, match=sentence):
        INTRA.build(Cheng2020IntraConfig(str(write(**section))))


@pytest.mark.parametrize("name", ["prior", "gaussian"])
def test_tables_are_checked(network, name):
    tables = {key: table for key, table in CODEC.tables(network).items() if not key.startswith(name)}
    with pytest.raises(CheckpointError, match=name):
        CODEC.build(Cheng2020CodecConfig(), network, tables)


def test_wrong_options_are_named():
    with pytest.raises(ValueError, match=r"codec\.gop"):
        Cheng2020CodecConfig(gop=12)
    with pytest.raises(ValueError, match=r"channels is .* a multiple of 2"):
        Cheng2020Config(channels=5)


def test_where_it_stands_among_codecs():
    assert CODEC.coding is Coding.CONDITIONAL and CODEC.supervision is Supervision.OBJECTIVE
