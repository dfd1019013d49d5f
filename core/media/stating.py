"""Writes what a file says beside its pictures: tags, chapters, language (`core.media.presentation`)."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from av.container import OutputContainer
from av.stream import Disposition
from av.video.stream import VideoStream

from core.media.presentation import Presentation

if TYPE_CHECKING:
    from av.container.core import Chapter as LibavChapter

_NANOSECOND = Fraction(1, 1_000_000_000)


def state(
    container: OutputContainer, pictures: VideoStream, presentation: Presentation, lead: Fraction
) -> None:
    """Give a file its tags and chapters, and its pictures their language and title, before its header is written.

    The first picture is shown at ``lead`` seconds. What the format cannot say, libav leaves out.
    """
    container.metadata.update(presentation.metadata)
    named = {"language": presentation.language, "title": presentation.title}
    pictures.metadata.update({name: text for name, text in named.items() if text})
    pictures.disposition = Disposition.default
    chapters: list[LibavChapter] = [
        {
            "id": number,
            "start": max(round((chapter.start + lead) / _NANOSECOND), 0),
            "end": round((chapter.end + lead) / _NANOSECOND),
            "time_base": _NANOSECOND,
            "metadata": {"title": chapter.title} if chapter.title else {},
        }
        for number, chapter in enumerate(presentation.chapters, 1)
        if chapter.end + lead > 0
    ]
    if chapters:
        container.set_chapters(chapters)
