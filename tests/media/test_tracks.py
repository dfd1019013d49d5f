"""What stands beside the pictures goes with them, where the target can hold it."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from io import BytesIO
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from core.errors import MediaError
from core.media.presentation import Presentation, Track, TrackKind
from core.media.reader import open_video
from core.media.target import left_out
from core.media.tracks import Sound, TrackSource, check_tracks, holds
from core.media.writer import open_writer
from tests.media.clips import Film, look, make

PICTURES = [np.full((3, 48, 64), level, np.float32) for level in (0.2, 0.5, 0.8)]
COVER = BytesIO()
Image.new("RGB", (16, 16), (200, 30, 30)).save(COVER, "JPEG")


def write(path: Path, tracks: TrackSource) -> Path:
    with open_writer(path, width=64, height=48, frame_rate=Fraction(25), tracks=tracks) as writer:
        for picture in PICTURES:
            writer.write(picture)
    return path


def with_cover(path: Path) -> Path:
    """An mp4 file of sound with a cover picture."""
    with av.open(str(path), "w") as output:
        cover = output.add_mux_stream("mjpeg", width=16, height=16, time_base=Fraction(1, 90000))
        cover.disposition = av.stream.Disposition.attached_pic
        sound = output.add_stream("aac", rate=16000)
        sound.codec_context.layout = "mono"
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        frame.sample_rate, frame.pts = 16000, 0
        packets = [*sound.encode(frame), *sound.encode(None)]
        picture = av.Packet(COVER.getvalue())
        picture.stream, picture.pts, picture.dts = cover, 0, 0
        picture.time_base = Fraction(1, 90000)
        output.mux(picture)
        output.mux(packets)
    return path


@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
def test_cover_pictures(tmp_path: Path, suffix: str) -> None:
    source = with_cover(tmp_path / "in.mp4")
    path = write(tmp_path / f"out.{suffix}", TrackSource(source))
    with av.open(str(path)) as container:
        covers = [one for one in container.streams if one.disposition & av.stream.Disposition.attached_pic]
        assert len(covers) == 1
        assert bytes(next(container.demux(covers[0]))) == COVER.getvalue()
    with open_video(path) as reader:
        assert len(list(reader)) == 3
        assert [track.kind for track in reader.info.presentation.tracks] == [
            TrackKind.COVER if track.codec == "mjpeg" else TrackKind.SOUND
            for track in reader.info.presentation.tracks
        ]


def test_what_containers_hold() -> None:
    assert holds(".mkv", TrackKind.SUBTITLES, "srt") and not holds(".mp4", TrackKind.SUBTITLES, "srt")
    assert holds(".mp4", TrackKind.SUBTITLES, "mov_text")
    assert holds(".mkv", TrackKind.ATTACHMENT, "f.ttf") and not holds(".mp4", TrackKind.ATTACHMENT, "f.ttf")
    assert not any(holds(suffix, TrackKind.DATA, "bin_data") for suffix in (".mp4", ".mkv", ".y4m", ""))


def test_sound_that_fits_passes_the_check(tmp_path: Path) -> None:
    source = make(tmp_path / "in.mkv", Film(sounds=(("pcm_u8", "u8", ""), ("aac", "fltp", ""))))
    check_tracks(TrackSource(source), tmp_path / "out.mkv")
    check_tracks(TrackSource(source, sound=Sound.AAC), tmp_path / "out.mp4")
    check_tracks(TrackSource(source, sound=Sound.NONE), tmp_path / "out.mp4")
    with pytest.raises(MediaError, match="cannot hold the pcm_u8 sound"):
        check_tracks(TrackSource(source), tmp_path / "out.mp4")
    assert [path.name for path in tmp_path.iterdir()] == ["in.mkv"]


def test_sound_coded_anew_keeps_its_gaps(tmp_path: Path) -> None:
    source = make(
        tmp_path / "in.mkv", Film(sounds=(("pcm_s16le", "s16", ""),), sound_start=500, sound_length=300)
    )
    seen = look(write(tmp_path / "out.mp4", TrackSource(source, sound=Sound.AAC)))
    ((begin, end),) = seen.sounds
    assert begin == pytest.approx(0.5, abs=0.07)
    assert end == pytest.approx(0.8, abs=0.07)


def test_sound_coded_anew_of_a_decoder_that_lags(tmp_path: Path) -> None:
    """Its last frame has no time."""
    source = make(tmp_path / "in.wmv", Film(codec="wmv2", options={}, sounds=(("wmav2", "fltp", ""),)))
    for name in ("out.mp4", "out.mkv"):
        track = TrackSource(source, sound=Sound.AAC)
        check_tracks(track, tmp_path / name)
        ((_, end),) = look(write(tmp_path / name, track)).sounds
        assert end == pytest.approx(0.4, abs=0.2)


def test_sound_that_only_the_end_of_a_file_finds_unfit_is_told_at_the_start(tmp_path: Path) -> None:
    """mp4 says at its end where the channels of uncompressed sound are heard; of some it cannot."""
    source = tmp_path / "in.mkv"
    with av.open(str(source), "w") as container:
        sound = container.add_stream("pcm_s16le", rate=16000, layout="5.1")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 6 * 1600), np.int16), format="s16", layout="5.1")
        frame.sample_rate, frame.pts = 16000, 0
        container.mux([*sound.encode(frame), *sound.encode(None)])
    check_tracks(TrackSource(source), tmp_path / "out.mkv")
    check_tracks(TrackSource(source, sound=Sound.AAC), tmp_path / "out.mp4")
    with pytest.raises(
        MediaError, match=r"cannot hold the sound of .*: write an \.mkv file, or give task\.sound"
    ):
        check_tracks(TrackSource(source), tmp_path / "out.mp4")


def test_what_a_film_does_not_show_is_not_heard(tmp_path: Path) -> None:
    """Sound before the cut that an mp4 file passes over."""
    source = tmp_path / "in.mp4"
    film = make(tmp_path / "whole.mp4", Film(sounds=(("aac", "fltp", ""),)))
    with av.open(str(film)) as whole, av.open(str(source), "w") as container:
        sound = container.add_stream_from_template(whole.streams.audio[0])
        for packet in whole.demux(whole.streams.audio[0]):
            if packet.size:
                packet.pts, packet.dts, packet.stream = packet.pts - 3200, packet.dts - 3200, sound
                container.mux(packet)
    seen = look(write(tmp_path / "out.mkv", TrackSource(source)))
    ((begin, end),) = seen.sounds
    assert seen.times[0] - begin < 0.15 and end - seen.times[0] == pytest.approx(0.2, abs=0.1)


def test_what_is_left_out_is_named_once() -> None:
    sound = Track(TrackKind.SOUND, "aac", "ger", "Director")
    facts = Presentation(
        sample_aspect_ratio=Fraction(4, 3), primaries=9, metadata={"title": "x", "mood": "y"}, tracks=(sound,)
    )
    assert left_out(Presentation(), Path("a.y4m")) == ""
    assert left_out(facts, Path("a.mkv")) == ""
    assert left_out(facts, Path("a.mp4")) == "Left out of a.mp4: tags (mood)."
    assert left_out(facts, Path("a.mp4"), Sound.NONE) == (
        "Left out of a.mp4: sound (aac, ger, Director), tags (mood)."
    )
    assert left_out(facts, Path("a")) == (
        "Left out of a: sound (aac, ger, Director), the shape of samples (4:3), primaries and transfer function of "
        "the colours, tags (title, mood)."
    )
    assert left_out(replace(facts, metadata={}), Path("a.mp4"), pictures_alone=True) == (
        "Left out of a.mp4: sound (aac, ger, Director)."
    )
