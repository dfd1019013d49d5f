"""What a target cannot hold of its source, stated before any work."""

from __future__ import annotations

from pathlib import Path

from core.media.presentation import UNSPECIFIED, Presentation, TrackKind
from core.media.tracks import Sound, keeps
from core.media.video import VideoInfo

_TAGS_OF_MP4 = frozenset(
    (
        *(
            "title",
            "artist",
            "album_artist",
            "composer",
            "writer",
            "album",
            "date",
            "comment",
            "genre",
            "copyright",
        ),
        *(
            "grouping",
            "lyrics",
            "description",
            "synopsis",
            "show",
            "episode_id",
            "network",
            "keywords",
            "location",
        ),
        *(
            "episode_sort",
            "season_number",
            "media_type",
            "hd_video",
            "track",
            "disc",
            "compilation",
            "creation_time",
        ),
    )
)
"""Names of the tags that libav writes into mp4."""
_STREAM = ".mdv"


def left_out(
    facts: Presentation, output: Path, sound: Sound = Sound.COPY, *, pictures_alone: bool = False
) -> str:
    """A sentence on what of the source ``output`` will be without; empty where nothing is lost.

    ``pictures_alone`` where the other tracks of the source are not at hand, as in a stream.
    """
    suffix = output.suffix.lower()
    names = [*_tracks(facts, _STREAM if pictures_alone else suffix, sound), *_facts(facts, suffix)]
    return f"Left out of {output}: {', '.join(names)}." if names else ""


def _tracks(facts: Presentation, suffix: str, sound: Sound) -> list[str]:
    names = []
    for track in facts.tracks:
        if track.kind is TrackKind.SOUND:
            # Sound that does not fit a file that holds sound is an error, not a loss.
            lost = suffix not in (".mp4", ".mkv") or sound is Sound.NONE
        else:
            lost = not keeps(suffix, track.kind, track.codec)
        if lost:
            said = ", ".join(word for word in (track.codec, track.language, track.title) if word)
            names.append(f"{track.kind.value} ({said})" if said else track.kind.value)
    return names


def _facts(facts: Presentation, suffix: str) -> list[str]:
    """The facts that the file itself cannot state."""
    if suffix in (_STREAM, ".mkv"):
        return []
    if suffix == ".mp4":
        lost = [name for name in facts.metadata if name.lower() not in _TAGS_OF_MP4]
        return [f"tags ({', '.join(lost)})"] if lost else []
    names = []
    if facts.sample_aspect_ratio != 1 and suffix == "":
        names.append(
            f"the shape of samples ({facts.sample_aspect_ratio.numerator}:{facts.sample_aspect_ratio.denominator})"
        )
    if (facts.primaries, facts.transfer) != (UNSPECIFIED, UNSPECIFIED):
        names.append("primaries and transfer function of the colours")
    if facts.mastering or facts.light:
        names.append("mastering display and light levels")
    if facts.chapters:
        names.append("chapters")
    if facts.metadata or facts.title:
        names.append(f"tags ({', '.join([*facts.metadata] or ['title'])})")
    return names


def range_note(source: Path, info: VideoInfo) -> str:
    """A sentence on how networks see video of high dynamic range; empty for ordinary one."""
    name = info.presentation.high_dynamic_range
    if name is None:
        return ""
    return (
        f"{source} has a high dynamic range ({name}): networks see its values as they stand, between 0 and 1, like "
        "those of ordinary video; depth, primaries and transfer function are kept."
    )
