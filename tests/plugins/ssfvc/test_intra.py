"""SSFVC as the picture codec of another codec's intra frames."""

import mindspore as ms
import numpy as np
import pytest

from core.config import entry_section
from core.errors import CheckpointError, StreamError
from core.hooks import PictureFormat
from core.training.checkpoint import MODEL, Checkpoint, tensors_of
from plugins.dvc import plugin as dvc
from plugins.dvc.config import DvcCodecConfig
from plugins.ssfvc.config import SsfvcCodecConfig, SsfvcIntraConfig
from plugins.ssfvc.plugin import CODEC, INTRA

from ..codecs.material import build_frames, decoded, encoded, intra_codec, mode
from ..dvc import conftest as dvc_tests
from .conftest import build_network

FORMAT = PictureFormat(60, 44)


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

    def written(name, **section):
        section = {"model": "ssfvc", **entry_section(network.config), **section}
        path = tmp_path_factory.mktemp("weights") / f"{name}.safetensors"
        checkpoint = Checkpoint(path, tensors_of(network, MODEL), section, {}, {})
        checkpoint.with_tables(CODEC.tables(network)).save()
        return path

    return written


@pytest.fixture(scope="module")
def codec(write):
    return INTRA.build(SsfvcIntraConfig(str(write("trained"))))


@pytest.fixture(scope="module")
def other(write):
    """The same again, which has coded nothing."""
    return INTRA.build(SsfvcIntraConfig(str(write("other"))))


@pytest.fixture(scope="module")
def frames():
    return build_frames(3, 44, 60)


def test_pictures_are_those_of_ssfvc(codec, other, network, frames):
    """To half a rounding step of the video codec, which shows them in 8 bits."""
    own = CODEC.build(SsfvcCodecConfig(), network, CODEC.tables(network))
    (expected,) = encoded(own, FORMAT, frames[:1])
    payload = codec.encode(frames[0], FORMAT, 20)
    picture = other.decode(payload, FORMAT)
    np.testing.assert_array_equal(codec.decode(payload, FORMAT), picture)
    assert picture.shape == frames[0].shape
    assert np.abs(255 * picture.clip(0, 1) - expected.picture).max() < 0.51
    assert len(payload) == len(expected.packet.payload) + 4
    assert expected.picture.std() > 5


def test_dvc_codes_under_its_pictures(codec, other, frames):
    network = dvc_tests.build_network(**dvc_tests.SMALLEST)
    tables = dvc.CODEC.tables(network)
    video, player = (
        dvc.CODEC.build(DvcCodecConfig(), network, tables, intra_codec("ssfvc", intra))
        for intra in (codec, other)
    )
    coded = encoded(video, FORMAT, frames)
    assert coded[0].packet.payload.startswith(b"\x05ssfvc")
    shown = decoded(player, FORMAT, [item.packet for item in coded])
    for item, frame in zip(coded, shown, strict=True):
        np.testing.assert_array_equal(frame.picture, item.picture)


def test_damage_is_a_stream_error(codec, frames):
    payload = codec.encode(frames[0], FORMAT, 20)
    rng = np.random.default_rng(2)
    tried = [b"", payload[:4], payload[: len(payload) // 2], payload[:4] + rng.bytes(300)]
    for at in rng.integers(0, len(payload) - 4, 20):
        tried.append(payload[:at] + bytes([payload[at] ^ 0x55]) + payload[at + 1 :])
    for data in tried:
        with pytest.raises(StreamError):
            codec.decode(data, FORMAT)


def test_its_fingerprint_is_the_checkpoint_s(codec, write):
    assert codec.fingerprint == Checkpoint.open(write("again")).fingerprint and len(codec.fingerprint) == 16


def test_checkpoints_of_other_models_are_refused(write):
    unknown = "made for model=ssfvc with options that this version does not take .*'depth'"
    for section, sentence in (
        ({"model": "dvc"}, "checkpoint of model=ssfvc is needed"),
        ({"depth": 3}, unknown),
    ):
        path = write("other", **section)
        with pytest.raises(CheckpointError, match=sentence):
            INTRA.build(SsfvcIntraConfig(str(path)))
