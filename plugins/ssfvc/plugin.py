"""SSFVC: end-to-end optimised video compression with scale-space flow."""

from core.hooks import CodecEntry, Coding, IntraEntry, ModelEntry, Plugin, Supervision, lazy

from .config import SsfvcCodecConfig, SsfvcConfig, SsfvcIntraConfig
from .published import WEIGHTS

NETWORK, PUBLISHED, PARTS = (
    lazy(".cells:ScaleSpaceFlow"),
    lazy(".weights:published"),
    lazy(".codec:SsfvcCodec.parts"),
)
CODER, TABLES = lazy(".codec:SsfvcCodec"), lazy(".codec:SsfvcCodec.tables")

MODEL = ModelEntry("ssfvc", SsfvcConfig, NETWORK, PUBLISHED, PARTS)
CODEC = CodecEntry("ssfvc", SsfvcCodecConfig, CODER, TABLES, Coding.RESIDUAL, Supervision.OBJECTIVE)
INTRA = IntraEntry("ssfvc", SsfvcIntraConfig, lazy(".codec:intra"))
plugin = Plugin(MODEL, CODEC, INTRA, *WEIGHTS)
