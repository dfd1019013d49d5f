"""What DCVC's packets hold; that they decode is tried with all codecs in tests/plugins/codecs."""

from functools import cache

import mindspore as ms
import numpy as np
import pytest
from mindspore import Tensor

from core.coding.codec import LoadedCodec
from core.coding.frames import StreamDecoder
from core.errors import StreamError
from core.hooks import PictureFormat
from core.nn import strips
from core.symbols.context import ContextOrder
from plugins.dcvc.config import DcvcCodecConfig, Quantize
from plugins.dcvc.plugin import CODEC

from ..codecs.material import build_frames, decoded, encoded, intra_codec, mode, psnr
from ..codecs.test_damage import HEIGHT, WIDTH, written
from .conftest import SMALLEST, build_network

FORMAT = PictureFormat(64, 64)


@pytest.fixture(scope="module", autouse=True)
def _without_compiling():
    """That compiled stages give the same is tried with all codecs."""
    with mode(ms.PYNATIVE_MODE):
        yield


@pytest.fixture(scope="module")
def network():
    return build_network()


@pytest.fixture(scope="module")
def make_codec(network):
    tables = CODEC.tables(network)
    return cache(lambda **options: CODEC.build(DcvcCodecConfig(**options), network, tables, intra_codec()))


@pytest.fixture(scope="module")
def frames():
    return build_frames(4, 64, 64)


@pytest.fixture(scope="module")
def coded(make_codec, frames):
    """By each convention."""
    return {q: encoded(make_codec(quantize=q), FORMAT, frames, estimate=True) for q in Quantize}


def estimated(network, frame, before):
    """What the network itself makes of a frame under a decoded picture: samples, and bits."""
    reference = Tensor(before.picture[None].astype(np.float32) / 255)
    expected, _, costs = network(Tensor(frame[None]), reference)
    return 255 * np.clip(expected.asnumpy()[0], 0, 1), sum(float(cost) for cost in costs)


def test_pictures_are_those_of_the_published_numbers(coded, frames):
    """With whole latents, each from the picture before, to less than a rounding step and a little."""
    items, network = coded[Quantize.forward], build_network()
    for frame, before, item in zip(frames[1:], items[:-1], items[1:], strict=True):
        samples, bits = estimated(network, frame, before)
        assert np.abs(item.picture - samples).max() < 0.51
        assert item.picture.std() > 5
        assert item.estimated_bits == pytest.approx(bits, rel=1e-4)


def test_real_coding_is_close_to_the_estimate(coded, frames):
    items, network = coded[Quantize.codec], build_network()
    for frame, before, item in zip(frames[1:], items[:-1], items[1:], strict=True):
        samples, bits = estimated(network, frame, before)
        assert psnr(item.picture, samples) > 35
        assert item.estimated_bits == pytest.approx(bits, rel=0.05)
        assert 8 * len(item.packet.payload) == pytest.approx(item.estimated_bits, rel=0.1)


def test_packets_say_how_they_are_quantised(make_codec, coded):
    """A decoder's own option does not matter."""
    pictures = {}
    for convention, items in coded.items():
        for codec in (make_codec(quantize=Quantize.codec), make_codec(quantize=Quantize.forward)):
            shown = decoded(codec, FORMAT, [item.packet for item in items])
            for ours, theirs in zip(shown, items, strict=True):
                np.testing.assert_array_equal(ours.picture, theirs.picture)
        pictures[convention] = items[-1].picture
    assert not np.array_equal(*pictures.values())


def test_the_checkerboard_codes_too(frames):
    network = build_network(context=ContextOrder.checkerboard)
    codec = CODEC.build(DcvcCodecConfig(), network, CODEC.tables(network), intra_codec())
    items = encoded(codec, FORMAT, frames[:2], estimate=True)
    shown = decoded(codec, FORMAT, [item.packet for item in items])
    np.testing.assert_array_equal(shown[1].picture, items[1].picture)
    _, bits = estimated(network, frames[1], items[0])
    assert items[1].estimated_bits == pytest.approx(bits, rel=0.05)


def test_other_arithmetic_is_noticed_and_named(network, make_codec, frames, tmp_path):
    """A machine on which float results differ, here by far more than rounding: other tables are chosen."""
    path, format = tmp_path / "stream.mdv", PictureFormat(WIDTH, HEIGHT)
    small = frames[:2, :, :HEIGHT, :WIDTH]
    written([item.packet for item in encoded(make_codec(), format, small)], tmp_path)
    codec = CODEC.build(DcvcCodecConfig(), network, CODEC.tables(network), intra_codec())
    ours = codec.content_side
    codec.content_side = lambda *known: ours(*known) + 0.1
    shown = []
    with (
        StreamDecoder(path, LoadedCodec("tried", codec, bytes(16), 0, False, "ours")) as stream,
        pytest.raises(
            StreamError, match=r"packet 1: .* other symbols .*\(tests; here: ours\).* need the same"
        ),
    ):
        shown.extend(stream.frames())
    assert len(shown) <= 1


def test_portable_symbols_do_not_depend_on_pictures(frames):
    """Where float results differ, here by far more than rounding, pictures do too, but every symbol is right."""
    network = build_network(portable=True)
    tables = CODEC.tables(network)
    codec, elsewhere = (CODEC.build(DcvcCodecConfig(), network, tables, intra_codec()) for _ in range(2))
    items = encoded(codec, FORMAT, frames, estimate=True)
    ours = elsewhere.context
    elsewhere.context = lambda *known: (ours(*known)[0] + 1.0,)
    shown = decoded(elsewhere, FORMAT, [item.packet for item in items])
    assert all(
        np.abs(s.picture.astype(int) - i.picture).max() > 1 for s, i in zip(shown[1:], items[1:], strict=True)
    )
    for frame, before, item in zip(frames[1:], items[:-1], items[1:], strict=True):
        assert item.estimated_bits == pytest.approx(estimated(network, frame, before)[1], rel=0.05)
        assert 8 * len(item.packet.payload) == pytest.approx(item.estimated_bits, rel=0.1)


@pytest.mark.parametrize("kernel", ["builtin", "onednn"])
def test_strips_give_the_whole_picture(request, frames, monkeypatch, kernel):
    """Cut into strips, of which none that is kept has seen another's end."""
    if kernel == "onednn":
        request.getfixturevalue("kernels")
    network = build_network(**SMALLEST)
    codec = CODEC.build(DcvcCodecConfig(), network, CODEC.tables(network), intra_codec())
    latent = Tensor(np.random.default_rng(3).integers(-2, 3, (1, 4, 20, 4)).astype(np.float32))
    reference = Tensor(build_frames(1, 320, 64)[:1])
    made = []
    for positions in (strips.POSITIONS, 40):
        monkeypatch.setattr(strips, "POSITIONS", positions)
        assert len(strips.plan_strips(20, 4, 3)) == (1 if positions > 40 else 3)
        context, temporal = codec.predict(latent, reference)
        made.append([t.asnumpy() for t in (context, temporal, *codec.content_synthesis(latent, context))])
    for whole, parts in zip(*made, strict=True):
        np.testing.assert_allclose(parts, whole, rtol=0, atol=2e-6)
