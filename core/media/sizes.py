"""Bytes of each frame of a video, as the file holds it."""

from __future__ import annotations

from pathlib import Path

import av

from core.errors import MediaError
from core.media.container import open_container, video_stream
from core.media.pictures import picture_paths


def frame_bytes(path: Path) -> list[int]:
    """Bytes of the packets of a video's pictures, or of the files of a folder, in order of display.

    Raises `MediaError` where the file is no video that tells of itself.
    """
    if path.is_dir():
        return [picture.stat().st_size for picture in picture_paths(path)]
    with open_container(path) as container:
        stream = video_stream(container, path)
        try:
            packets = [(packet.pts, packet.size) for packet in container.demux(stream) if packet.size]
        except av.FFmpegError as error:
            raise MediaError(f"{path} is damaged, or cut short ({error.strerror})") from error
    if any(time is None for time, _ in packets):
        return [size for _, size in packets]
    return [size for _, size in sorted(packets)]
