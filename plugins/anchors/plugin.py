"""Anchors: real encoders of libav as codecs."""

from core.hooks import Coding, ConventionalCodecEntry, Plugin, Supervision, lazy, no_tables

from .config import SvtAv1Config, Vp9Config, X264Config, X265Config

CODER, PLACE = lazy(".codec:AnchorCodec"), (Coding.RESIDUAL, Supervision.OBJECTIVE)

X264 = ConventionalCodecEntry("x264", X264Config, CODER, no_tables, *PLACE)
X265 = ConventionalCodecEntry("x265", X265Config, CODER, no_tables, *PLACE)
SVT_AV1 = ConventionalCodecEntry("svtav1", SvtAv1Config, CODER, no_tables, *PLACE)
VP9 = ConventionalCodecEntry("vp9", Vp9Config, CODER, no_tables, *PLACE)
plugin = Plugin(X264, X265, SVT_AV1, VP9)
