"""Keeps a stream to a bitrate or a size by the quality that its codec lets be set, from group to group.

Bits are taken to grow by one factor with each step of quality, in all groups alike; what else decides them is what a
group shows, which is about what the one before it showed. The factor is found by coding the first group several times.
What one group took too much or too little is made good by those after it, within `HORIZON` seconds. For a size, all
groups are coded once before, so that the quality of all can be the same. A video of one group is coded until it fits.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import groupby, islice

from core.coding.codec import LoadedCodec
from core.coding.encode import bit_depth, record_packets
from core.coding.groups import PlannedPicture, assign_times, plan_intra
from core.coding.records import FrameRecord
from core.errors import ConfigError
from core.hooks import HasQualities, Packet, PictureFormat
from core.media.video import VideoReader

HORIZON, MEMORY = 10, 2
"""Seconds within which a debt is paid, and after which what a group took counts a third."""
_TRIALS = 8
"""Trials of a first group at most."""
_ROUGH, _CLOSE = 0.3, 0.02
"""Allowed error of the first group, in factors of two, where others follow, and where none does."""
_DOUBLINGS = 7
"""Number of times that bits are taken to double from the coarsest quality to the finest, before more is known."""
_SWING = 4.0
"""How many times its share a group may get, to use up what is left over, or which part of it, to pay a debt."""
_NEAR = 0.03
"""Part of all bits by which the last group may miss what is left for it."""
_FIELDS = 8 * 16
"""Bits of a packet beside its payload, about."""

Coded = tuple[Packet, FrameRecord]


@dataclass(frozen=True)
class Goal:
    """The goal of a stream: ``bitrate`` in bits a second, or ``size`` in bytes."""

    bitrate: float | None = None
    size: float | None = None


@dataclass(frozen=True)
class _Spent:
    """Bits that some frames took at a quality."""

    quality: float
    bits: float
    frames: int

    @classmethod
    def of(cls, records: Sequence[FrameRecord]) -> _Spent:
        bits = sum(8 * record.bytes + _FIELDS for record in records)
        assert records[0].quality is not None
        return cls(records[0].quality, bits, len(records))

    @property
    def level(self) -> float:
        """Bits of a frame, as a power of two."""
        return math.log2(self.bits / self.frames)

    def at_zero(self, slope: float) -> float:
        """The bits that quality 0 would take."""
        return self.bits * 2 ** -(slope * self.quality)


class RateControl:
    """`core.coding.encode.Coder` of the video that ``opened`` opens, towards a goal; ``seen`` is told of its frames.

    Raises `ConfigError` where the codec has one rate alone.
    """

    def __init__(
        self,
        loaded: LoadedCodec,
        goal: Goal,
        opened: Callable[[], VideoReader],
        estimate: bool,
        seen: Callable[[int], None],
    ) -> None:
        codec = loaded.codec
        if not isinstance(codec, HasQualities) or codec.qualities is None:
            raise ConfigError(
                f"codec={loaded.name} has one rate, that of its network: leave codec.bitrate and codec.size out."
            )
        self._codec, self._qualities = codec, codec.qualities
        self._loaded, self._goal, self._opened, self._estimate = loaded, goal, opened, estimate
        self._seen = seen

    def __call__(self, kept: Sequence[FrameRecord], time_base: Fraction) -> Iterator[Coded]:
        """The packets that follow those whose records are kept."""
        with self._opened() as reader:
            info = reader.info
        self._time_base, self._format = time_base, PictureFormat(info.width, info.height, bit_depth(info))
        total, rate = info.frame_count, float(info.frame_rate)
        if self._goal.bitrate is not None:
            share = self._goal.bitrate / rate
        else:
            assert self._goal.size is not None
            total = total or sum(1 for _ in self._pictures())
            share = 8 * self._goal.size / total
        first, slope, is_alone = self._first_group(math.log2(share))
        if is_alone:
            self._seen(len(first))
            yield from first
            return
        budget: _Steady | _Planned = _Steady(share, total, rate, slope)
        if self._goal.size is not None:
            quality = first[0][1].quality or 0.0
            plan = [_spent(self._encode_group(group, quality)) for group in self._groups()]
            budget = _Planned(8 * self._goal.size, plan, slope)
        yield from self._spend(budget, kept, first, share * total if total else None)

    def _spend(
        self, budget: _Steady | _Planned, kept: Sequence[FrameRecord], first: list[Coded], bits: float | None
    ) -> Iterator[Coded]:
        """All groups but those that are kept, each at the quality that the budget has for it.

        Where all of them are to take so many ``bits``, the last one makes up for what the others took.
        """
        done, taken, count = deque(_by_group(kept)), 0.0, 0
        groups = self._groups()
        group = next(groups, None)
        while group is not None:
            made: list[Coded] = []
            if done:
                spent = _Spent.of(done.popleft())
            elif count:
                made = list(self._encode_group(group, self._near(budget.quality())))
                spent = _spent(made)
            else:
                made, spent = first, _spent(first)
            deque(group, 0)
            group = next(groups, None)
            if group is None and made and bits is not None:
                made = self._ending(made, count, bits - taken, _NEAR * bits, budget.slope)
            self._seen(len(made))
            yield from made
            budget.spend(spent)
            taken, count = taken + spent.bits, count + spent.frames

    def _ending(self, made: list[Coded], first: int, bits: float, near: float, slope: float) -> list[Coded]:
        """The last group, from frame number ``first`` on, coded anew until it takes nearly so many bits."""
        tried = {_spent(made).quality: made}
        for _ in range(_TRIALS):
            spent = _spent(made)
            if abs(spent.bits - bits) <= near:
                break
            quality = self._near(spent.quality + math.log2(max(bits, 1) / spent.bits) / slope)
            if quality in tried:
                break
            made = tried[quality] = list(self._encode_group(islice(self._pictures(), first, None), quality))
        return min(tried.values(), key=lambda one: abs(_spent(one).bits - bits))

    def _first_group(self, wanted: float) -> tuple[list[Coded], float, bool]:
        """The first group, near a wanted level; by how much that grows with quality, and whether no group follows."""
        tried: dict[float, float] = {}
        quality, best = self._qualities.own, None
        slope = _DOUBLINGS / (self._qualities.finest - self._qualities.coarsest)
        for _ in range(_TRIALS):
            groups = self._groups()
            made = list(self._encode_group(next(groups), quality))
            is_alone = next(groups, None) is None
            level = tried[quality] = _spent(made).level
            if abs(level - wanted) <= min(abs(other - wanted) for other in tried.values()):
                best = made
            slope = _slope(tried, wanted, slope)
            if abs(level - wanted) <= (_CLOSE if is_alone else _ROUGH):
                break
            quality = self._near(quality + (wanted - level) / slope)
            if quality in tried:
                break
        assert best is not None
        return best, slope, is_alone

    def _encode_group(self, group: Iterable[PlannedPicture], quality: float) -> Iterator[Coded]:
        at_quality = replace(self._loaded, codec=self._codec.at(quality))
        for packet, record in record_packets(group, at_quality, self._format, self._estimate):
            yield packet, replace(record, quality=quality)

    def _groups(self) -> Iterator[Iterator[PlannedPicture]]:
        """The groups of the video; each is to be used up before the next is asked for."""
        count = 0

        def number(picture: PlannedPicture) -> int:
            nonlocal count
            count += picture.intra
            return count

        return (group for _, group in groupby(self._pictures(), number))

    def _pictures(self) -> Iterator[PlannedPicture]:
        with self._opened() as reader:
            yield from plan_intra(
                assign_times(reader, self._time_base), self._loaded.group, self._loaded.scene_cut
            )

    def _near(self, quality: float) -> float:
        """The quality that there is."""
        known = self._qualities
        low, high = sorted((known.coarsest, known.finest))
        return min(max(round(quality / known.step) * known.step, low), high)


def _spent(made: Iterable[Coded]) -> _Spent:
    return _Spent.of([record for _, record in made])


class _Steady:
    """A bitrate: what is left over or owed is shared by the frames that follow, by what those before them took."""

    def __init__(self, share: float, total: int | None, rate: float, slope: float) -> None:
        self._share, self._total, self.slope = share, total, slope
        self._ahead, self._memory = HORIZON * rate, MEMORY * rate
        self._bits = self._frames = 0.0
        self._needs = self._weight = 0.0
        """Bits of the frames so far at quality 0 and their number, of which older ones count less."""

    def spend(self, spent: _Spent) -> None:
        """Note what a group took."""
        self._bits += spent.bits
        self._frames += spent.frames
        fading = math.exp(-spent.frames / self._memory)
        self._needs = self._needs * fading + spent.at_zero(self.slope)
        self._weight = self._weight * fading + spent.frames

    def quality(self) -> float:
        """The quality for the next group."""
        left = self._ahead if self._total is None else min(self._total - self._frames, self._ahead)
        wanted = self._share + (self._share * self._frames - self._bits) / max(left, 1)
        wanted = min(max(wanted, self._share / _SWING), self._share * _SWING)
        return math.log2(wanted * self._weight / self._needs) / self.slope


class _Planned:
    """A size: all groups that are left get the quality at which they will fill it, by what they took before."""

    def __init__(self, size: float, plan: Sequence[_Spent], slope: float) -> None:
        self._left, self.slope = size, slope
        self._plan = deque(spent.at_zero(slope) for spent in plan)
        """Bits of the groups that are left at quality 0."""
        self._due = sum(self._plan)
        self._taken = self._expected = 0.0

    def spend(self, spent: _Spent) -> None:
        """Note what a group took."""
        self._left -= spent.bits
        self._due -= (known := self._plan.popleft())
        self._taken += spent.bits
        self._expected += known * 2 ** (self.slope * spent.quality)

    def quality(self) -> float:
        """The quality for the next group."""
        usual = self._due * self._taken / self._expected
        return math.log2(max(self._left, 1) / usual) / self.slope


def _slope(tried: dict[float, float], wanted: float, usual: float) -> float:
    """Doublings of bits for a step of quality, by the two qualities next to what is wanted, within reason."""
    if len(tried) < 2:
        return usual
    one, other = sorted(tried, key=lambda quality: abs(tried[quality] - wanted))[:2]
    found = (tried[one] - tried[other]) / (one - other)
    return found if 1 / 3 < found / usual < 3 else usual


def _by_group(kept: Sequence[FrameRecord]) -> Iterator[list[FrameRecord]]:
    count = 0

    def number(record: FrameRecord) -> int:
        nonlocal count
        count += record.type == "intra"
        return count

    return (list(group) for _, group in groupby(kept, number))
