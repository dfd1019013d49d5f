"""Opening media files with libav: local files of known kinds, and no others."""

from __future__ import annotations

from pathlib import Path

import av
from av.container import InputContainer
from av.stream import Disposition
from av.video.stream import VideoStream

from core.errors import MediaError
from core.media.video import RawFormat

RAW_SUFFIXES = (".yuv", ".raw", ".rgb")

PICTURE_FORMATS = (
    "apng",
    "bmp_pipe",
    "gif",
    "image2",
    "jpeg_pipe",
    "mjpeg",
    "png_pipe",
    "tiff_pipe",
    "webp_pipe",
)
"""libav's readers of single pictures, and of those that move."""

FORMATS = (
    *(
        "mov",
        "matroska",
        "avi",
        "yuv4mpegpipe",
        "rawvideo",
        "mpegts",
        "mpeg",
        "flv",
        "ogg",
        "asf",
        "nut",
        "ivf",
    ),
    *(
        "mxf",
        "gxf",
        "dv",
        "rm",
        "wtv",
        "h264",
        "hevc",
        "vvc",
        "obu",
        "av1",
        "m4v",
        "mpegvideo",
        "vc1",
        "dirac",
    ),
    *("aac", "ac3", "aiff", "caf", "flac", "mp3", "wav"),  # to say that they hold only sound
    *PICTURE_FORMATS,
)
"""libav's readers that may open a file. Readers of lists (concat, HLS, DASH, …) would open further files."""

_ANIMATED = 0x02
_ATTACHED_PICTURE = Disposition.attached_pic


def open_container(path: Path, raw: RawFormat | None = None) -> InputContainer:
    """Open a local media file with libav, or raise `MediaError`."""
    if path.exists() and not path.is_file():
        raise MediaError(f"{path} is a pipe or a device: give a video file; task=encode reads a pipe as -")
    if not path.is_file():
        raise MediaError(f"{path} does not exist: give a video file or a folder of pictures")
    if path.stat().st_size == 0:
        raise MediaError(f"{path} is empty")
    if raw is None and path.suffix.lower() in RAW_SUFFIXES:
        raise MediaError(f"{path} is raw video: state its size, pixel format and frame rate")
    if is_animated_webp(path):
        raise MediaError(f"{path} is an animated WebP, which cannot be read: convert it to GIF or mp4 first")
    options = {"protocol_whitelist": "file", "format_whitelist": ",".join(FORMATS), "pattern_type": "none"}
    if raw is not None:
        options |= {
            "video_size": f"{raw.width}x{raw.height}",
            "pixel_format": raw.pixel_format,
            "framerate": str(raw.frame_rate),
        }
    try:
        return av.open(f"file:{path}", format="rawvideo" if raw else None, options=options)
    except (av.FFmpegError, OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise MediaError(
            f"{path} is not a video, or not of a kind that is read, or is cut short or damaged ({reason})"
        ) from error


def video_stream(container: InputContainer, path: Path | str) -> VideoStream:
    """The first moving-picture stream (cover art of a sound file is none), set to decode on as many cores as a
    picture has slices."""
    streams = [stream for stream in container.streams.video if not stream.disposition & _ATTACHED_PICTURE]
    if not streams:
        raise MediaError(f"{path} has no video stream" + (", only sound" if container.streams.audio else ""))
    if streams[0].codec_context is None:
        raise MediaError(f"{path} holds pictures in a coding that is not known here, or is damaged")
    alpha_apart = streams[0].codec_context.name in ("vp8", "vp9")  # where libav's decoders pass it over
    if alpha_apart and streams[0].metadata.get("alpha_mode") == "1":
        raise MediaError(f"{path} has transparent parts: flatten it onto a background first")
    # Threads that each decode a frame pass it on before they know whether it is damaged, and hold others back.
    streams[0].thread_type = "SLICE"
    return streams[0]


def is_animated_webp(path: Path) -> bool:
    """Whether the file is a WebP of several pictures: libav cannot decode it."""
    with path.open("rb") as file:
        head = file.read(21)
    return head[:4] == b"RIFF" and head[8:16] == b"WEBPVP8X" and bool(head[20:] and head[20] & _ANIMATED)
