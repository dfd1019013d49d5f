"""Codes pictures in a file: H.264 by x264 for 8 bits, HEVC by x265 for 10, or the planes as they are."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
from av.video.codeccontext import VideoCodecContext

from core.errors import MediaError
from core.media.colour import Matrix, Range, Subsampling
from core.media.planes import parse_planar_format, planar_format, tag_colour, untagged_matrix
from core.media.presentation import MasteringDisplay, Presentation

MAX_X264_SIZE, MIN_X265_SIZE, MAX_X265_SIZE = 16384, 16, 65534
"""Height or width of a picture."""


@dataclass(frozen=True)
class Encoding:
    """The settings of a file's pictures.

    ``threads`` of the encoder: 1 gives the same bytes every time and everywhere, 0 takes all cores.
    """

    pixel_format: str
    matrix: Matrix
    range: Range
    lossless: bool = False
    crf: float = 16
    preset: str = "medium"
    threads: int = 1
    live: bool = False
    """Whether every picture is to leave the encoder at once."""

    @property
    def encoder(self) -> str:
        """libav's name of the encoder."""
        if self.lossless:
            return "rawvideo"
        _, depth = parse_planar_format(self.pixel_format)
        return "libx264" if depth == 8 else "libx265"

    def apply(
        self,
        context: VideoCodecContext,
        size: tuple[int, int],
        unit: Fraction,
        presentation: Presentation | None,
    ) -> None:
        """Set up an encoder for pictures of height and width ``size`` whose times count ``unit`` seconds."""
        context.height, context.width = size
        context.pix_fmt = self.pixel_format
        context.time_base = unit
        if presentation is not None:
            context.sample_aspect_ratio = presentation.sample_aspect_ratio
            context.field_order = presentation.field_order
        context.thread_count = self.threads
        tag_colour(context, self.matrix, self.range, presentation)
        if self.encoder == "libx264":
            # With trees of macroblocks, x264's assembly was seen to differ from run to run, on one thread too.
            words = ["cpu-independent=1", *_dynamic_range(presentation, "mastering-display", "cll")]
            context.options = {"crf": str(self.crf), "preset": self.preset, "x264-params": ":".join(words)}
        elif self.encoder == "libx265":
            context.codec_tag = "hvc1"  # what Apple's players ask for
            context.options = {
                "crf": str(self.crf),
                "preset": self.preset,
                "x265-params": ":".join(
                    [*self._x265_threads(), *_dynamic_range(presentation, "master-display", "max-cll")]
                ),
            }

        if self.live and not self.lossless:
            context.options = {**context.options, "tune": "zerolatency"}

    def _x265_threads(self) -> list[str]:
        pools = {0: "+", 1: "none"}.get(self.threads, str(self.threads))
        return ["log-level=none", "frame-threads=1", f"pools={pools}"]


def _dynamic_range(presentation: Presentation | None, display: str, light: str) -> list[str]:
    """The options by which an encoder writes the dynamic range."""
    words = []
    if presentation and presentation.mastering:
        words.append(f"{display}={_to_words(presentation.mastering)}")
    if presentation and presentation.light:
        words.append(f"{light}={presentation.light.content},{presentation.light.frame_average}")
    return words


def _to_words(display: MasteringDisplay) -> str:
    """A display in the words of x264 and x265."""
    points = {"G": display.green, "B": display.blue, "R": display.red, "WP": display.white}
    said = "".join(f"{name}({x},{y})" for name, (x, y) in points.items())
    return f"{said}L({display.highest},{display.lowest})"


def pixel_format_for(
    suffix: str, width: int, height: int, subsampling: Subsampling | None, depth: int
) -> str:
    """The format of pictures in a file of this ending: of the source's subsampling (None: RGB) as far as that goes.

    y4m takes any; x264 and x265 code odd sizes in 4:4:4 alone. More than 8 bits become 10.
    """
    if suffix == ".y4m":
        chosen = subsampling or Subsampling.YUV444
    elif width % 2 or height % 2:
        chosen = Subsampling.YUV444
    else:
        chosen = subsampling or Subsampling.YUV420
    return planar_format(chosen, 8 if depth <= 8 else 10)


def uncoded_bytes(output: Path, pixels: int, pixel_format: str) -> int | None:
    """Bytes of so many pixels in an output that is not coded: y4m, or PNG before it is packed; None for others.

    ``pixel_format`` is planar, by libav's name; PNG is RGB of its depth.
    """
    subsampling, depth = parse_planar_format(pixel_format)
    wide = 1 if depth == 8 else 2
    if output.suffix == "":
        return 3 * wide * pixels
    return int(_SAMPLES[subsampling] * wide * pixels) if output.suffix.lower() == ".y4m" else None


_SAMPLES = {Subsampling.YUV420: 1.5, Subsampling.YUV422: 2, Subsampling.YUV444: 3}
"""Samples of a pixel."""


def colour_of(
    pixel_format: str, matrix: Matrix, range: Range, suffix: str, height: int
) -> tuple[Matrix, Range]:
    """Matrix and range for a file of this ending whose source has these: its own, or BT.709, limited, for RGB.

    y4m cannot say its matrix, so that it gets what readers assume for pictures of ``height`` rows.
    """
    if _is_rgb(pixel_format):
        matrix, range = Matrix.BT709, Range.LIMITED
    return (untagged_matrix(height) if suffix == ".y4m" else matrix), range


def _is_rgb(pixel_format: str) -> bool:
    try:
        layout = av.VideoFormat(pixel_format)
    except ValueError:  # of a stream, which may name any
        return False
    return layout.is_rgb or layout.has_palette


def check_encoding(name: object, coding: Encoding, width: int, height: int) -> None:
    """Raise `MediaError` where the encoder takes no pictures of this size."""
    subsampling, _ = parse_planar_format(coding.pixel_format)
    if coding.lossless:
        return
    encoder = coding.encoder.removeprefix("lib")
    odd = width % 2 or height % 2
    if odd and subsampling is not Subsampling.YUV444:
        raise MediaError(
            f"{name}: {encoder} codes no {coding.pixel_format} of odd size {width}x{height}: use yuv444p"
        )
    smallest, largest = (1, MAX_X264_SIZE) if encoder == "x264" else (MIN_X265_SIZE, MAX_X265_SIZE)
    if not (smallest <= min(width, height) and max(width, height) <= largest):
        raise MediaError(
            f"{name}: {encoder} codes pictures with sides of {smallest} to {largest}, not {width}x{height}: write "
            ".y4m or a folder of pictures"
        )
