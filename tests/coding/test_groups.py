"""Where intra frames stand, and that the groups between them are closed."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
import pytest
from material import moving, shots
from toy import Levels, Pairs

from core.coding.groups import TimedPicture, assign_times, encode_groups, plan_intra
from core.hooks import PacketType, PictureFormat
from core.media.video import Frame

FORMAT = PictureFormat(48, 36)


def intra_places(frames: Sequence[np.ndarray], gop: int, scene_cut: bool = False) -> list[int]:
    pictures = (TimedPicture(frame, number) for number, frame in enumerate(frames))
    return [item.time for item in plan_intra(pictures, gop, scene_cut) if item.intra]


@pytest.mark.parametrize(
    ("gop", "places"), [(0, [0]), (1, [0, 1, 2, 3, 4]), (2, [0, 2, 4]), (4, [0, 4]), (12, [0])]
)
def test_the_distance_of_intra_frames(gop: int, places: list[int]) -> None:
    assert intra_places(moving(5), gop) == places


def test_a_new_scene_begins_with_an_intra_frame() -> None:
    frames = shots("box_handheld", "city_night", 5)
    assert intra_places(frames, 0) == [0]
    assert intra_places(frames, 0, scene_cut=True) == [0, 5]
    assert intra_places(frames, 3, scene_cut=True) == [0, 3, 5, 8]  # the distance counts from the cut on


def test_times_count_in_units() -> None:
    picture = np.zeros((3, 2, 2), np.float32)
    times = [Fraction(0), Fraction(33, 1000), Fraction(67, 1000), Fraction(1, 10)]
    frames = [Frame(picture, time) for time in times]
    assert [item.time for item in assign_times(frames, Fraction(1, 30))] == [0, 1, 2, 3]
    assert [item.time for item in assign_times(frames, Fraction(1, 1000))] == [0, 33, 67, 100]


@pytest.mark.parametrize("codec", [Levels(), Pairs()])
@pytest.mark.parametrize("gop", [1, 2, 3, 4, 0])
def test_groups_are_closed_and_in_order(codec: Levels, gop: int) -> None:
    frames = moving(11)
    codec.encoders = 0
    pictures = plan_intra((TimedPicture(f, 10 * n) for n, f in enumerate(frames)), gop, False)
    packets = []
    for frame, source in encode_groups(pictures, codec, FORMAT):
        assert source is frames[frame.packet.time // 10]
        packets.append(frame.packet)
    places = [n for n, packet in enumerate(packets) if packet.type is PacketType.INTRA]
    assert places == [packet.time // 10 for packet in packets if packet.type is PacketType.INTRA]
    assert codec.encoders == len(places)
    for begin, end in zip(places, [*places[1:], len(frames)], strict=True):
        assert sorted(packet.time // 10 for packet in packets[begin:end]) == list(range(begin, end))


def test_estimates_only_where_asked() -> None:
    pictures = [TimedPicture(frame, number) for number, frame in enumerate(moving(3))]
    for estimate in (False, True):
        frames = [
            frame for frame, _ in encode_groups(plan_intra(pictures, 0, False), Levels(), FORMAT, estimate)
        ]
        assert all((frame.estimated_bits is not None) is estimate for frame in frames)
