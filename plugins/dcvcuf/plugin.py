"""DCVC-UF: ultra-fast neural video compression, and its picture codec."""

from core.hooks import (
    CodecEntry,
    Coding,
    IntraEntry,
    LossEntry,
    ModelEntry,
    Plugin,
    StepEntry,
    Supervision,
    lazy,
)

from .config import (
    DcvcUfCodecConfig,
    DcvcUfConfig,
    DcvcUfIntraCodecConfig,
    DcvcUfIntraConfig,
    DcvcUfIntraLossConfig,
    DcvcUfIntraStepConfig,
    DcvcUfLossConfig,
    DcvcUfPicturesConfig,
    DcvcUfStepConfig,
)

PLACE = Coding.CONDITIONAL, Supervision.OBJECTIVE

MODEL = ModelEntry(
    "dcvcuf",
    DcvcUfConfig,
    lazy(".video:VideoNetwork"),
    lazy(".weights:published"),
    lazy(".codec:DcvcUfCodec.parts"),
)
PICTURES = ModelEntry(
    "dcvcuf_intra",
    DcvcUfIntraConfig,
    lazy(".image:PictureNetwork"),
    lazy(".weights:published_intra"),
    lazy(".picture_codec:DcvcUfPictures.parts"),
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
    lazy(".picture_codec:DcvcUfPictures"),
    lazy(".picture_codec:DcvcUfPictures.tables"),
    *PLACE,
)
LOSS = LossEntry("dcvcuf", DcvcUfLossConfig, lazy(".loss:DcvcUfLoss"))
PICTURE_LOSS = LossEntry("dcvcuf_intra", DcvcUfIntraLossConfig, lazy(".loss:DcvcUfLoss"))
STEP = StepEntry("dcvcuf", DcvcUfStepConfig, lazy(".step:build"))
PICTURE_STEP = StepEntry("dcvcuf_intra", DcvcUfIntraStepConfig, lazy(".step:build_intra"))
INTRA = IntraEntry("dcvcuf", DcvcUfPicturesConfig, lazy(".picture_codec:intra"))
plugin = Plugin(MODEL, PICTURES, LOSS, PICTURE_LOSS, STEP, PICTURE_STEP, CODEC, PICTURE_CODEC, INTRA)
