"""DCVC-UF: ultra-fast neural video compression, and its picture codec."""

from core.hooks import CodecEntry, Coding, IntraEntry, ModelEntry, Plugin, Supervision, lazy

from .config import (
    DcvcUfCodecConfig,
    DcvcUfConfig,
    DcvcUfIntraCodecConfig,
    DcvcUfIntraConfig,
    DcvcUfPicturesConfig,
)

PLACE = Coding.CONDITIONAL, Supervision.OBJECTIVE

VIDEO = ModelEntry("dcvcuf", DcvcUfConfig, lazy(".video:VideoNetwork"), lazy(".weights:published"))
PICTURES = ModelEntry(
    "dcvcuf_intra", DcvcUfIntraConfig, lazy(".image:PictureNetwork"), lazy(".weights:published_intra")
)
CODEC = CodecEntry(
    "dcvcuf",
    DcvcUfCodecConfig,
    lazy(".codec:DcvcUfCodec"),
    lazy(".codec:DcvcUfCodec.tables"),
    *PLACE,
    needs={"network", "intra"},
)
PICTURE_CODEC = CodecEntry(
    "dcvcuf_intra",
    DcvcUfIntraCodecConfig,
    lazy(".codec:DcvcUfPictures"),
    lazy(".codec:DcvcUfPictures.tables"),
    *PLACE,
)
INTRA = IntraEntry("dcvcuf", DcvcUfPicturesConfig, lazy(".codec:intra"))
plugin = Plugin(VIDEO, PICTURES, CODEC, PICTURE_CODEC, INTRA)
