"""Frames made smaller before coding, and pictures restored from smaller ones by an upscaler, tile by tile."""

from __future__ import annotations

from core.codec.decoded_pictures import DecodedPictures
from core.coding.groups import to_unit_range
from core.hooks import Array, Output, Picture, PictureFormat, Upscaler
from core.media.resampling import resize_picture
from core.media.tiles import plan_tiles

TILE, OVERLAP = 256, 32
"""Largest side of the pieces that the upscaler sees, and what neighbours share, in pixels of the smaller video."""


class Restoration:
    """Between the pictures of a video and those that the inner codec codes."""

    def __init__(self, upscaler: Upscaler, format: PictureFormat) -> None:
        self._upscaler = upscaler
        scale = upscaler.scale
        self._continued, self._true = DecodedPictures(format, scale), DecodedPictures(format, 1)
        height, width = self._continued.height // scale, self._continued.width // scale
        self.format = PictureFormat(width, height, format.depth)
        """Format of the smaller pictures."""
        self._tiles = plan_tiles(
            height, width, tile=TILE, overlap=OVERLAP, alignment=self._upscaler.alignment
        )

    def reduce(self, frame: Array) -> Array:
        """The smaller frame; raises `MediaError` for one of another size than the format's."""
        return resize_picture(self._continued.padded(frame), self.format.height, self.format.width)

    def restore(self, picture: Picture, following: Picture | None, between: bool) -> list[Picture]:
        """A decoded picture in full size and, where asked for, the one between it and the following."""
        wanted = [Output.FIRST, *([Output.MIDDLE] if between else [])]
        first, last = (
            to_unit_range(one, self.format.depth)
            for one in (picture, picture if following is None else following)
        )

        def made(first: Array, last: Array) -> dict[Output, Array]:
            tiles = self._upscaler(first[None], last[None], wanted)
            return {output: tiles[output][0] for output in wanted}

        whole = self._tiles.run_named(made, first, last, scales=dict.fromkeys(wanted, self._upscaler.scale))
        return [self._true.samples(whole[output]) for output in wanted]
