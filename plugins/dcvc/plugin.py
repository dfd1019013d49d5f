"""DCVC: deep contextual video compression."""

from core.hooks import CodecEntry, Coding, LossEntry, ModelEntry, Plugin, StepEntry, Supervision, lazy

from .config import DcvcCodecConfig, DcvcConfig, DcvcLossConfig, DcvcStepConfig
from .published import WEIGHTS

NETWORK, PUBLISHED, PARTS = lazy(".cells:Dcvc"), lazy(".weights:published"), lazy(".codec:DcvcCodec.parts")
CODER, TABLES = lazy(".codec:DcvcCodec"), lazy(".codec:DcvcCodec.tables")

MODEL = ModelEntry("dcvc", DcvcConfig, NETWORK, PUBLISHED, PARTS)
LOSS = LossEntry("dcvc", DcvcLossConfig, lazy(".loss:DcvcLoss"))
STEP = StepEntry("dcvc", DcvcStepConfig, lazy(".step:build"))
PLACE = Coding.CONDITIONAL, Supervision.OBJECTIVE
CODEC = CodecEntry("dcvc", DcvcCodecConfig, CODER, TABLES, *PLACE, needs={"network", "intra"})
plugin = Plugin(MODEL, LOSS, STEP, CODEC, *WEIGHTS, callbacks=lazy(".guard:callbacks"))
