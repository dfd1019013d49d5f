"""A codec around another one: what is coded, what is restored, and what damage does."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from material import moving, write
from toy import Levels, Pairs, load

from core.codec.conventional import ConventionalDecoder, ConventionalEncoder, Encoder
from core.coding.clips import encode_clip
from core.coding.codec import LoadedCodec
from core.coding.encode import encode
from core.coding.frames import StreamDecoder
from core.coding.resampled import ResampledCodec
from core.errors import MediaError, StreamError
from core.hooks import Array, Codec, PacketType, PictureFormat
from core.media.resampling import resize_picture
from core.stream import StreamReader
from core.upscaling.baselines import Baseline

INTRA, INTER = PacketType.INTRA, PacketType.INTER


class X264:
    """An inner codec that holds frames back and reorders them."""

    settings = Encoder("libx264", "h264", {"crf": "10", "x264-params": "bframes=2:threads=1"}, multiple=2)

    def encoder(self, format: PictureFormat, estimate: bool = False) -> ConventionalEncoder:
        return ConventionalEncoder(self.settings, format)

    def decoder(self, format: PictureFormat) -> ConventionalDecoder:
        return ConventionalDecoder(self.settings, format)


def around(inner: Codec, scale: int = 2, temporal: bool = True, **options: object) -> LoadedCodec:
    return load(ResampledCodec(inner, Baseline(scale), temporal), **options)  # type: ignore[arg-type]


def coded(loaded: LoadedCodec, frames: list[Array], path: Path) -> bytes:
    path.unlink(missing_ok=True)
    encode_clip(loaded, np.stack(frames), path)
    return path.read_bytes()


def decoded(loaded: LoadedCodec, path: Path, start: int = 0) -> tuple[list[np.ndarray], str]:
    """The pictures, and the sentence in which decoding ended early, if it did."""
    pictures = []
    try:
        with StreamDecoder(path, loaded) as stream:
            for frame in stream.frames(start):
                pictures.append(frame.picture)
    except StreamError as error:
        return pictures, str(error)
    return pictures, ""


@pytest.mark.parametrize("inner", [Levels, Pairs, X264])
@pytest.mark.parametrize(
    ("width", "height", "count", "gop", "scale", "temporal"),
    [
        (48, 36, 12, 6, 2, True),
        (47, 35, 13, 0, 2, True),
        (33, 50, 7, 3, 4, True),
        (48, 36, 5, 1, 2, True),
        (1, 1, 2, 12, 2, True),
        (48, 36, 7, 4, 3, False),
    ],
)
def test_what_goes_in_comes_out(inner, width, height, count, gop, scale, temporal, tmp_path):
    """Every frame is there in its size, and looks like itself; groups begin where they should."""
    loaded = around(inner(), scale, temporal, gop=gop)
    frames, path = moving(count, width, height), tmp_path / "clip.mdv"
    coded(loaded, frames, path)
    with StreamReader(path) as reader:
        packets = list(reader)
    intra = [packet.time for packet in packets if packet.type is INTRA]
    assert intra == [time for time in range(count) if time == 0 or (gop and time % gop == 0)]
    assert sorted(packet.time for packet in packets) == list(range(count))
    pictures, told = decoded(loaded, path)
    assert told == "" and len(pictures) == count
    for picture, frame in zip(pictures, frames, strict=True):
        assert picture.shape == (3, height, width) and picture.dtype == np.uint8
        assert np.abs(picture / 255 - frame).mean() < 0.08


@pytest.mark.parametrize(
    ("count", "gop", "times"),
    [(5, 0, [0, 2, 4]), (6, 0, [0, 2, 4, 5]), (7, 4, [0, 2, 3, 4, 6]), (4, 1, [0, 1, 2, 3])],
)
def test_every_second_frame_and_the_last_of_a_group_are_coded(count, gop, times, tmp_path):
    inner = Levels()
    coded(around(inner, gop=gop), moving(count), tmp_path / "clip.mdv")
    assert inner.frames == times
    with StreamReader(tmp_path / "clip.mdv") as reader:
        assert [packet.time for packet in reader if packet.payload] == times


def test_pictures_are_those_of_the_upscaler(tmp_path):
    """By hand: reduced by Pillow, coded in levels, enlarged and blended."""
    inner, frames = Levels(), moving(4, 40, 24)
    coded(around(inner), frames, tmp_path / "clip.mdv")
    format = PictureFormat(20, 12)
    small = [
        inner.picture(inner.codes(resize_picture(frame, 12, 20), format), format).astype(np.float32) / 255
        for frame in frames
    ]
    expected = [small[0], (small[0] + small[2]) / 2, small[2], small[3]]
    pictures, _ = decoded(around(inner), tmp_path / "clip.mdv")
    for picture, one in zip(pictures, expected, strict=True):
        np.testing.assert_array_equal(picture, np.rint(resize_picture(one, 24, 40) * 255).astype(np.uint8))


def test_deeper_samples(tmp_path):
    format, frames = PictureFormat(21, 13, 10), moving(3, 21, 13)
    codec = ResampledCodec(Levels(), Baseline(2))
    encoder, decoder = codec.encoder(format, estimate=True), codec.decoder(format)
    made = [one for time, frame in enumerate(frames) for one in encoder.encode(frame, time, time == 0)]
    made += encoder.flush()
    shown = [frame for one in made for frame in decoder.decode(one.packet)] + list(decoder.flush())
    assert [one.estimated_bits is not None for one in made] == [True] * 3 and made[1].estimated_bits == 0
    for one, frame in zip(made, shown, strict=True):
        assert frame.picture.dtype == np.uint16 and frame.picture.max() > 255
        np.testing.assert_array_equal(one.picture, frame.picture)


def test_frames_leave_soon():
    """However long a group is, an encoder holds no more than a frame and its next coded one."""
    encoder = ResampledCodec(Levels(), Baseline(2)).encoder(PictureFormat(16, 16))
    left = 0
    for time, frame in enumerate(moving(40, 16, 16)):
        left += len(encoder.encode(frame, time, time == 0))
        assert time + 1 - left <= 3
    assert left + len(encoder.flush()) == 40


@pytest.mark.parametrize("start", range(9))
def test_decoding_begins_anywhere(start, tmp_path):
    loaded = around(Levels(), gop=4)
    coded(loaded, moving(9), tmp_path / "clip.mdv")
    whole, _ = decoded(loaded, tmp_path / "clip.mdv")
    part, told = decoded(loaded, tmp_path / "clip.mdv", start)
    assert told == "" and len(part) == 9 - start
    np.testing.assert_array_equal(part, whole[start:])


class Stopping(Levels):
    """Stops when it is given a certain frame, as by the keyboard."""

    def codes(self, frame: Array, format: PictureFormat) -> np.ndarray:
        if len(self.frames) > 5:
            raise KeyboardInterrupt
        return super().codes(frame, format)


def test_an_interrupted_encode_ends_like_an_undisturbed_one(tmp_path):
    source = write(tmp_path / "in.y4m", moving(13))
    encode(source, tmp_path / "straight.mdv", around(Levels(), gop=4))
    with pytest.raises(KeyboardInterrupt):
        encode(source, tmp_path / "out.mdv", around(Stopping(), gop=4))
    again = Levels()
    encode(source, tmp_path / "out.mdv", around(again, gop=4))
    assert again.frames[0] > 0
    assert (tmp_path / "out.mdv").read_bytes() == (tmp_path / "straight.mdv").read_bytes()


@pytest.mark.parametrize("inner", [Levels, Pairs])
def test_damage_is_told_and_what_is_shown_before_is_right(inner, tmp_path):
    loaded, path = around(inner(), gop=5), tmp_path / "clip.mdv"
    data = coded(loaded, moving(11, 24, 16), path)
    whole, _ = decoded(loaded, path)
    rng = np.random.default_rng(3)
    for turn in range(150):
        damaged = bytearray(data)
        if turn % 3:
            for at in rng.integers(0, len(data), rng.integers(1, 4)):
                damaged[at] ^= 1 << rng.integers(8)
        else:
            del damaged[rng.integers(len(data)) :]
        path.write_bytes(damaged)
        pictures, told = decoded(loaded, path)
        assert told != "" or damaged == data
        assert all(map(np.array_equal, pictures, whole))


def test_a_stream_that_is_cut_keeps_the_frames_before(tmp_path):
    """The last ones need the picture that was lost."""
    loaded, path = around(Levels(), gop=0), tmp_path / "clip.mdv"
    data = coded(loaded, moving(9), path)
    whole, _ = decoded(loaded, path)
    with StreamReader(path) as reader:
        last = [packet for packet in reader if packet.payload][-1]
    path.write_bytes(data[: data.rindex(last.payload)])
    pictures, told = decoded(loaded, path)
    assert "cut short" in told and len(pictures) == 6
    np.testing.assert_array_equal(pictures, whole[:6])


def test_packets_that_say_other_things_than_were_coded():
    """Whatever they say, there is an error, or fewer frames are shown than packets came."""
    format = PictureFormat(24, 16)
    codec = ResampledCodec(Levels(), Baseline(2))
    encoder = codec.encoder(format)
    made = [
        one for time, frame in enumerate(moving(5, 24, 16)) for one in encoder.encode(frame, time, time == 0)
    ]
    packets = [one.packet for one in [*made, *encoder.flush()]]
    for number, packet in enumerate(packets):
        for first in range(256):
            if packet.payload[:1] in (b"", bytes([first])) or (first ^ packet.payload[0]) == 2:
                continue  # (whether the inner codec coded a frame by itself, it knows itself)
            payload = bytes([first]) + packet.payload[1:]
            changed = [*packets[:number], type(packet)(**{**vars(packet), "payload": payload})]
            decoder, shown = codec.decoder(format), []
            try:
                for one in [*changed, *packets[number + 1 :]]:
                    shown += decoder.decode(one)
                shown += decoder.flush()
            except StreamError:
                continue
            assert len(shown) < len(packets)


def test_misuse():
    codec, format = ResampledCodec(Levels(), Baseline(2)), PictureFormat(8, 16)
    with pytest.raises(MediaError, match=r"16x8 .* 8x16"):
        codec.encoder(format).encode(np.zeros((3, 8, 16), np.float32), 0, True)
    encoder = codec.encoder(format)
    made = [one for t, f in enumerate(moving(3, 8, 16)) for one in encoder.encode(f, t, False)]
    assert made[0].packet.type is INTRA and made[1].packet.type is INTER
    with pytest.raises(StreamError, match="begin at an intra packet"):
        codec.decoder(format).decode(made[1].packet)
