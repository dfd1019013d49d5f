"""Anchors: real encoders of libav as codecs."""

from core.hooks import CodecEntry, Coding, Direction, Plugin, Supervision, lazy

from .config import SvtAv1Config, Vp9Config, X264Config, X265Config

CODER = lazy(".codec:AnchorCodec")
PLACE = Coding.RESIDUAL, Supervision.OBJECTIVE, Direction.UNIDIRECTIONAL

X264 = CodecEntry("x264", X264Config, CODER, None, *PLACE, needs=frozenset())
X265 = CodecEntry("x265", X265Config, CODER, None, *PLACE, needs=frozenset())
SVT_AV1 = CodecEntry("svtav1", SvtAv1Config, CODER, None, *PLACE, needs=frozenset())
VP9 = CodecEntry("vp9", Vp9Config, CODER, None, *PLACE, needs=frozenset())
plugin = Plugin(X264, X265, SVT_AV1, VP9)
