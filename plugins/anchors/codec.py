"""The encoders of libav that stand behind the options, and the codec over them."""

from __future__ import annotations

import hashlib
import os
from dataclasses import replace
from functools import singledispatch

from core.codec import ConventionalDecoder, ConventionalEncoder, Encoder
from core.hooks import FrameDecoder, FrameEncoder, PictureFormat, Qualities

from .config import AnchorConfig, SvtAv1Config, Tune, Vp9Config, X26xConfig, X264Config, X265Config

_ENDLESS = 1 << 20
"""Distance of intra frames of which there is one alone."""
_MIN_AV1_SIZE = 64
"""Side of the smallest picture that SVT-AV1 takes, in pixels."""


class AnchorCodec:
    """`core.hooks.ConventionalCodec` over one of libav's encoders."""

    def __init__(self, config: AnchorConfig) -> None:
        self._config = config
        self._encoder = encoder_of(config)

    @property
    def fingerprint(self) -> bytes:
        """Tells what decodes a stream: the format, colour and continued size."""
        encoder = self._encoder
        words = (encoder.decoder, encoder.subsampling.value, encoder.matrix.value, encoder.range.value)
        told = " ".join(map(str, (*words, encoder.multiple, encoder.smallest)))
        return hashlib.sha256(told.encode("ascii")).digest()[:16]

    @property
    def qualities(self) -> Qualities:
        """Its constant rate factors, from the coarsest on; 0 may ask for another coding, without loss."""
        config = self._config
        own = config.crf if config.crf is not None else float(config.qp or 1)
        return Qualities(config.coarsest, 1, config.step, own)

    def at(self, quality: float) -> AnchorCodec:
        """The same with another constant rate factor."""
        return AnchorCodec(replace(self._config, crf=quality, qp=None))

    def encoder(self, format: PictureFormat, estimate: bool = False) -> FrameEncoder:
        """A fresh encoder; what is estimated is what is spent."""
        return ConventionalEncoder(self._encoder, format)

    def decoder(self, format: PictureFormat) -> FrameDecoder:
        """A fresh decoder."""
        return ConventionalDecoder(self._encoder, format)


@singledispatch
def encoder_of(config: AnchorConfig) -> Encoder:
    """The encoder with the settings that options ask for; on one thread, so that bytes never depend on the machine."""
    raise TypeError(f"There is no encoder for {type(config).__name__}.")


@encoder_of.register
def _x264(config: X264Config) -> Encoder:
    # With trees of macroblocks, x264's assembly was seen to differ from run to run, on one thread too.
    parameters = f"{_groups(config)}:threads=1:cpu-independent=1"
    return _encoder(
        config, "libx264", "h264", _x26x_options(config) | {"x264-params": parameters}, multiple=2
    )


@encoder_of.register
def _x265(config: X265Config) -> Encoder:
    parameters = f"{_groups(config)}:open-gop=0:info=0:pools=none:frame-threads=1:log-level=none"
    return _encoder(
        config, "libx265", "hevc", _x26x_options(config) | {"x265-params": parameters}, multiple=8
    )


@encoder_of.register
def _svt_av1(config: SvtAv1Config) -> Encoder:
    os.environ.setdefault("SVT_LOG", "1")  # only errors: it would describe itself on the terminal
    structure = 1 if config.low_delay else 2
    options = {
        **config.rate,
        "preset": str(config.preset),
        "g": str(config.gop or _ENDLESS),
        "svtav1-params": f"pred-struct={structure}:scd=0:lp=1",
    }
    return _encoder(
        config,
        "libsvtav1",
        "libdav1d",
        options,
        multiple=8,
        smallest=_MIN_AV1_SIZE,
        decoder_options={"max_frame_delay": "1"},
    )


@encoder_of.register
def _vp9(config: Vp9Config) -> Encoder:
    quantiser = config.qp if config.crf is None else config.crf
    options = {
        "crf": f"{quantiser:g}",
        "b": "0",
        "deadline": "good",
        "cpu-used": str(config.effort),
        "g": str(config.gop or _ENDLESS),
        "keyint_min": str(config.gop or _ENDLESS),
        "threads": "1",
    }
    if config.low_delay:
        options |= {"lag-in-frames": "0", "auto-alt-ref": "0"}
    if config.crf is None:
        options |= {"qmin": str(config.qp), "qmax": str(config.qp)}
    return _encoder(config, "libvpx-vp9", "vp9", options, multiple=2)


def _encoder(
    config: AnchorConfig, name: str, decoder: str, options: dict[str, str], **size: object
) -> Encoder:
    return Encoder(
        name,
        decoder,
        options,
        subsampling=config.subsampling,
        matrix=config.matrix,
        range=config.range,
        **size,  # type: ignore[arg-type]
    )


def _groups(config: X26xConfig) -> str:
    """Options that place intra and B frames."""
    distance = config.gop or _ENDLESS
    return f"keyint={distance}:min-keyint={distance}:scenecut=0:bframes={config.bframes}"


def _x26x_options(config: X26xConfig) -> dict[str, str]:
    tune = {} if config.tune is Tune.none else {"tune": config.tune.value}
    return {**config.rate, **tune, "preset": config.preset.value}
