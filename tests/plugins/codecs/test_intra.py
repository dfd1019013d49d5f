"""Learned picture codecs: networks that code frames by themselves, for the intra frames of other codecs too."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import mindspore as ms
import numpy as np
import pytest

from core.codec import LearnedIntra
from core.config import entry_section
from core.errors import CheckpointError, StreamError
from core.hooks import CodecEntry, IntraEntry, PacketType, PictureFormat
from core.training.checkpoint import MODEL, Checkpoint, tensors_of
from plugins.cheng2020 import plugin as cheng2020
from plugins.cheng2020.config import Cheng2020CodecConfig, Cheng2020IntraConfig
from plugins.compact import plugin as compact
from plugins.compact.config import CompactCodecConfig, CompactIntraConfig
from plugins.dcvcuf import plugin as dcvcuf
from plugins.dcvcuf.config import DcvcUfIntraCodecConfig, DcvcUfPicturesConfig, quality_of
from plugins.dcvcuf.picture_codec import DcvcUfPictures, SuitedPictures
from plugins.dvc import plugin as dvc
from plugins.dvc.config import DvcCodecConfig
from plugins.ssfvc import plugin as ssfvc
from plugins.ssfvc.config import SsfvcCodecConfig, SsfvcIntraConfig

from ..cheng2020 import conftest as cheng2020_tests
from ..compact import conftest as compact_tests
from ..dcvcuf import conftest as dcvcuf_tests
from ..dvc import conftest as dvc_tests
from ..ssfvc import conftest as ssfvc_tests
from .material import build_frames, decoded, encoded, intra_codec, mode

FORMAT = PictureFormat(60, 44)
FRAMES = build_frames(3, 44, 60)


@dataclass(frozen=True)
class Pictures:
    """A picture codec to try."""

    model: str
    build_network: Callable[[], Any]
    codec: CodecEntry
    """Of streams, whose intra frames are coded alike."""
    config: Any
    intra: IntraEntry
    options: Callable[[str], Any]
    """Of the picture codec, by its checkpoint."""

    def open(self, path):
        return self.intra.build(self.options(str(path)))


def compact_options(path):
    return CompactIntraConfig(path, quality=40)


PICTURES = {
    "cheng2020": Pictures(
        "cheng2020",
        cheng2020_tests.build_network,
        cheng2020.CODEC,
        Cheng2020CodecConfig(),
        cheng2020.INTRA,
        Cheng2020IntraConfig,
    ),
    "ssfvc": Pictures(
        "ssfvc", ssfvc_tests.build_network, ssfvc.CODEC, SsfvcCodecConfig(), ssfvc.INTRA, SsfvcIntraConfig
    ),
    "compact": Pictures(
        "compact",
        compact_tests.build_network,
        compact.CODEC,
        CompactCodecConfig(quality=40),
        compact.INTRA,
        compact_options,
    ),
    "dcvcuf": Pictures(
        "dcvcuf_intra",
        dcvcuf_tests.build_pictures,
        dcvcuf.PICTURE_CODEC,
        DcvcUfIntraCodecConfig(quality=quality_of(20)),
        dcvcuf.INTRA,
        DcvcUfPicturesConfig,
    ),
}


@pytest.fixture(scope="module", autouse=True)
def _pynative():
    with mode(ms.PYNATIVE_MODE):
        yield


@pytest.fixture(scope="module", params=PICTURES)
def name(request):
    return request.param


@pytest.fixture(scope="module")
def network(name):
    return PICTURES[name].build_network()


@pytest.fixture(scope="module")
def write(name, network, tmp_path_factory):
    """A checkpoint of the network, of any model section."""

    def written(**section):
        case = PICTURES[name]
        section = {"model": case.model, **entry_section(network.config), **section}
        path = tmp_path_factory.mktemp("weights") / "trained.safetensors"
        checkpoint = Checkpoint(path, tensors_of(network, MODEL), section, {}, {})
        checkpoint.with_tables(case.codec.tables(network)).save()
        return path

    return written


@pytest.fixture(scope="module")
def intra(name, write):
    return PICTURES[name].open(write())


@pytest.fixture(scope="module")
def fresh(name, write):
    """The same again, which has coded nothing."""
    return PICTURES[name].open(write())


def test_pictures_are_those_of_the_codec_s_own_streams(name, intra, fresh, network):
    """To half a rounding step of the stream, which shows them in 8 bits; 4 bytes more say what the symbols are."""
    case = PICTURES[name]
    own = case.codec.build(case.config, network, case.codec.tables(network))
    (expected,) = encoded(own, FORMAT, FRAMES[:1])
    payload = intra.encode(FRAMES[0], FORMAT, 20)
    picture = fresh.decode(payload, FORMAT)
    np.testing.assert_array_equal(intra.decode(payload, FORMAT), picture)
    assert picture.shape == FRAMES[0].shape
    assert np.abs(255 * picture.clip(0, 1) - expected.picture).max() < 0.51
    assert payload[4:] == expected.packet.payload
    assert expected.packet.type is PacketType.INTRA and expected.picture.std() > 1


def test_another_codec_codes_under_its_pictures(name, intra, fresh):
    network = dvc_tests.build_network(**dvc_tests.SMALLEST)
    tables = dvc.CODEC.tables(network)
    video, player = (
        dvc.CODEC.build(DvcCodecConfig(), network, tables, intra_codec(name, pictures))
        for pictures in (intra, fresh)
    )
    coded = encoded(video, FORMAT, FRAMES)
    assert coded[0].packet.payload.startswith(bytes([len(name)]) + name.encode())
    shown = decoded(player, FORMAT, [item.packet for item in coded])
    for item, frame in zip(coded, shown, strict=True):
        np.testing.assert_array_equal(frame.picture, item.picture)


def test_damage_is_a_stream_error(intra):
    payload = intra.encode(FRAMES[0], FORMAT, 20)
    rng = np.random.default_rng(2)
    tried = [b"", payload[:4], payload[: len(payload) // 2], payload[:4] + rng.bytes(300)]
    for at in rng.integers(0, len(payload) - 4, 20):
        tried.append(payload[:at] + bytes([payload[at] ^ 0x55]) + payload[at + 1 :])
    for data in tried:
        with pytest.raises(StreamError):
            intra.decode(data, FORMAT)


def test_its_fingerprint_is_the_checkpoint_s(intra, write):
    assert intra.fingerprint == Checkpoint.open(write()).fingerprint and len(intra.fingerprint) == 16


def test_checkpoints_of_other_models_are_refused(name, write):
    model = PICTURES[name].model
    for section, sentence in (
        ({"model": "dvc"}, f"checkpoint of model={model} is needed"),
        ({"depth": 3}, f"made for model={model} with options that this version does not take .*'depth'"),
    ):
        with pytest.raises(CheckpointError, match=sentence):
            PICTURES[name].open(write(**section))


@pytest.mark.parametrize(("crf", "quality"), [(10, 63), (19.5, 63), (30, 40), (48.25, 0), (60, 0)])
def test_pictures_of_dcvcuf_suit_the_video_codec(crf, quality):
    """Unless a quality of their own is chosen; the packet says it."""
    network = dcvcuf_tests.build_pictures()
    tables = dcvcuf.PICTURE_CODEC.tables(network)
    coders = [
        kind(DcvcUfIntraCodecConfig(quality=12), network, tables) for kind in (SuitedPictures, DcvcUfPictures)
    ]
    told = []
    for coder in coders:
        payload = LearnedIntra(coder, b"").encode(FRAMES[0], FORMAT, crf)
        told.append(coder.reader(payload[4:], 48, 64).read_number(range(64)))
    assert told == [quality, 12]
