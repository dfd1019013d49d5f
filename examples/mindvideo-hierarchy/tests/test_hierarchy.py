"""What is this codec's own; that its streams decode and bear damage is tried by mindvideo's conformance suite."""

import mindspore as ms
import numpy as np
import pytest
from mindspore import Tensor
from mindvideo_hierarchy.config import HierarchyCodecConfig, HierarchyConfig, HierarchyLossConfig
from mindvideo_hierarchy.gop_order import MAX_DISTANCE, turns
from mindvideo_hierarchy.plugin import CODEC, LOSS, MODEL

from core.hooks import Direction, PacketType, PictureFormat
from core.testing.material import moving_frames, png_intra

SMALLEST = {"hidden": 4, "latent": 4, "flow": 4}
FORMAT = PictureFormat(40, 24)


@pytest.fixture(scope="module", autouse=True)
def _operator_by_operator():
    mode = ms.get_context("mode")
    ms.set_context(mode=ms.PYNATIVE_MODE)
    yield
    ms.set_context(mode=mode)


@pytest.mark.parametrize("distance", range(1, MAX_DISTANCE + 1))
def test_every_frame_has_its_turn_after_those_it_is_predicted_from(distance):
    done = {0}
    for turn in turns(distance):
        assert {turn.before, turn.after} <= done
        assert turn.before < turn.place < turn.after or (turn.place, turn.after) == (distance, 0)
        done.add(turn.place)
    assert done == set(range(distance + 1))


def test_a_group_of_four_is_coded_by_halves():
    assert [turn.place for turn in turns(4)] == [4, 2, 1, 3]


def test_a_blend_of_still_neighbours_is_their_mean():
    network = MODEL.build(HierarchyConfig(**SMALLEST)).set_train(False)
    before, after = (Tensor(frame[None]) for frame in moving_frames(2, 16, 32))
    nothing = ms.ops.zeros((1, 5, 16, 32), ms.float32)
    expected = (before.asnumpy() + after.asnumpy()) / 2
    np.testing.assert_allclose(network.blend(nothing, before, after).asnumpy(), expected, atol=1e-5)


def test_a_key_frame_s_error_counts_more():
    loss = LOSS.build(HierarchyLossConfig(lmbda=100, anchor_weight=3))
    frames = Tensor(np.zeros((1, 3, 3, 4, 8), np.float32))
    values = []
    for place in (1, 2):
        made = np.zeros((1, 3, 3, 4, 8), np.float32)
        made[:, place] = 0.5
        values.append([float(v.asnumpy()) for v in loss(frames, Tensor(made), Tensor(64.0))])
    (between, mse, rate), (key, *same) = values
    assert (mse, rate) == (0.125, 1.0) and same == [mse, rate]
    assert between == pytest.approx(100 * 0.25 / 4 + 1) and key == pytest.approx(100 * 0.25 * 3 / 4 + 1)


@pytest.fixture(scope="module")
def codec():
    ms.set_seed(1)
    network = MODEL.build(HierarchyConfig(**SMALLEST))
    return CODEC.build(HierarchyCodecConfig(distance=4), network, CODEC.tables(network), png_intra())


def test_packets_leave_in_order_of_coding_and_frames_in_order_of_display(codec):
    """Seven frames: an intra frame, a whole group, and what is left as a shorter one."""
    encoder, decoder = codec.encoder(FORMAT), codec.decoder(FORMAT)
    coded = [encoder.encode(frame, t, t == 0) for t, frame in enumerate(moving_frames(7, 24, 40))]
    assert [[frame.packet.time for frame in frames] for frames in coded] == [
        [0],
        [],
        [],
        [],
        [4, 2, 1, 3],
        [],
        [],
    ]
    packets = [frame.packet for frames in [*coded, encoder.flush()] for frame in frames]
    assert [packet.time for packet in packets] == [0, 4, 2, 1, 3, 6, 5]
    assert [packet.type for packet in packets] == [PacketType.INTRA] + 6 * [PacketType.INTER]
    shown = [[frame.time for frame in decoder.decode(packet)] for packet in packets]
    assert shown == [[0], [], [], [1, 2], [3, 4], [], [5, 6]]


def test_where_it_stands_among_codecs():
    assert CODEC.direction is Direction.BIDIRECTIONAL


@pytest.mark.parametrize("distance", [0, MAX_DISTANCE + 1])
def test_a_distance_out_of_range_is_refused(distance):
    with pytest.raises(ValueError, match="distance is"):
        HierarchyCodecConfig(distance=distance)


def test_clips_of_other_lengths_are_refused():
    network = MODEL.build(HierarchyConfig(**SMALLEST))
    with pytest.raises(ValueError, match=r"dataset\.frames=3"):
        network(Tensor(np.zeros((1, 2, 3, 16, 16), np.float32)))
